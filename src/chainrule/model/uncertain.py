"""How sure a model is: intervals for numbers, sets of classes, quantiles, and how far its members are apart."""

import abc
import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from chainrule.activations import Activation
from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.fields import Number, Word
from chainrule.model.conformal import SCORES, class_scores
from chainrule.model.deciding import with_threshold
from chainrule.model.heads import as_predictions
from chainrule.model.out_of_fold import OutOfFold, band_of, chances_of
from chainrule.network import Network
from chainrule.tables.inputs.drift import Watch
from chainrule.tables.names import listed
from chainrule.tables.targets import ClassTarget, NormalNumbers, Quantiles, Quantity, Target, Targets

__all__ = ["PLAIN", "Certainty", "Uncertain", "coverage_of", "not_empty", "spread_of"]

V = TypeVar("V")


@dataclasses.dataclass(frozen=True)
class Certainty:
    """What to say beside the answers.

    - interval: the coverage of intervals for numbers, or None.
    - sets: the coverage of sets of classes, or None.
    - method: how sets are made: "lac", "aps" or "raps".
    - spread: whether to say how far the members are apart.

    Raises SettingError where a value is not allowed.
    """

    interval: float | None = None
    sets: float | None = None
    method: str = "lac"
    spread: bool = False

    def __post_init__(self) -> None:
        for name in ("interval", "sets"):
            if getattr(self, name) is not None:
                value = Number(0, 1, above=True, below=True).clean(f"coverage of {name}", getattr(self, name))
                object.__setattr__(self, name, value)
        Word(SCORES).clean("method", self.method)

    @property
    def is_wanted(self) -> bool:
        """Whether there is anything to say."""
        return self.interval is not None or self.sets is not None or self.spread


PLAIN = Certainty()  # nothing but the answers


class Uncertain(abc.ABC):
    """Methods of a `Model` that say how sure it is."""

    targets: Targets
    network: Network
    summary: dict[str, Any]
    out_of_fold: OutOfFold | None

    @abc.abstractmethod
    def _by_block(
        self,
        source: Any,
        columns: Sequence[str],
        of: Callable[[Any], V],
        watch: Watch | None = None,
        dense: bool = True,
    ) -> Iterator[tuple[V, Any]]:
        """A function of encoded rows, for some rows of a source at a time, with these columns of them."""

    @abc.abstractmethod
    def _predicted(self, X: Array) -> Array:
        """The outputs for encoded rows."""

    @property
    @abc.abstractmethod
    def _activations(self) -> list[Activation]:
        """The activation of each block of outputs."""

    def predict_interval(self, source: Any, coverage: float = 0.9) -> Any:
        """The ends (n, 2) of an interval for each row, that has the true number in at least this share of new rows.

        With members by CV+, otherwise by split conformal prediction on the rows that were held out: see
        docs/how-sure.md, which says what is promised. With several targets of numbers an array for each, by name.

        - source: as for `outputs`.
        - coverage: the share, between 0 and 1.

        >>> x = np.arange(60.0)
        >>> model = cr.train_table({"x": x, "price": 3 * x + 10}, target="price", epochs=60, seed=0)
        >>> low, high = model.predict_interval({"x": [20.0]}, coverage=0.8)[0]
        >>> bool(low < model.predict({"x": [20.0]})[0] < high)
        True

        Raises DataError as `outputs` does; SettingError where no target holds numbers, where there are too few rows for
        this coverage, and for a model without answers for rows that it was not trained on.
        """
        return self._only("interval", source, Certainty(interval=coverage))

    def predict_set(self, source: Any, coverage: float = 0.9, *, method: str = "lac") -> Any:
        """Which classes (n, k) belong to a set for each row, that has the true class in this share of new rows.

        The columns are the classes in the order of `targets.classes`. A set is never empty: it has the likeliest class
        at least. With several targets of classes an array for each, by name.

        - source: as for `outputs`.
        - coverage: the share, between 0 and 1.
        - method: "lac" makes the smallest sets on average; "aps" makes larger ones where a row is harder; "raps" is
          that with fewer classes of little probability.

        >>> model = cr.train_table({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, target="y", epochs=20)
        >>> model.predict_set({"x": [1, 0]}, coverage=0.8).tolist()
        [[False, True], [True, False]]

        Raises DataError as `outputs` does, SettingError as `predict_interval` does where no target has classes.
        """
        return self._only("set", source, Certainty(sets=coverage, method=method))

    def spread(self, source: Any) -> Any:
        """How far the members are apart (n,): the standard deviation of their answers, for each row.

        Of numbers in the units of the target; of classes that of the probability of the class that is the answer. With
        several targets an array for each, by name. It says where the training rows decide little, not how far off an
        answer is: for that there are intervals.

        - source: as for `outputs`.

        >>> x = np.arange(60.0)
        >>> model = cr.train_table({"x": x, "price": 3 * x + 10}, target="price", epochs=60, seed=0)
        >>> near, far = model.spread({"x": [30.0, 300.0]})
        >>> bool(near < far)
        True

        Raises DataError as `outputs` does, SettingError for a model of one network.
        """
        return self._only("spread", source, Certainty(spread=True))

    def predict_quantiles(self, source: Any) -> Any:
        """The quantiles (n, k) for each row, in rising order, of a model that was trained with `quantiles`.

        They are what the network says; `predict_interval` makes of them an interval that keeps its promise. With
        several targets an array for each, by name.

        - source: as for `outputs`.

        >>> x = np.arange(60.0)
        >>> table = {"x": x, "price": 3 * x + 10}
        >>> model = cr.train_table(table, target="price", quantiles=(0.1, 0.5, 0.9), epochs=20, seed=0)
        >>> model.predict_quantiles({"x": [20.0, 30.0]}).shape
        (2, 3)

        Raises DataError as `outputs` does, SettingError for a model without quantiles.
        """
        return self._own(source, "quantiles", Quantiles, "train it with quantiles=(0.1, 0.5, 0.9)")

    def predict_deviation(self, source: Any) -> Any:
        """The standard deviation (n,) of the number of each row, of a model that was trained with cost="gaussian".

        - source: as for `outputs`.

        >>> x = np.arange(60.0)
        >>> table = {"x": x, "price": 3 * x + 10}
        >>> model = cr.train_table(table, target="price", cost="gaussian", epochs=20, seed=0)
        >>> bool(model.predict_deviation({"x": [20.0]})[0] > 0)
        True

        Raises DataError as `outputs` does, SettingError for a model with another cost.
        """
        return self._own(source, "deviation", NormalNumbers, "train it with cost='gaussian'")

    def _own(self, source: Any, what: str, kind: type[Target], advice: str) -> Any:
        """What the outputs of targets of a kind say. Raises SettingError where there is no such target."""
        if not any(isinstance(column, kind) for column in self.targets.columns):
            raise SettingError(f"this model has no {what} for {listed(self.targets.names)}: {advice}")
        return self._only(what, source, Certainty())

    def with_threshold(self, rule: Any) -> Any:
        """A copy of the model that answers by a threshold, chosen on answers out of fold; its summary says how well.

        - rule: a probability for the second of two classes, `f1`, `balanced_accuracy`, `precision=0.9`, `recall=0.9`,
          `rate=0.05` or `cost=5:1`; with `CLASS=` before it for the class of that name.

        >>> x = list(range(40))
        >>> model = cr.train_table({"x": x, "y": ["no" if k < 30 else "yes" for k in x]}, target="y", epochs=20, seed=0)
        >>> careful = model.with_threshold("recall=0.95")
        >>> careful.summary["threshold"]["class"], careful.summary["threshold"]["recall"] >= 0.95
        ('yes', True)

        Raises SettingError for a rule that is none, without one target of two classes, and for a model without answers
        for rows that it was not trained on. Warns where the rule cannot be kept: the greatest precision is taken then.
        """
        kept = self._kept(Certainty(sets=0.5))
        assert kept is not None, "it is there, or an error was raised"
        model = copy.copy(self)
        model.targets, summary = with_threshold(self.targets, kept, rule)
        model.summary = {**self.summary, "threshold": summary}
        return model

    def certain_with(
        self, source: Any, columns: Sequence[str], certainty: Certainty, watch: Watch | None = None
    ) -> Iterator[tuple[Array, dict[str, dict[str, Array]], Any]]:
        """The outputs, what is said beside them, and a table of these columns, for some rows of a table at a time.

        By target there are `interval` (n, 2), `set` (n, k) and `spread` (n,), those that are wanted, and `quantiles`
        (n, k) or `deviation` (n,) where the network has them.

        Raises DataError and SettingError as `predict_interval` does.
        """
        say = self._saying(certainty)

        def of(X: Array) -> tuple[Array, dict[str, dict[str, Array]]]:
            A = self._predicted(X)
            return A, say(X, A)

        for (A, said), table in self._by_block(source, columns, of, watch, dense=certainty.is_wanted):
            yield A, said, table

    def _only(self, what: str, source: Any, certainty: Certainty) -> Any:
        """One thing that is said, of all rows of a table: for the only target that has it, or by target."""
        blocks = [said for _, said, _ in self.certain_with(source, (), certainty)]
        names = [name for name in self.targets.names if what in blocks[0][name]]
        parts = {name: np.concatenate([said[name][what] for said in blocks]) for name in names}
        return parts[names[0]] if len(names) == 1 else parts

    def _saying(self, certainty: Certainty) -> Callable[[Array, Array], dict[str, dict[str, Array]]]:
        """A function of encoded rows and their outputs, which says what is wanted by target."""
        kept, targets = self._kept(certainty), self.targets
        intervals = self._of_kind(Quantity, certainty.interval, "an interval", "numbers")
        sets = self._of_kind(ClassTarget, certainty.sets, "a set", "classes")
        numbers = {name: kept.of_numbers(targets, name) for name in intervals} if kept else {}
        classes = {name: kept.of_classes(targets, name, certainty.method) for name in sets} if kept else {}

        def say(X: Array, A: Array) -> dict[str, dict[str, Array]]:
            said: dict[str, dict[str, Array]] = {name: {} for name in targets.names}
            members = self._of_members(X, A) if certainty.is_wanted else A
            for k, (column, part) in enumerate(targets.slices):
                own = members[:, :, part] if certainty.is_wanted else members
                if column.name in numbers and certainty.interval is not None:
                    ends = numbers[column.name].interval(band_of(column, own), certainty.interval)
                    said[column.name]["interval"] = self._ends(k, ends)
                if column.name in classes and certainty.sets is not None:
                    scores = class_scores(own.astype(np.float64), certainty.method)
                    inside = classes[column.name].contains(scores, certainty.sets)
                    said[column.name]["set"] = not_empty(inside, A[:, part])
                if certainty.spread:
                    said[column.name]["spread"] = spread_of(column, own, A[:, part])
                if isinstance(column, Quantiles):
                    said[column.name]["quantiles"] = column.quantiles(A[:, part])
                if isinstance(column, NormalNumbers):
                    said[column.name]["deviation"] = column.deviation(A[:, part])
            return said

        return say

    def _kept(self, certainty: Certainty) -> OutOfFold | None:
        """The answers out of fold. Raises SettingError where they are wanted and not there."""
        kept = self.out_of_fold
        if certainty.spread and (kept is None or kept.members is None):
            raise SettingError("this model is of one network, so nothing spreads: train with members=5, say")
        if (certainty.interval is not None or certainty.sets is not None) and kept is None:
            other = [column.name for column in self.targets.columns if column.kind not in ("classes", "numbers")]
            if other:
                raise SettingError(
                    f"intervals and sets are for targets of numbers and of classes in no order, but {listed(other)} is "
                    "neither: leave them out"
                )
            raise SettingError(
                "this model has no answers for rows that it was not trained on, from which intervals, sets and "
                "thresholds are made: train it again with members=5 or validation=0.1"
            )
        return kept

    def _of_kind(self, kind: Any, coverage: float | None, what: str, of: str) -> list[str]:
        """The targets of a kind, if they are wanted. Raises SettingError where there is none."""
        names = [column.name for column in self.targets.columns if isinstance(column, kind)]
        if coverage is not None and not names:
            have = listed(self.targets.names)
            raise SettingError(f"{what} is for targets of {of}, but there is none: the model predicts {have}")
        return [] if coverage is None else names

    def _of_members(self, X: Array, A: Array) -> Array:
        """The predictions (n, K, n_L) of each member for encoded rows; of one network those that it has, A."""
        kept = self.out_of_fold
        if kept is None or kept.members is None:
            return A[:, np.newaxis]
        apart = kept.members.outputs(self.network, X)
        flat = as_predictions(self.targets, self._activations, apart.reshape(-1, self.targets.width))
        return flat.reshape(apart.shape)

    def _ends(self, place: int, ends: Array) -> Array:
        """Scaled ends (n, 2) in units of the target, within what its outputs can reach."""
        column, part = self.targets.slices[place]
        assert isinstance(column, Quantity), "an interval is for numbers"
        blocks = self.network.architecture.blocks
        reach = next(block.activation.range for block in blocks if block.start <= part.start < block.stop)
        return column.in_units(np.clip(ends, reach.low, reach.high))


def not_empty(inside: Array, A: Array) -> Array:
    """Sets of classes (n, k); one that would be empty has the likeliest class by the outputs A (n, k)."""
    empty = np.flatnonzero(~inside.any(axis=1))
    inside[empty, A[empty].argmax(axis=1)] = True
    return inside


def spread_of(column: Target, members: Array, A: Array) -> Array:
    """The standard deviation (n,) of what K members (n, K, width) answer, where A (n, width) is the model's answer."""
    if isinstance(column, ClassTarget):
        chances = chances_of(column, members)
        parts = chances[np.arange(len(A)), :, column.codes(A)].astype(np.float64)
    else:
        n, K, width = members.shape
        parts = column.decode(members.reshape(n * K, width)).reshape(n, K)
    return np.asarray(parts.std(axis=1))


def coverage_of(said: Mapping[str, Array], truth: Array, promised: Mapping[str, float]) -> dict[str, Any]:
    """How often intervals or sets have the true values, and how large they are, as plain data.

    - said: `interval` (n, 2) or `set` (n, k) of a target.
    - truth: the true numbers (n,), or the numbers of the true classes, -1 for one that training did not have.
    - promised: the coverage that was wanted of each.
    """
    scores: dict[str, Any] = {}
    if "interval" in said:
        low, high = said["interval"].T
        inside = (low <= truth) & (truth <= high)
        scores["interval"] = {"coverage": float(inside.mean()), "width": float(np.mean(high - low))}
    if "set" in said:
        inside = said["set"][np.arange(len(truth)), truth] & (truth >= 0)
        scores["set"] = {"coverage": float(inside.mean()), "size": float(said["set"].sum(axis=1).mean())}
    return {name: {"promised": promised[name], **values} for name, values in scores.items()}
