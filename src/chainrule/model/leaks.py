"""Columns of a table that may give the target away: they are pointed out, never left out.

A column is suspected if it alone predicts a target almost without error while all others together do clearly worse, or
if whether its cells are filled in goes with one class and no other. What came into a table after the answer was known
(the boat that saved a passenger) looks like that; so may an honest cause, so that a person has to judge.

Two halves of at most 2,048 rows predict each other: a column by the mean of the target in each of its words or in each
of at most 32 ranges of its numbers, the others together by ridge regression, or by the best of them. Nothing that is
learned depends on it. `chainrule.training.copies` searches arrays for perfect copies of a target alone.

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
from chainrule.tables.targets import Classes, Target, Targets
from chainrule.training.diagnosis.thresholds import GROUP
from chainrule.training.probe import sample

__all__ = ["Suspect", "suspects"]

MOST_ROWS, LEAST_ROWS = 2048, 50
RANGES = 32  # ranges at most, of `GROUP` rows or more
ENOUGH = {"classes": 0.85, "numbers": 0.95}  # of what can be explained, that a suspected column explains
COPIED = 0.98  # of the rows are in the same groups under a column and a copy of it
WORSE = 3.0  # times as much is left unexplained by the others
FILLED, PURE, CHANCE = 30, 0.99, 1e-9  # rows with a cell, their share in one class, the odds of that by accident


@dataclasses.dataclass(frozen=True)
class Suspect:
    """A column that may give a target away, and `why`, in words."""

    column: str
    target: str
    why: str

    def __str__(self) -> str:
        return f"{self.column} {self.why}: drop it unless it is known when you predict"


@dataclasses.dataclass(frozen=True)
class _Rows:
    """Some rows, each in one of two halves."""

    X: Array
    T: Array
    half: Array


def suspects(encoder: Encoder, targets: Targets, X: Array, T: Array) -> list[Suspect]:
    """The columns that may give a target away, in the order of the table, found in encoded rows X, T."""
    if len(X) < LEAST_ROWS:
        return []
    chosen = sample(np.arange(len(X)), MOST_ROWS)
    rows = _Rows(X[chosen].astype(float), T[chosen].astype(float), permutation(0, Purpose.HALVES, 0, len(chosen)) % 2)
    columns, found, start = _columns(encoder), {}, 0
    codes = {transform.name: _codes(transform, rows.X[:, part]) for transform, part in columns}
    for target in targets.columns:
        outputs = dataclasses.replace(rows, T=rows.T[:, start : start + target.width])
        start += target.width
        for suspect in [*_filled(columns, target, outputs), *_telling(columns, codes, target, outputs)]:
            found[suspect.column, suspect.target] = suspect
    names = [transform.name for transform in encoder.transforms]
    return sorted(found.values(), key=lambda suspect: names.index(suspect.column))


def _columns(encoder: Encoder) -> list[tuple[Transform, slice]]:
    """The columns that are seen, and where in X."""
    seen = [transform for transform in encoder.transforms if transform.features]
    stops = np.cumsum([len(transform.features) for transform in seen]).tolist()
    return [
        (transform, slice(stop - len(transform.features), stop)) for transform, stop in zip(seen, stops, strict=True)
    ]


def _telling(
    columns: list[tuple[Transform, slice]], codes: dict[str, Array], target: Target, rows: _Rows
) -> Iterator[Suspect]:
    """The columns that alone explain a target while the others, their own copies left aside, do not."""
    alone = {name: _explained(target, rows.T, _by_group(code, rows)) for name, code in codes.items()}
    for transform, _ in columns:
        name = transform.name
        if alone[name] < ENOUGH[target.kind]:
            continue
        rest = {other.name: part for other, part in columns if not _same(codes[name], codes[other.name])}
        if not rest:
            continue
        X = np.concatenate([rows.X[:, part] for part in rest.values()], axis=1)
        together = _explained(target, rows.T, _by_ridge(X, rows))
        others = max(together, *(alone[other] for other in rest))
        if 1 - others >= WORSE * max(1 - alone[name], 1e-3):
            yield Suspect(name, target.name, _told(target, rows.T, alone[name], others))


def _same(code: Array, other: Array) -> bool:
    """Whether one column's groups are the other's, but for a few rows: the column itself, or a copy in other units."""
    table = np.zeros((code.max() + 1, other.max() + 1))
    np.add.at(table, (code, other), 1)
    return bool(min(table.max(axis=0).sum(), table.max(axis=1).sum()) >= COPIED * len(code))


def _filled(columns: list[tuple[Transform, slice]], target: Target, rows: _Rows) -> Iterator[Suspect]:
    """The columns whose cells are filled in, or are missing, in the rows of one class alone."""
    if not isinstance(target, Classes):
        return
    shares = rows.T.mean(axis=0)
    for transform, part in columns:
        if not (isinstance(transform, Presence) or getattr(transform, "missing", False)):
            continue
        missing = rows.X[:, part][:, -1] > 0
        for there, how in ((~missing, "is filled in"), (missing, "is missing")):
            count = rows.T[there].sum(axis=0)
            k, n = int(count.argmax()), int(there.sum())
            if n >= FILLED and count[k] >= PURE * n and n * np.log(shares[k]) < np.log(CHANCE):
                yield Suspect(transform.name, target.name, f"{how} only where {target.name} is {target.words[k]}")


def _codes(transform: Transform, part: Array) -> Array:
    """The groups (m,) of the rows by one column: its words, or ranges with as many rows each; the missing ones last."""
    if isinstance(transform, NumberColumn | Times):
        ranges = min(RANGES, max(2, len(part) // GROUP))
        edges = np.unique(np.quantile(part[:, 0], np.linspace(0, 1, ranges + 1)[1:-1]))
        code = np.searchsorted(edges, part[:, 0], side="right")
    else:
        code = (part @ np.arange(1, part.shape[1] + 1)).astype(np.int64)
    if getattr(transform, "missing", False):
        code = np.where(part[:, -1] > 0, code.max() + 1, code)
    return np.unique(code, return_inverse=True)[1]


def _by_group(code: Array, rows: _Rows) -> Array:
    """For each row the mean of the targets in its group, in the other half; the mean of all counts as one more row."""
    groups = np.eye(int(code.max()) + 1)[code]
    found = np.empty_like(rows.T)
    for half in (0, 1):
        fit, ask = rows.half != half, rows.half == half
        total = groups[fit].T @ rows.T[fit] + rows.T[fit].mean(axis=0)
        found[ask] = (total / (groups[fit].sum(axis=0)[:, np.newaxis] + 1))[code[ask]]
    return found


def _by_ridge(X: Array, rows: _Rows) -> Array:
    """For each row what ridge regression on the other half says."""
    found = np.empty_like(rows.T)
    for half in (0, 1):
        fit, ask = rows.half != half, rows.half == half
        middle, level = X[fit].mean(axis=0), rows.T[fit].mean(axis=0)
        A, B = X[fit] - middle, rows.T[fit] - level
        dual = len(A) < A.shape[1]
        gram = (A @ A.T if dual else A.T @ A) + np.eye(min(A.shape))
        W = A.T @ np.linalg.solve(gram, B) if dual else np.linalg.solve(gram, A.T @ B)
        found[ask] = (X[ask] - middle) @ W + level
    return found


def _explained(target: Target, T: Array, A: Array) -> float:
    """The share that is explained: of numbers R^2, of classes (accuracy - a) / (1 - a), a the commonest one's share."""
    if target.kind == "numbers":
        return 1 - float(np.square(T - A).sum()) / max(float(np.square(T - T.mean(axis=0)).sum()), 1e-300)
    most = float(T.mean(axis=0).max())
    return (_accuracy(T, A) - most) / max(1 - most, 1e-300)


def _accuracy(T: Array, A: Array) -> float:
    return float((T.argmax(axis=1) == A.argmax(axis=1)).mean())


def _told(target: Target, T: Array, mine: float, others: float) -> str:
    if target.kind == "numbers":
        return f"alone explains {target.name} (r2 {mine:.3f}; all other columns together {max(others, 0):.3f})"
    most = float(T.mean(axis=0).max())
    both = [f"{most + explained * (1 - most):.1%}" for explained in (mine, others)]
    return f"alone tells {target.name} in {both[0]} of the rows (all other columns together in {both[1]})"
