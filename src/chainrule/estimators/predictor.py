"""A predictor of an estimator: a frozen copy that answers one row in microseconds, with the bits of `predict`."""

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError
from chainrule.model.predictor import decoder
from chainrule.model.row_forms import columns_of
from chainrule.tables.inputs.cells import RowEncoder
from chainrule.tables.names import require_columns

__all__ = ["EstimatorPredictor"]


class EstimatorPredictor:
    """A frozen estimator, made by its `predictor`: `predictor(row)` gives what `predict` gives for that row.

    Several threads may call it at the same time. It can be copied and pickled.

    - columns: the columns of X in order, `x0`, `x1`, ... where they have no names.

    >>> X, y = np.array([[0.0], [1.0], [2.0]]), ["low", "low", "high"]
    >>> predict = cr.MLPClassifier((), solver="lbfgs", random_state=0).fit(X, y).predictor()
    >>> predict([2.0]), predict({"x0": 0.0}), predict(X).tolist(), predict.probabilities([2.0]).shape
    ('high', 'low', ['low', 'low', 'high'], (2,))
    """

    def __init__(self, estimator: Any) -> None:
        self._estimator = frozen = copy.copy(estimator)
        frozen.network_ = estimator.network_.copy()
        names = getattr(frozen, "feature_names_in_", None)
        self.columns = tuple(f"x{k}" for k in range(frozen.n_features_in_)) if names is None else tuple(map(str, names))
        self._nameless = copy.copy(frozen)  # for rows in lists, of which scikit-learn would say that they lack names
        self._nameless.__dict__.pop("feature_names_in_", None)
        self._network = frozen.network_.predictor(engine=frozen.engine)
        self._dtype, self._targets = np.dtype(frozen.network_.dtype.name), frozen._targets
        plan = frozen._plan
        self._encoder = None if plan is None else RowEncoder(plan.encoder, self._dtype, self.columns)
        self._used = self.columns if plan is None else tuple(plan.encoder.columns)
        self._decode = decoder(*self._targets.outputs.slices[0]) if self._targets.flat else None

    def __reduce__(self) -> tuple[type["EstimatorPredictor"], tuple[Any]]:
        return EstimatorPredictor, (self._estimator,)

    def __call__(self, row: Any) -> Any:
        """The prediction for a row: a class or a number, or an array (k,) for k outputs.

        - row: the cells in the order of `columns`, or a mapping from columns to cells. Several rows give what `predict`
          gives.

        Raises DataError or ValueError as `predict` does.
        """
        A = self._fast(row)
        if A is None:
            return self._by_table("predict", row)
        return self._targets.decode(A[np.newaxis])[0] if self._decode is None else self._decode(A.tolist())

    def probabilities(self, row: Any) -> Any:
        """The probabilities of the classes (k,); a list of those for several outputs.

        - row: as for a call. Several rows give what `predict_proba` gives.

        Raises DataError or ValueError as `predict_proba` does, AttributeError where there is no `predict_proba`.
        """
        A = self._fast(row) if hasattr(self._estimator, "predict_proba") else None
        if A is None:
            return self._by_table("predict_proba", row)
        return _first(self._targets.probabilities(A[np.newaxis]))

    def _fast(self, row: Any) -> Array | None:
        """The outputs A^L for one row, if nothing about it is odd; None for anything else."""
        try:
            x = self._inputs(row)
            A = None if x is None else self._network(x)
        except (DataError, KeyError, TypeError, ValueError, OverflowError):
            return None
        return A if A is not None and math.isfinite(sum(A.tolist())) else None

    def _inputs(self, row: Any) -> Array | None:
        """The row as the network takes it, None for several rows."""
        is_mapping = isinstance(row, Mapping)
        if not is_mapping and (not isinstance(row, list | tuple | np.ndarray) or len(row) != len(self.columns)):
            return None
        if self._encoder is not None:
            return self._encoder.of_mapping(row) if is_mapping else self._encoder.of_cells(row)
        x = np.array([row[name] for name in self.columns] if is_mapping else row, self._dtype)
        return x if x.ndim == 1 else None

    def _by_table(self, method: str, rows: Any) -> Any:
        """What a method of the estimator gives for rows, or for the only row."""
        first = rows[0] if isinstance(rows, list | tuple) and len(rows) else rows
        names = self._used if hasattr(first, "keys") else self.columns
        table, single = columns_of(rows, names)
        if isinstance(table, Mapping):
            answers = getattr(self._nameless, method)(self._table(table, names))
        else:
            answers = getattr(self._estimator, method)(table)
        if not single:
            return answers
        only = _first(answers)
        return only.item() if isinstance(only, np.generic) else only

    def _table(self, columns: Mapping[str, Any], names: Sequence[str]) -> Any:
        """Columns by name as `predict` takes them: under a preset a table, else rows."""
        if self._encoder is not None:
            return columns
        require_columns(list(columns), names, "input")
        return list(map(list, zip(*(columns[name] for name in names), strict=True)))


def _first(answers: Any) -> Any:
    """The first row of an array, or of each array in a list."""
    return [part[0] for part in answers] if isinstance(answers, list) else answers[0]
