"""Leaks: columns of a table that may give a target away. They are reported, and never left out.

A column is suspected

- if it alone predicts a target almost without error, while all other columns together do clearly worse; or
- if its cells are filled in, or are missing, only in rows of one class.

A column that was filled in after the answer was known looks like this (the boat that saved a passenger); an honest
cause may look like this too, so a person has to judge.

At most 2,048 rows are divided into two halves, each of which predicts the other: a column by the mean of the target for
each of its words, or for each of at most 32 ranges of its numbers; the other columns by ridge regression on all of them
together, or by the best of them alone. Nothing that is learned depends on it. For arrays, `chainrule.training.copies`
finds inputs that are perfect copies of a target.

Source: Kaufman, Rosset & Perlich, "Leakage in data mining: formulation, detection, and avoidance" (KDD 2011):
look first at single columns that predict too well.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from chainrule.arrays import Array
from chainrule.random import Purpose, permutation
from chainrule.tables.inputs import Encoder
from chainrule.tables.inputs.transforms import NumberColumn, Presence, Times, Transform
from chainrule.tables.targets import ClassTarget, Outputs, Target, Targets
from chainrule.training.diagnosis.thresholds import GROUP
from chainrule.training.probe import sample

__all__ = ["Suspect", "suspects"]

MOST_ROWS, LEAST_ROWS = 2048, 50
RANGES = 32  # the greatest number of ranges; each has `GROUP` rows or more
ENOUGH = {"classes": 0.85, "numbers": 0.95}  # the share of what can be explained that makes a column suspect
COPY = 0.98  # two columns are copies of each other if at least this share of their rows is grouped alike
WORSE = 3.0  # the others are clearly worse if they leave this many times as much unexplained
CELLS, PURE = 30, 0.99  # the least number of cells, and the least share of them in one class
CHANCE = 1e-9  # the greatest probability of that by chance


@dataclasses.dataclass(frozen=True)
class Suspect:
    """A column that may give a target away, with the reason in words (`why`)."""

    column: str
    target: str
    why: str

    def __str__(self) -> str:
        return f"{self.column} {self.why}: drop it unless it is known when you predict"


@dataclasses.dataclass(frozen=True)
class _Rows:
    """Encoded rows X (m, n_1), their targets T (m, k), and the half (m,) of each row, 0 or 1."""

    X: Array
    T: Array
    half: Array


def suspects(encoder: Encoder, targets: Outputs, X: Array, T: Array) -> list[Suspect]:
    """The columns that may give a target away, in the order of the table.

    - encoder, targets: the columns that X and T stand for.
    - X: the encoded rows to train on, (n, n_1).
    - T: their targets, (n, n_L), or class numbers.
    """
    if len(X) < LEAST_ROWS:
        return []
    chosen = sample(np.arange(len(X)), MOST_ROWS)
    X, T_of = X[chosen].astype(float), targets.one_hot(T[chosen])
    half = permutation(0, Purpose.HALVES, 0, len(chosen)) % 2
    columns = encoder.slices
    groups = {transform.name: _groups(transform, X[:, part]) for transform, part in columns}
    known = _rows_with(targets, T[chosen])
    by_pair: dict[tuple[str, str], Suspect] = {}
    for target in targets.columns:
        there = known[target.name]
        own = _Rows(X[there], T_of[target.name][there], half[there])
        if len(own.X) < LEAST_ROWS:
            continue
        own_groups = groups if there.all() else {name: _renumbered(group[there]) for name, group in groups.items()}
        for suspect in [
            *_present_in_one_class(columns, target, own),
            *_predicting_alone(columns, own_groups, target, own),
        ]:
            by_pair[suspect.column, suspect.target] = suspect
    names = [transform.name for transform in encoder.transforms]
    return sorted(by_pair.values(), key=lambda suspect: names.index(suspect.column))


def _rows_with(targets: Outputs, T: Array) -> dict[str, Array]:
    """Which rows (m,) have each target."""
    if not isinstance(targets, Targets):
        return {target.name: np.ones(len(T), np.bool_) for target in targets.columns}
    return dict(zip(targets.names, targets.there(T).T, strict=True))


def _predicting_alone(
    columns: list[tuple[Transform, slice]], groups: dict[str, Array], target: Target, rows: _Rows
) -> Iterator[Suspect]:
    """The columns that alone explain a target while the others do not; copies of a column are not among its others."""
    alone = {name: _explained(target, rows.T, _by_group(group, rows)) for name, group in groups.items()}
    for transform, _ in columns:
        name = transform.name
        if alone[name] < ENOUGH["classes" if isinstance(target, ClassTarget) else "numbers"]:
            continue
        rest = {other.name: part for other, part in columns if not _are_copies(groups[name], groups[other.name])}
        if not rest:
            continue
        X = np.concatenate([rows.X[:, part] for part in rest.values()], axis=1)
        together = _explained(target, rows.T, _by_ridge(X, rows))
        others = max(together, *(alone[other] for other in rest))
        if 1 - others >= WORSE * max(1 - alone[name], 1e-3):
            yield Suspect(name, target.name, _comparison(target, rows.T, alone[name], others))


def _are_copies(group: Array, other: Array) -> bool:
    """Whether two columns group the rows alike, but for a few: a column and itself, or the same in other units."""
    table = np.zeros((group.max() + 1, other.max() + 1))
    np.add.at(table, (group, other), 1)
    return bool(min(table.max(axis=0).sum(), table.max(axis=1).sum()) >= COPY * len(group))


def _present_in_one_class(columns: list[tuple[Transform, slice]], target: Target, rows: _Rows) -> Iterator[Suspect]:
    """The columns whose cells are filled in, or are missing, in rows of one class alone."""
    if not isinstance(target, ClassTarget):
        return
    shares = rows.T.mean(axis=0)
    for transform, part in columns:
        if not (isinstance(transform, Presence) or getattr(transform, "missing", False)):
            continue
        missing = rows.X[:, part][:, -1] > 0
        for chosen, what in ((~missing, "is filled in"), (missing, "is missing")):
            count = rows.T[chosen].sum(axis=0)
            k, n = int(count.argmax()), int(chosen.sum())
            if n >= CELLS and count[k] >= PURE * n and n * np.log(shares[k]) < np.log(CHANCE):
                yield Suspect(transform.name, target.name, f"{what} only where {target.name} is {target.texts[k]}")


def _groups(transform: Transform, part: Array) -> Array:
    """The group (m,) of each row by one column: its word, or a range that has about as many rows as the others.

    Rows in which the cell is missing are the last group.
    """
    if isinstance(transform, NumberColumn | Times):
        ranges = min(RANGES, max(2, len(part) // GROUP))
        edges = np.unique(np.quantile(part[:, 0], np.linspace(0, 1, ranges + 1)[1:-1]))
        group = np.searchsorted(edges, part[:, 0], side="right")
    else:
        group = (part @ np.arange(1, part.shape[1] + 1)).astype(np.int64)
    if getattr(transform, "missing", False):
        group = np.where(part[:, -1] > 0, group.max() + 1, group)
    return _renumbered(group)


def _renumbered(group: Array) -> Array:
    """The same groups, numbered from 0 without a gap."""
    return np.unique(group, return_inverse=True)[1]


def _by_group(group: Array, rows: _Rows) -> Array:
    """Predictions (m, k): the mean of T in the row's group in the other half, with the mean of all as one more row."""
    members = np.eye(int(group.max()) + 1)[group]
    prediction = np.empty_like(rows.T)
    for half in (0, 1):
        fit, predict = rows.half != half, rows.half == half
        total = members[fit].T @ rows.T[fit] + rows.T[fit].mean(axis=0)
        prediction[predict] = (total / (members[fit].sum(axis=0)[:, np.newaxis] + 1))[group[predict]]
    return prediction


def _by_ridge(X: Array, rows: _Rows) -> Array:
    """Predictions (m, k) by ridge regression of T on X in the other half."""
    prediction = np.empty_like(rows.T)
    for half in (0, 1):
        fit, predict = rows.half != half, rows.half == half
        middle, level = X[fit].mean(axis=0), rows.T[fit].mean(axis=0)
        A, B = X[fit] - middle, rows.T[fit] - level
        dual = len(A) < A.shape[1]
        gram = (A @ A.T if dual else A.T @ A) + np.eye(min(A.shape))
        W = A.T @ np.linalg.solve(gram, B) if dual else np.linalg.solve(gram, A.T @ B)
        prediction[predict] = (X[predict] - middle) @ W + level
    return prediction


def _explained(target: Target, T: Array, A: Array) -> float:
    """The share that predictions A explain: R^2 of numbers; of classes (accuracy - a) / (1 - a).

    a is the share of the most frequent class.
    """
    if not isinstance(target, ClassTarget):
        return 1 - float(np.square(T - A).sum()) / max(float(np.square(T - T.mean(axis=0)).sum()), 1e-300)
    most = float(T.mean(axis=0).max())
    return (_accuracy(T, A) - most) / max(1 - most, 1e-300)


def _accuracy(T: Array, A: Array) -> float:
    return float((T.argmax(axis=1) == A.argmax(axis=1)).mean())


def _comparison(target: Target, T: Array, alone: float, others: float) -> str:
    """The reason for a suspicion: what a column explains alone, and what the others explain."""
    if not isinstance(target, ClassTarget):
        return f"alone explains {target.name} (r2 {alone:.3f}; all other columns together {max(others, 0):.3f})"
    most = float(T.mean(axis=0).max())
    both = [f"{most + explained * (1 - most):.1%}" for explained in (alone, others)]
    return f"alone predicts {target.name} in {both[0]} of the rows (all other columns together in {both[1]})"
