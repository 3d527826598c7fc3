"""What a report says of a model for rows of a table: its scores beside other models, and what it makes of columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from chainrule.arrays import Array
from chainrule.input_gradients import output_gradients
from chainrule.model.answers import Answers, slices_of
from chainrule.model.baselines import BASELINES, outputs_of_baseline
from chainrule.model.dependence import Dependence, cells_grid, dependence_of
from chainrule.model.division import Division
from chainrule.model.importance import Importance, grouped, importance_of
from chainrule.model.mistakes import mistakes_of
from chainrule.model.report.known import known_facts
from chainrule.model.report.rows import Chosen, Judged, Taken, judged_rows, most_rows, taken
from chainrule.model.report.subject import Subject
from chainrule.model.scores import scores_of
from chainrule.model.settings import TableSettings
from chainrule.model.splits import by_class
from chainrule.tables.arrow import pa
from chainrule.tables.names import require_columns
from chainrule.tables.sources import Source, as_source
from chainrule.tables.targets import ClassTarget, Target
from chainrule.text import counted, shortened

__all__ = ["OURS", "Study", "study_of"]

OURS = "this model"
FOLDS = 5
FEW = 20  # rows, below which other models are not trained
REPEATS = 5  # permutations of a column
MOST_COLUMNS = 60  # that are permuted: those that move the answers furthest
DEPENDENCES = 6  # columns whose dependence is drawn
CURVES = 300  # rows that a dependence is the mean of
POINTS = 12  # values of a column in it
WORK = 2 * 10**10  # products of a weight with a number, of all permutations together
LEAST_PERMUTED = 500  # rows
GRADIENTS = 200  # rows by whose gradients columns are chosen
CELLS = 200_000  # rows × classes that boosting learns from
MOST_TREES, MOST_SPLITS = 20_000, 500_000  # of boosting: trees, and trees × columns


@dataclasses.dataclass(frozen=True)
class Study:
    """The figures of a report.

    - judged: the rows.
    - outputs: by model ("this model", "linear", "boosting") its outputs (n, n_L) for them.
    - apart: whether the other models learned from other rows than those that are judged.
    - others: what they learned from, in words, or why there are none.
    - scores: by model and target its scores, by metric.
    - mistakes: those of this model, by target; see `mistakes_of`.
    - importance, permuted: the importance of columns, and how many of them were permuted.
    - dependences: of the most important columns, by target whose order it is.
    """

    judged: Judged
    outputs: Mapping[str, Array]
    apart: bool
    others: str
    scores: Mapping[str, Mapping[str, Mapping[str, float]]]
    mistakes: Mapping[str, Any]
    importance: Importance
    permuted: int
    dependences: Mapping[str, Sequence[Dependence]]


def study_of(model: Subject, source: Source, train: Any, test_every: int | None, seed: int) -> Study:
    """The figures for a table.

    - source: the table.
    - train: the rows that the model was trained on, which other models learn from too; None if they are not given.
    - test_every: every so many rows or groups of the table, beginning with the first, or the latest rows, are judged,
      and the others are for training, as in `train_table` for this model; None for all.
    - seed: of permutations, folds and other models.

    Raises DataError as `Model.evaluate` does.
    """
    most = most_rows(model)
    is_test = None if test_every is None else _division(model, source, test_every).is_test
    judged = judged_rows(model, source, most, is_test)
    known = _rows_for_training(model, source, train, is_test, most)
    outputs, others = _outputs_of_others(model, judged, known, seed)
    outputs = {OURS: judged.A, **outputs}
    scores = {name: scores_of(model.targets, A, judged.T)["targets"] for name, A in outputs.items()}
    mistakes = mistakes_of(model.targets, judged.A, judged.T, judged.numbers)
    answers = Answers(model.network, model.targets, slices_of(model.encoder), model.predicted)
    columns = _columns(answers, judged.X)
    importance = _importance(model, answers, judged, columns, seed)
    dependences = _dependences(model, answers, judged, importance)
    return Study(judged, outputs, known is not None, others, scores, mistakes, importance, len(columns), dependences)


# ------------------------------------------------------------------------------------------- other models


def _division(model: Subject, source: Source, test_every: int) -> Division:
    """Which rows the training has not seen: with its column of groups or times, if it had one."""
    facts = known_facts(model.summary)
    columns = {name: facts[name] for name in ("group", "time_column") if name in facts}
    return Division.of(source, TableSettings(test_every=test_every, **columns))


def _rows_for_training(model: Subject, source: Source, train: Any, is_test: Chosen | None, most: int) -> Taken | None:
    """The rows that other models learn from, if they are not those that are judged."""
    if is_test is not None:
        some = taken(source, _names(model), most, lambda rows: ~is_test(rows))
    elif train is not None:
        own = as_source(train)
        require_columns(own.names, _names(model), "input or target", own.hint)
        some = taken(own, _names(model), most)
    else:
        return None
    return some.only(_learnable(model, some.table))


def _names(model: Subject) -> list[str]:
    return list(dict.fromkeys([*model.encoder.columns, *model.targets.names]))


def _learnable(model: Subject, table: pa.Table) -> Array:
    """Which rows (n,) have targets that training had."""
    chosen: Array = model.targets.present(table)
    T = model.targets.truth.encode(table.filter(pa.array(chosen)), "float64")
    chosen[chosen] = model.targets.learnable(T)
    return chosen


def _outputs_of_others(model: Subject, judged: Judged, known: Taken | None, seed: int) -> tuple[dict[str, Array], str]:
    """The outputs of other models for the rows, and what these learned from."""
    rows = judged.table
    if min(rows.num_rows, FEW if known is None else known.table.num_rows) < FEW:
        return {}, f"There are fewer than {FEW} rows to learn from, so no other model stands beside it."
    names = [name for name in BASELINES if name != "boosting" or _boosts(model, FOLDS if known is None else 1)]
    left = "" if "boosting" in names else " Boosting is left out: with so many classes or columns it takes minutes."
    try:
        if known is not None:
            outputs = {name: _learned(name, model, known.table, rows, seed) for name in names}
            return outputs, f"The others learned from {counted(known.table.num_rows, 'row')} of {known.origin}.{left}"
        outputs = {name: _out_of_fold(name, model, judged, seed) for name in names}
    except ValueError as error:  # a class has too few rows
        return {}, f"No other model could learn from these rows: {shortened(str(error))}."
    return outputs, (
        f"The others learned from four fifths of these rows and answered the fifth that they had not seen, {FOLDS} "
        f"times. The model learned from rows of its own: if those were among these, its scores are too good.{left}"
    )


def _boosts(model: Subject, fits: int) -> bool:
    """Whether boosting is quick enough: it grows 100 trees for each number, label, and class of more than two."""
    trees = 100 * fits * sum(map(_forests, model.targets.columns))
    return trees <= MOST_TREES and trees * len(model.encoder.columns) <= MOST_SPLITS


def _forests(target: Target) -> int:
    if isinstance(target, ClassTarget):
        return len(target.values) if len(target.values) > 2 else 1
    return target.width


def _learned(name: str, model: Subject, known: pa.Table, rows: pa.Table, seed: int) -> Array:
    most = max(FEW, CELLS // model.targets.width) if name == "boosting" else known.num_rows
    step = max(1, -(-known.num_rows // most))
    part = known.take(pa.array(np.arange(0, known.num_rows, step)))
    with threadpool_limits(1):  # the bits do not depend on the machine, and few rows do not wait for threads
        return outputs_of_baseline(name, model.encoder, model.targets, part, rows, seed)


def _out_of_fold(name: str, model: Subject, judged: Judged, seed: int) -> Array:
    """The outputs for each row by a model that learned from the other four fifths."""
    rows, T = judged.table, judged.T
    A, learnable = np.zeros(judged.A.shape), model.targets.learnable(T)
    for known, unseen in by_class(seed, FOLDS, rows.num_rows, model.targets.truth.strata(T)):
        part = rows.take(pa.array(known[learnable[known]]))
        A[unseen] = _learned(name, model, part, rows.take(pa.array(unseen)), seed)
    return A


# ------------------------------------------------------------------------------------------- columns


def _columns(answers: Answers, X: Array) -> list[str]:
    """The columns that are permuted: if there are many, those with the greatest mean |gradient × (x - mean)|."""
    if len(answers.slices) <= MOST_COLUMNS:
        return list(answers.slices)
    some = X[:: max(1, len(X) // GRADIENTS)][:GRADIENTS].astype(np.float64)
    network = answers.network
    gradients = output_gradients(network.architecture, network.theta.astype(np.float64), some)
    moves = np.abs(gradients * (some - X.mean(axis=0))[:, np.newaxis]).mean(axis=(0, 1))
    order = sorted(answers.slices, key=lambda name: -float(moves[answers.slices[name]].sum()))
    return order[:MOST_COLUMNS]


def _importance(model: Subject, answers: Answers, judged: Judged, columns: Sequence[str], seed: int) -> Importance:
    most = max(LEAST_PERMUTED, WORK // (model.network.theta.size * max(1, len(columns)) * REPEATS))
    chosen = np.unique(np.linspace(0, len(judged.X) - 1, min(most, len(judged.X))).astype(np.int64))
    X, T = judged.X[chosen], judged.T[chosen]

    def scores(rows: Array) -> Any:
        return scores_of(model.targets, answers.predicted(rows), T)["targets"]

    slices = {name: answers.slices[name] for name in columns}
    return importance_of(X, grouped(slices), scores, REPEATS, seed)


def _dependences(
    model: Subject, answers: Answers, judged: Judged, importance: Importance
) -> Mapping[str, Sequence[Dependence]]:
    """For each target the dependences on its most important columns."""
    step = max(1, len(judged.X) // CURVES)
    table, X = judged.table.take(pa.array(np.arange(0, len(judged.X), step)[:CURVES])), judged.X[::step][:CURVES]
    transforms = {transform.name: transform for transform, _ in model.encoder.slices}
    computed: dict[str, Dependence] = {}

    def of(column: str) -> Dependence:
        if column not in computed:
            transform = transforms[column]
            cells = transform.reading.read(table.column(column), column)
            computed[column] = dependence_of(answers, column, cells_grid(transform, cells, POINTS, X.dtype), X)
        return computed[column]

    return {target: [of(c) for c in importance.ranked(target)[:DEPENDENCES]] for target in importance.scores}
