"""How sure an estimator with preset="tabular" is: intervals for numbers, sets of classes, the spread of its members."""

import abc
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.estimators.fit_call import FitCall
from chainrule.fields import Number, Word
from chainrule.model.conformal import SCORES, class_scores
from chainrule.model.ensemble import Ensemble
from chainrule.model.heads import as_predictions
from chainrule.model.out_of_fold import OutOfFold, band_of, chances_of, rows_to_keep, truth_of
from chainrule.model.row_scores import costs_of, out_of_fold
from chainrule.model.uncertain import not_empty, spread_of
from chainrule.network import Network
from chainrule.tables.targets import ClassTarget, Quantity

__all__ = ["Uncertain", "answers_out_of_fold"]


def answers_out_of_fold(estimator: Any, call: FitCall) -> OutOfFold | None:
    """The answers of a call's networks for rows that they were not trained on; None without a preset or such rows."""
    rows, targets, ensemble = call.held_out, estimator._targets, call.ensemble
    if estimator._plan is None or rows is None:
        return None
    T, several = targets.encode(rows.y), ensemble.count > 1
    X, fold, y = rows.X, np.zeros(len(T), np.int64), np.asarray(rows.y).reshape(len(T), -1)
    chosen = np.arange(len(T)) if several else rows_to_keep(len(T), ensemble.one.sizes[-1], estimator.seed_)
    one_hot = ensemble.one.one_hot(T, estimator.network_.dtype)
    if several:
        A, fold = out_of_fold(ensemble, estimator._trained, X, one_hot)[1], np.asarray(ensemble.fold, np.int64)
    else:
        A = costs_of(estimator.network_, X[chosen], one_hot[chosen])[1]
    A = _predictions(estimator, A).astype(estimator.network_.dtype)
    true = dict(zip(targets.outputs.names, y[chosen].T, strict=True))
    weight = None if getattr(estimator, "class_weight", None) is not None else rows.weight
    weight = None if weight is None else weight.reshape(len(T), -1).mean(axis=1)[chosen].astype(np.float64)
    kept = OutOfFold(A, truth_of(targets.outputs, true, T[chosen]), fold[chosen], weight)
    return kept.take(rows_to_keep(len(A), A.shape[1], estimator.seed_))


class Uncertain(abc.ABC):
    """Methods that say how sure an estimator is, made from answers out of fold."""

    network_: Network
    _targets: Any
    _kept: OutOfFold | None = None

    @property
    @abc.abstractmethod
    def _ensemble(self) -> Ensemble:
        """The networks that are trained together."""

    @property
    @abc.abstractmethod
    def _trained(self) -> Network:
        """The network that is trained: that of all members, if there are several."""

    @abc.abstractmethod
    def _inputs(self, X: Any) -> Array:
        """The rows of X as the network takes them."""

    def _intervals(self, X: Any, coverage: float) -> Any:
        """The ends (n, 2) of intervals, (n, k, 2) for k columns of y."""
        members, kept = self._members_answers(X, coverage)
        parts = []
        for column, part in self._targets.outputs.slices:
            assert isinstance(column, Quantity), "a regressor predicts numbers"
            reach = self.network_.architecture.blocks[0].activation.range
            ends = kept.of_numbers(self._targets.outputs, column.name)
            low_high = ends.interval(band_of(column, members[:, :, part]), float(coverage))
            parts.append(column.in_units(np.clip(low_high, reach.low, reach.high)))
        return parts[0] if self._targets.flat else np.stack(parts, axis=1)

    def _sets(self, X: Any, coverage: float, method: str) -> Any:
        """Which classes belong to the set of each row, (n, classes); a list of those for several columns of y."""
        Word(SCORES).clean("method", method)
        members, kept = self._members_answers(X, coverage)
        sets = []
        for column, part in self._targets.outputs.slices:
            p = chances_of(column, members[:, :, part]).astype(np.float64)
            calibration = kept.of_classes(self._targets.outputs, column.name, method)
            inside = calibration.contains(class_scores(p, method), float(coverage))
            sets.append(not_empty(inside, p.mean(axis=1)))
        return sets[0] if self._targets.flat else sets

    def predict_spread(self, X: Any) -> Array:
        """How far the members are apart: the standard deviation of their answers, (n,), or (n, k) for k columns of y.

        Of numbers in their own units; of classes that of the probability of the class that is the answer.

        - X: rows, as for `predict`.

        >>> X = np.linspace(-1.0, 1.0, 40)[:, None]
        >>> mlp = cr.MLPRegressor(preset="tabular", max_iter=20, random_state=0).fit(X, X[:, 0])
        >>> mlp.predict_spread(X).shape
        (40,)

        Raises NotFittedError before the first fit, SettingError for an estimator of one network.
        """
        inputs = self._inputs(X)
        if self._ensemble.count == 1:
            raise SettingError("this estimator is of one network, so nothing spreads: fit it with preset='tabular'")
        members, A = self._of_members(inputs), _predictions(self, self.network_.predict(inputs))
        parts = [spread_of(c, members[:, :, part], A[:, part]) for c, part in self._targets.outputs.slices]
        return parts[0] if self._targets.flat else np.stack(parts, axis=1)

    def _members_answers(self, X: Any, coverage: float) -> tuple[Array, OutOfFold]:
        """The predictions (n, K, n_L) of each member, and the answers out of fold.

        Raises SettingError where there are none, and for a coverage that is not allowed.
        """
        Number(0, 1, above=True, below=True).clean("coverage", coverage)
        inputs = self._inputs(X)
        if self._kept is None:
            raise SettingError(
                "this estimator has no answers for rows that it was not trained on, from which intervals and sets are "
                "made: fit it with preset='tabular', and all rows in one call"
            )
        return self._of_members(inputs), self._kept

    def _of_members(self, inputs: Array) -> Array:
        A = self._trained.predict(inputs)
        K, width = self._ensemble.count, self._ensemble.one.sizes[-1]
        return _predictions(self, A.reshape(-1, width)).reshape(len(A), K, width)


def _predictions(estimator: Any, A: Array) -> Array:
    """The outputs of one network as predictions."""
    targets = estimator._targets
    if all(isinstance(c, ClassTarget) and c.width == 1 for c in targets.outputs.columns):
        return A
    return as_predictions(targets.outputs, [block.activation for block in estimator._ensemble.one.blocks], A)
