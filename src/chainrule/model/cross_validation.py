"""Cross-validation of a table: what a model of it, trained on other rows, scores on rows that it has not seen.

Each split trains a model of its own, with all that belongs to it: the encoder, the sizes, the rows held out. Nothing is
learned from the rows that are tested. A linear model and gradient boosting see the same rows, so that differences are
paired.

The interval of a mean difference is that of Nadeau & Bengio, Inference for the generalization error (Machine Learning
52, 2003): its variance is (1 / k + n_test / n_train) times that of the k differences, because the splits share rows.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError, SettingError, warn_of
from chainrule.fields import Names, Whole
from chainrule.model.baselines import BASELINES, outputs_of_baseline
from chainrule.model.model import Model
from chainrule.model.scores import METRICS, scores_of
from chainrule.model.settings import TableSettings
from chainrule.model.splits import Split, by_class, by_group, by_time, group_codes, time_order
from chainrule.model.training import TableTraining
from chainrule.random import as_seed
from chainrule.registry import require
from chainrule.tables.arrow import pa
from chainrule.tables.chunks import chunks_of
from chainrule.tables.names import require_columns
from chainrule.tables.profile import profile_columns
from chainrule.tables.sources import as_source
from chainrule.tables.targets import ClassTarget, Targets, rows_with_all, target_profiles
from chainrule.text import counted, number, short, words

__all__ = ["CrossValidation", "Difference", "cross_validate"]

OURS = "network"  # the name of our own model among the models
Scores = Mapping[str, Mapping[str, Array]]
"""The scores (k,) of k splits, by target and metric."""


@dataclasses.dataclass(frozen=True)
class Difference:
    """How much the network's score differs from that of another model, over the same rows.

    - mean: the mean of (network - other).
    - low, high: the ends of its 95% interval.
    - better: in how many splits the network scores better; None for a function whose better values are unknown.
    """

    mean: float
    low: float
    high: float
    better: int | None


@dataclasses.dataclass(frozen=True)
class CrossValidation:
    """The scores of models on rows that they were not trained on.

    - rows: how many rows were divided.
    - how: how they were divided, in words.
    - sizes: the numbers of rows to train on and to test on, of each split.
    - scores: by model ("network", "linear", "boosting"), target and metric the scores of the splits, (k,).
    - modes: whether "max" or "min" is better, of metrics that are functions of your own.

    `cross_validate` makes it; `str` of it is a table.

    >>> accuracy = {"network": [0.8, 0.9], "linear": [0.7, 0.9]}
    >>> scores = {model: {"y": {"accuracy": np.array(values)}} for model, values in accuracy.items()}
    >>> result = cr.CrossValidation(60, "2 folds", ((30, 30), (30, 30)), scores)
    >>> round(result.mean("network", "y", "accuracy"), 3), result.difference("linear", "y", "accuracy").better
    (0.85, 1)
    """

    rows: int
    how: str
    sizes: tuple[tuple[int, int], ...]
    scores: Mapping[str, Scores]
    modes: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def mean(self, model: str, target: str, metric: str) -> float:
        """The mean of a score over the splits in which it is defined; NaN if there is none."""
        return _mean(self.scores[model][target][metric])

    def spread(self, model: str, target: str, metric: str) -> float:
        """The standard deviation of a score over the splits; NaN for one split."""
        values = self.scores[model][target][metric]
        values = values[~np.isnan(values)]
        return float(values.std(ddof=1)) if len(values) > 1 else math.nan

    def difference(self, other: str, target: str, metric: str) -> Difference:
        """The network against another model."""
        pairs = self.scores[OURS][target][metric] - self.scores[other][target][metric]
        known = pairs[~np.isnan(pairs)]
        mode = METRICS[metric].mode if metric in METRICS else self.modes.get(metric)
        sign, k = 1 if mode == "max" else -1, len(known)
        better = None if mode is None else int((sign * known > 0).sum())
        if k < 2:
            return Difference(_mean(known), math.nan, math.nan, better)
        from scipy.special import stdtrit

        shares = np.mean([test / train for train, test in self.sizes])
        reach = float(stdtrit(k - 1, 0.975) * math.sqrt((1 / k + shares) * known.var(ddof=1)))
        return Difference(_mean(known), _mean(known) - reach, _mean(known) + reach, better)

    def document(self) -> dict[str, Any]:
        """All of it as plain data; scores that a split does not define are None."""
        models = {
            model: {
                target: {
                    metric: {
                        "mean": _plain(self.mean(model, target, metric)),
                        "spread": _plain(self.spread(model, target, metric)),
                        "scores": [_plain(value) for value in values.tolist()],
                        **({} if model == OURS else {"difference": self._plain_difference(model, target, metric)}),
                    }
                    for metric, values in by_metric.items()
                }
                for target, by_metric in by_target.items()
            }
            for model, by_target in self.scores.items()
        }
        return {"rows": self.rows, "how": self.how, "sizes": [list(pair) for pair in self.sizes], "models": models}

    def table(self, target: str) -> list[tuple[str, ...]]:
        """A line for each metric of a target: its name, mean ± spread of each model, and the difference from each.

        The lines are those of `str`.
        """
        others = [model for model in self.scores if model != OURS]
        return [
            (
                words(metric),
                *(self._cell(model, target, metric) for model in self.scores),
                *(self._versus(other, target, metric) for other in others),
            )
            for metric in self.scores[OURS][target]
        ]

    def heads(self) -> tuple[str, ...]:
        """The heads of `table`."""
        return ("", *self.scores, *(f"network - {model}" for model in self.scores if model != OURS))

    def __str__(self) -> str:
        lines = [self.how]
        for target in self.scores[OURS]:
            rows = [self.heads(), *self.table(target)]
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            lines.append(short(target))
            lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        return "\n".join(line.rstrip() for line in lines)

    def _cell(self, model: str, target: str, metric: str) -> str:
        mean, spread = self.mean(model, target, metric), self.spread(model, target, metric)
        if math.isnan(mean):
            return "-"
        return number(mean) + ("" if math.isnan(spread) else f" ± {number(spread)}")

    def _versus(self, other: str, target: str, metric: str) -> str:
        difference = self.difference(other, target, metric)
        if math.isnan(difference.mean):
            return "-"
        ends = "" if math.isnan(difference.low) else f" ({number(difference.low)} to {number(difference.high)})"
        return f"{number(difference.mean)}{ends}"

    def _plain_difference(self, other: str, target: str, metric: str) -> dict[str, Any]:
        difference = dataclasses.asdict(self.difference(other, target, metric))
        return {name: _plain(value) for name, value in difference.items()}


def cross_validate(
    source: Any,
    target: str | Sequence[str],
    *,
    folds: int = 5,
    repeats: int = 1,
    compare: Sequence[str] | None = tuple(BASELINES),
    progress: Callable[[int, int], Any] | None = None,
    **settings: Any,
) -> CrossValidation:
    """Train models on parts of a table, and score each on rows that it has not seen.

    - source: a file or a folder, a data frame, or a mapping from names to columns; it must fit in memory.
    - target: the name of a column, or a list of names.
    - folds: the number of parts; each is tested once by what the others teach.
    - repeats: how often the rows are divided anew.
    - compare: other models for the same rows: "linear", "boosting" or both; None for none.
    - progress: a function of the number of models trained so far and of all, called before each training.
    - settings: of `train_table`, without rows for a test: each split has its own. With `group` the rows of a group stay
      in one part; with `time_column` each part is tested by what the earlier ones teach. The scores of each split have
      every `metric` among them.

    >>> x = np.arange(60.0)
    >>> scores = cr.cross_validate({"x": x, "y": 2 * x}, "y", folds=3, compare=(), epochs=30, learning_rate=0.01)
    >>> scores.sizes, scores.mean("network", "y", "r2") > 0.9
    (((40, 20), (40, 20), (40, 20)), True)

    Raises SettingError for settings that are not allowed and for more folds than rows, groups or times allow; DataError
    where the table cannot be read, or no row has every target.
    """
    Whole(2).clean("folds", folds)
    Whole(1).clean("repeats", repeats)
    chosen = TableSettings.of(**settings)
    others = Names().clean("compare", () if compare is None else compare)
    unknown = [name for name in others if name not in BASELINES]
    require(not unknown, "compare", list(others), f"some of {', '.join(BASELINES)}, or None")
    if chosen.test_every is not None:
        raise SettingError("every split has its own rows for the test: leave out test_every")
    group, time_column = chosen.group, chosen.time_column
    if time_column is not None and repeats > 1:
        raise SettingError("time_column fixes the order of the rows: leave out repeats")
    if group in ([target] if isinstance(target, str) else target):
        raise SettingError(f"column {group!r} cannot be both the target and the group: choose")
    names = [target] if isinstance(target, str) else list(target)
    table = _present(source, names, [name for name in (group, time_column) if name is not None])
    targets = _targets(table, names, chosen)
    chosen = dataclasses.replace(chosen, seed=as_seed(chosen.seed), task=_task(targets, chosen.task))
    classes = targets.strata(targets.encode(table, "float64"))
    splits = list(_splits(table, classes, chosen.seed, folds, repeats, group, time_column))
    parts: dict[str, list[dict[str, Any]]] = {OURS: [], **{name: [] for name in others}}
    for k, (train, test) in enumerate(splits):
        if progress is not None:
            progress(k, len(splits))
        known, unseen = table.take(train), table.take(test)
        trained = _trained(known, names, dataclasses.replace(chosen, seed=chosen.seed + k), (k, len(splits)))
        for name, scores in _scores(trained, known, unseen, others, chosen.seed + k, chosen.metrics):
            parts[name].append(scores)
    how = _in_words(folds, repeats, group, time_column)
    sizes = tuple((len(train), len(test)) for train, test in splits)
    modes = {getattr(chosen.metrics[0], "__name__", "metric"): chosen.mode} if chosen.mode else {}
    by_model = {name: _by_metric(scores) for name, scores in parts.items()}
    return CrossValidation(table.num_rows, how, sizes, by_model, modes)


def _present(source: Any, targets: list[str], others: list[str]) -> pa.Table:
    """The table in memory without the rows that lack a target. Raises DataError for columns that are not there."""
    origin = as_source(source)
    require_columns(origin.names, targets, "target", origin.hint)
    require_columns(origin.names, others, "group or time", origin.hint)
    table = origin.table()
    present = rows_with_all(table, targets)
    if not present.any():
        raise DataError(f"no row of {origin.origin} has a value of every target: give such rows")
    return table if present.all() else table.filter(pa.array(present))


def _splits(
    table: pa.Table,
    classes: Array | None,
    first_seed: int,
    folds: int,
    repeats: int,
    group: str | None,
    time_column: str | None,
) -> Iterator[Split]:
    if time_column is not None:
        yield from by_time(folds, *time_order(table.column(time_column), time_column))
        return
    for repeat in range(repeats):
        seed = first_seed + repeat
        if group is not None:
            yield from by_group(seed, folds, group_codes(table.column(group), group))
        else:
            yield from by_class(seed, folds, table.num_rows, classes)


def _targets(table: pa.Table, names: list[str], settings: TableSettings) -> Targets:
    """The targets of all rows: they decide what is a class, which some of the rows alone may not show."""
    source = as_source(table)
    profiles = target_profiles(source, names, settings.task, settings.column_kinds)
    profile_columns(lambda: chunks_of(source, names), profiles)
    return Targets.of(profiles, settings.task)


def _task(targets: Targets, task: str) -> str:
    """The task of every split; "auto" stays where some targets are classes and some numbers."""
    kinds = {isinstance(column, ClassTarget) for column in targets.columns}
    return task if len(kinds) > 1 else "classification" if kinds.pop() else "regression"


def _trained(rows: pa.Table, targets: list[str], settings: TableSettings, split: tuple[int, int]) -> Model:
    """A model of the rows of a split, which has this number of so many; the first warns as `train_table` does."""
    number, count = split
    try:
        training = TableTraining(rows, targets, settings)
    except DataError as error:
        raise DataError(f"in the rows to train on of split {number + 1} of {count}: {error}") from error
    for _ in training.events():
        pass
    if number == 0:
        warn_of(training.warnings)
    return training.model


def _scores(
    model: Model, train: pa.Table, test: pa.Table, compare: Sequence[str], seed: int, metrics: tuple[Any, ...]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The scores by target and metric, of the model and of others, on rows that they have not seen."""
    yield OURS, model.evaluate(test, metric=metrics or None)["targets"]
    for name in compare:
        A = outputs_of_baseline(name, model.encoder, model.targets, train, test, seed)
        T = model.targets.truth.encode(test, "float64")
        yield name, scores_of(model.targets, A, T, more=metrics)["targets"]


def _by_metric(parts: list[dict[str, Any]]) -> Scores:
    first = parts[0]
    return {
        target: {metric: np.array([part[target][metric] for part in parts]) for metric in scores}
        for target, scores in first.items()
    }


def _in_words(folds: int, repeats: int, group: str | None, time_column: str | None) -> str:
    if time_column is not None:
        return f"{counted(folds, 'part')} in the order of {time_column}, each predicted from the earlier ones"
    line = f"{counted(folds, 'fold')}" + (f", {repeats} times" if repeats > 1 else "")
    return line + (f"; rows with the same {group} stay together" if group is not None else "")


def _mean(values: Array) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


def _plain(value: float) -> float | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value
