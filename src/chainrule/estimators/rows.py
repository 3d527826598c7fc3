"""Rows of X, y and weights: as a caller passes them, checked, and those of a validation set."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.validation import check_consistent_length, validate_data

from chainrule.arrays import Array, plain
from chainrule.errors import DataError, SettingError
from chainrule.estimators.table_inputs import table_of
from chainrule.text import LONGEST, counted

__all__ = ["Rows", "Validation", "checked_groups", "checked_inputs", "checked_rows", "checked_targets", "score_by"]

_INPUTS = {"accept_sparse": "csr", "dtype": (np.float64, np.float32)}


class Rows(NamedTuple):
    """X (n, n_1), an array, sparse rows or a table of Arrow; y as the user has it; None or the weights of examples.

    groups: None, or the number (n,) of each row's group, whose rows stay together where rows are held out.
    """

    X: Any
    y: Array
    weight: Array | None
    groups: Array | None = None

    def take(self, rows: Array) -> "Rows":
        """Some of the rows, by their numbers, which rise."""
        is_table = hasattr(self.X, "num_rows")
        X = self.X.filter(np.isin(np.arange(len(self.y)), rows)) if is_table else self.X[rows]
        weight, groups = (None if part is None else part[rows] for part in (self.weight, self.groups))
        return Rows(X, self.y[rows], weight, groups)

    def present(self) -> "Rows":
        """The rows with a weight above 0. Raises DataError if there are none."""
        if self.weight is None:
            return self
        kept = np.flatnonzero(self.weight.reshape(len(self.weight), -1).any(axis=1))
        if not len(kept):
            raise DataError(
                "every sample_weight is zero, so there is nothing to learn from: give some row a weight above 0"
            )
        return self if len(kept) == len(self.weight) else self.take(kept)


class Validation(NamedTuple):
    """The validation set that a user passes, or three times None."""

    X: Any
    y: Any
    weight: Any

    def check(self) -> None:
        """Raise SettingError for a part that came without the others."""
        if (self.X is None) != (self.y is None):
            raise SettingError("X_val and y_val belong together: give both or neither")
        if self.X is None and self.weight is not None:
            raise SettingError("sample_weight_val came alone, but is of X_val and y_val: give those too")


def checked_inputs(estimator: Any, X: Any) -> Any:
    """X as an array, a sparse matrix or, for an estimator that was fitted to a table, a table.

    Raises ValueError unless its columns are those of the first call.
    """
    if estimator._plan is not None:
        return table_of(estimator, X, reset=False)
    return _validated(estimator, X, reset=False)


def checked_rows(estimator: Any, X: Any, y: Any, weight: Any, reset: bool, groups: Any = None) -> Rows:
    """The rows without those of weight 0; under a preset X is a table.

    With `reset` the estimator takes the number and names of the columns. Raises ValueError, in one line, for parts
    that do not fit together.
    """
    if estimator.preset is not None:
        return _table_rows(estimator, X, y, weight, reset, groups)
    X, y = _validated(estimator, X, y, reset=reset, multi_output=True, y_numeric=estimator._numeric)
    y = _dense(y)
    return Rows(X, y, _as_weight(weight, len(y)), checked_groups(groups, len(y))).present()


def score_by(score: Callable[[Any, Any, Any], float], X: Any, y: Any, weight: Any) -> float:
    """What a score of scikit-learn gives for X, y and weights. Raises DataError for values that it cannot compare."""
    y, weight = plain(y, "y"), plain(weight, "sample_weight")
    try:
        return float(score(X, y, weight))
    except TypeError as error:
        raise DataError(f"y and sample_weight cannot be scored: {_one_line(error)}") from None


def checked_groups(groups: Any, n: int) -> Array | None:
    """The number (n,) of each row's group; None without groups.

    Raises DataError for another number of rows, and for values that cannot be sorted, such as None among words.
    """
    if groups is None:
        return None
    groups = plain(groups, "groups")
    try:
        values = np.asarray(groups)
        numbers: Array = np.unique(values, return_inverse=True)[1]
    except (TypeError, ValueError):
        raise DataError("groups must be words or numbers of one type, one for each row") from None
    if values.shape != (n,):
        raise DataError(f"groups has shape {values.shape}, but there are {n} rows: give one for each")
    return numbers


def checked_targets(y: Any, rows: int, numeric: bool) -> Array:
    """y as an array, (n,) or (n, k), for so many rows of X; numbers where `numeric`.

    Raises DataError for another shape, another number of rows, and words in place of numbers.
    """
    y = plain(y, "y")
    try:
        y = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
    except (TypeError, ValueError):
        raise DataError("y is not an array: give (n,) or (n, k), as many values in every row") from None
    if y.ndim not in (1, 2):
        came = "None" if y.dtype == object and y.ndim == 0 and y.item() is None else f"of shape {y.shape}"
        raise DataError(f"y is {came}, but must be (n,) or (n, k): give the targets of all rows of X")
    if len(y) != rows:
        raise DataError(f"X has {counted(rows, 'row')}, but y has {len(y):,}: give as many")
    if numeric and y.dtype.kind not in "biuf":
        try:
            return y.astype(np.float64)
        except (TypeError, ValueError):
            raise DataError(f"y has dtype {y.dtype} with values that are not numbers: give numbers") from None
    return y


def _table_rows(estimator: Any, X: Any, y: Any, weight: Any, reset: bool, groups: Any) -> Rows:
    if y is None:
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None")
    table = table_of(estimator, X, reset)
    y = _dense(check_array(plain(y, "y"), ensure_2d=False, dtype=None, input_name="y", accept_sparse="csr"))
    y = y.astype(np.float64) if estimator._numeric and y.dtype.kind in "OU" else y
    if table.num_rows != len(y):
        check_consistent_length(np.empty(table.num_rows), y)
    return Rows(table, y, _as_weight(weight, len(y)), checked_groups(groups, len(y))).present()


def _validated(estimator: Any, *data: Any, **checks: Any) -> Any:
    """X, or X and y, as scikit-learn checks them. Raises DataError in one line."""
    data = tuple(plain(part, what) for part, what in zip(data, "Xy", strict=False))
    try:
        return validate_data(estimator, *data, **checks, **_INPUTS)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        line = _one_line(error)
        if isinstance(error, TypeError) and "argument must be" in line:
            raise  # scikit-learn's checks want this type for objects that are neither numbers nor words
        if "could not convert" in line:
            line = f"X has words in it ({line}): give preset='tabular', which takes any table"
        raise DataError(line) from None


def _one_line(error: Exception) -> str:
    """The message of another library in one line: its begin and, if it is long, its end."""
    line = " ".join(str(error).split())
    return line if len(line) <= 2 * LONGEST else f"{line[:LONGEST]} ... {line[-LONGEST:]}"


def _dense(y: Any) -> Array:
    """The targets y as an array, (n,) if they are one column."""
    y = y.toarray() if hasattr(y, "toarray") else y
    return np.asarray(column_or_1d(y, warn=True)) if y.ndim == 2 and y.shape[1] == 1 else y


def _as_weight(weight: Any, n: int) -> Array | None:
    """None, or the weights of n examples, float64: (n,), or (n, outputs); one number is that of every example."""
    if weight is None:
        return None
    weight = plain(weight, "sample_weight")
    try:
        weights = np.asarray(weight, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise DataError("sample_weight must be numbers, one for each row") from None
    weights = np.full(n, weights) if weights.ndim == 0 else weights
    if weights.ndim > 2 or len(weights) != n:
        raise DataError(f"sample_weight has shape {weights.shape}, but there are {n} rows: give one for each")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise DataError("sample_weight has values that are negative or not finite: weights are at least 0")
    return weights
