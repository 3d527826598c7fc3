"""X as a table: frames, mappings, files and arrays of numbers and words, with the columns that scikit-learn counts."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from chainrule.arrays import plain
from chainrule.examples import is_sparse
from chainrule.tables.sources import Source, as_source

__all__ = ["table_of"]


def table_of(estimator: Any, X: Any, reset: bool) -> Any:
    """X as a pyarrow.Table; the columns of an array are named x0, x1, ...

    With `reset` the estimator takes the number and names of the columns (`n_features_in_`, `feature_names_in_`);
    else a frame or an array must have the same. In a mapping, a pyarrow.Table and a file columns go by their names, in
    any order.
    """
    import pyarrow as pa

    if isinstance(X, str | os.PathLike | Mapping | pa.Table | Source) and not is_sparse(X):
        table = as_source(X).table()
        if reset:
            estimator.n_features_in_ = table.num_columns
            estimator.feature_names_in_ = np.array(table.column_names, dtype=object)
        return table
    if hasattr(X, "__arrow_c_stream__") or hasattr(X, "__dataframe__"):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        return as_source(X).table()
    X = validate_data(estimator, _unmasked(X), reset=reset, dtype=None, ensure_all_finite=False, accept_sparse="csr")
    X = X.toarray() if hasattr(X, "toarray") else X
    columns = X.T if X.dtype.kind == "O" else np.ascontiguousarray(X.T)
    return as_source({f"x{k}": values for k, values in enumerate(columns)}).table()


def _unmasked(X: Any) -> Any:
    """X as a plain array: a masked value is a missing cell, NaN among numbers and None among words."""
    if not isinstance(X, np.ma.MaskedArray) or X.dtype.names is not None or not np.ma.is_masked(X):
        return plain(X, "X")
    if X.dtype.kind in "iuf":
        return np.ma.filled(X.astype(np.result_type(X.dtype, np.float32)), np.nan)
    return np.ma.filled(X.astype(object), None)
