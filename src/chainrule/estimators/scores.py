"""The score of an estimator, as scikit-learn defines it, of the outputs of its network."""

import numpy as np

from chainrule.arrays import Array
from chainrule.tables.targets import ArrayLabels, ArrayTargets

__all__ = ["score_of"]


def score_of(targets: ArrayTargets, y: Array, A: Array, weight: Array | None) -> float:
    """The share of rows that are right in every output; of numbers R², the mean over columns.

    - targets: what y is.
    - y: the true values, (n,) or (n, k).
    - A: the outputs (n, n_L).
    - weight: the weights of the rows, (n,); of several outputs (n, outputs), of which the mean counts.

    NaN where an output is not finite.
    """
    if not np.isfinite(A).all():
        return float("nan")
    by_row = weight if weight is None or weight.ndim == 1 else weight.mean(axis=1)
    prediction = targets.decode(A)
    if isinstance(targets, ArrayLabels):
        right = (prediction.reshape(len(A), -1) == y.reshape(len(A), -1)).all(axis=1)
        return float(np.average(right, weights=by_row))
    from sklearn.metrics import r2_score

    return float(r2_score(y, prediction.reshape(y.shape), sample_weight=by_row))
