"""Out-of-fold answers: what networks say of rows that they were not trained on, with the true values.

With several members these are the rows of the training, each by the member that leaves it out; with one network those
that were held out for validation. Intervals, prediction sets, thresholds and temperatures are made from them. Of more
than 20,000 rows, or two million outputs, some are drawn by the seed.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError
from chainrule.model.conformal import Band, Calibration, class_scores
from chainrule.model.members import Members
from chainrule.network import Network
from chainrule.random import Purpose, permutation
from chainrule.tables.targets import ClassTarget, Outputs, Quantity, Target

__all__ = ["OutOfFold", "band_of", "chances_of", "rows_to_keep", "truth_of"]

MOST_ROWS, MOST_OUTPUTS = 20_000, 2_000_000  # that are kept


@dataclasses.dataclass(frozen=True, eq=False)
class OutOfFold:
    """The answers for n rows, and their true values.

    - A: predictions (n, n_L), in the type of the network.
    - t: the true values (n, targets), float64: the number of a class, a number scaled as in training.
    - fold: the number (n,) of the member that was not trained on the row; 0 with one network.
    - weight: the weights (n,) of the rows, or None.
    - members: the members apart, or None with one network.
    """

    A: Array
    t: Array
    fold: Array
    weight: Array | None = None
    members: Members | None = None

    def take(self, rows: Array) -> "OutOfFold":
        """The same for some of the rows."""
        weight = None if self.weight is None else self.weight[rows]
        return OutOfFold(self.A[rows], self.t[rows], self.fold[rows], weight, self.members)

    def of(self, targets: Outputs, name: str) -> tuple[Array, Array]:
        """The predictions (n, width) and the true values (n,) of a target."""
        place = targets.names.index(name)
        return self.A[:, targets.slices[place][1]], self.t[:, place]

    def of_numbers(self, targets: Outputs, name: str) -> Calibration:
        """The scores of a target of numbers."""
        A, t = self.of(targets, name)
        column = targets.columns[targets.names.index(name)]
        return Calibration(band_of(column, A[:, np.newaxis]).scores(t)[:, 0], self.fold, self.weight)

    def of_classes(self, targets: Outputs, name: str, method: str) -> Calibration:
        """The scores of a target of classes by a method of `conformal.SCORES`."""
        A, t = self.of(targets, name)
        scores = class_scores(chances_of(targets.columns[targets.names.index(name)], A).astype(np.float64), method)
        return Calibration(scores[np.arange(len(A)), t.astype(np.intp)], self.fold, self.weight)

    def document(self) -> dict[str, Any]:
        """What is not an array, for a file."""
        return {"rows": len(self.A), "members": 0 if self.members is None else self.members.count}

    def tensors(self) -> dict[str, Array]:
        """The arrays by name, for a file."""
        arrays = {"A": self.A, "t": self.t, "fold": self.fold.astype(np.int32)}
        arrays |= {} if self.weight is None else {"weight": self.weight}
        arrays |= {} if self.members is None else self.members.tensors()
        return {f"out_of_fold.{name}": array for name, array in arrays.items()}

    @classmethod
    def from_document(
        cls, document: Any, tensors: Mapping[str, Array], targets: Outputs, network: Network, count: int = 1
    ) -> "OutOfFold | None":
        """What `document` and `tensors` wrote; None for a file without it. Raises DataError where it does not fit.

        - targets, network: what the answers are of; `count` members, where the file does not keep them apart.
        """
        if document is None:
            return None
        fold = tensors["out_of_fold.fold"]
        if fold.dtype != np.int32:
            raise DataError(f"its folds are {fold.dtype}, not int32")
        parts = {n.removeprefix("out_of_fold."): a for n, a in tensors.items() if n.startswith("out_of_fold.")}
        members = Members.from_tensors(parts, network) if document["members"] else None
        kept = cls(parts["A"], parts["t"], parts["fold"].astype(np.int64), parts.get("weight"), members)
        kept._check(targets, network, count if members is None else members.count)
        return kept

    def _check(self, targets: Outputs, network: Network, members: int) -> None:
        """Raise DataError for arrays of other shapes, numbers that are not finite, and classes that are not there."""
        n, weight = len(self.A), np.ones(len(self.A)) if self.weight is None else self.weight
        shapes: list[tuple[Array, tuple[int, ...], Any]] = [
            (self.A, (n, targets.width), network.dtype),
            (self.t, (n, len(targets.columns)), np.float64),
        ]
        shapes += [(weight, (n,), np.float64), (self.fold, (n,), np.int64)]
        ok = n > 0 and all(a.shape == shape and a.dtype == dtype for a, shape, dtype in shapes)
        ok = ok and all(bool(np.isfinite(a).all()) for a, _, _ in shapes)
        ok = ok and bool((weight > 0).all()) and bool(((self.fold >= 0) & (self.fold < members)).all())
        for k, column in enumerate(targets.columns if ok else ()):
            if isinstance(column, ClassTarget):
                ok = ok and bool(np.isin(self.t[:, k], np.arange(len(column.values))).all())
        if not ok:
            raise DataError(f"its {n} answers out of fold do not fit its targets, {', '.join(targets.names)}")


def rows_to_keep(n: int, outputs: int, seed: int) -> Array:
    """The numbers of the rows whose answers are kept, of n rows, in order."""
    most = max(min(MOST_ROWS, MOST_OUTPUTS // outputs), 1)
    return np.arange(n) if n <= most else np.sort(permutation(seed, Purpose.KEPT, 0, n)[:most])


def truth_of(targets: Outputs, true: Mapping[str, Array], T: Array) -> Array:
    """The true values (n, targets) as they are kept.

    - true: the true values (n,) of each target, by name; those of numbers count.
    - T: the targets (n, n_L) of one network.
    """
    codes = targets.codes(T)
    parts = [codes[c.name] if c.name in codes else _scaled(c, true[c.name]) for c in targets.columns]
    return np.stack(parts, axis=1).astype(np.float64)


def _scaled(column: Any, values: Array) -> Array:
    """Numbers (n,) scaled as in training."""
    scaled: Array = column.encode_values(np.asarray(values, np.float64), "float64")[:, 0]
    return scaled


def band_of(column: Target, outputs: Array) -> Band:
    """What the outputs (n, K, width) of K networks say of a target of numbers, scaled as in training."""
    assert isinstance(column, Quantity), "a target of numbers"
    n, K, width = outputs.shape
    parts = column.band(outputs.reshape(n * K, width).astype(np.float64))
    return Band(*(part.reshape(n, K) for part in parts))


def chances_of(column: Target, outputs: Array) -> Array:
    """The probabilities (..., classes) of a target of classes, from its outputs (..., width)."""
    assert isinstance(column, ClassTarget), "a target of classes"
    if outputs.shape[-1] == len(column.values):
        return outputs
    return np.concatenate([1 - outputs, outputs], axis=-1)
