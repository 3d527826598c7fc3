"""The scores of rows of X and y by a fitted estimator: which may have a wrong label or odd values."""

import dataclasses
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.examples import as_examples, digest_of, folds
from chainrule.model.heads import as_predictions
from chainrule.model.row_scores import RowScores, costs_of, out_of_fold
from chainrule.tables.targets import ArrayLabels

__all__ = ["fold_of", "row_scores", "rows_digest"]


def rows_digest(X: Array, T: Array, dtype: np.dtype[Any], groups: Array | None) -> str:
    """A text by which encoded rows X (n, n_1), with the targets T of one member and groups, are recognised."""
    own = "" if groups is None else digest_of(groups, None, np.dtype("float64"))
    return digest_of(X, None, dtype) + digest_of(T, None, dtype) + own


def fold_of(estimator: Any, T: Array, groups: Array | None = None) -> Array:
    """The member (n,), from 0, that each row of the training leaves out; T are its targets."""
    count = estimator._ensemble.count
    return folds(estimator.seed_, count, len(T), estimator._targets.outputs.strata(T), groups)


def row_scores(estimator: Any, X: Any, y: Array, groups: Array | None) -> RowScores:
    """The scores of rows: out-of-fold costs where they are those of the training by several members, else costs.

    - X: rows as the network takes them (n, n_1).
    - y: their targets as the user has them, (n,) or (n, k).
    - groups: the number of each row's group (n,), or None.

    Raises DataError for targets that the cost does not take, such as NaN.
    """
    targets, ensemble, network = estimator._targets, estimator._ensemble, estimator.network_
    T = targets.encode(y)
    as_examples(network.architecture, X, T, None, network.dtype, sparse=True)  # raises
    if ensemble.count > 1 and estimator._rows == rows_digest(X, T, network.dtype, groups):
        method = f"out-of-fold cost of {ensemble.count} members"
        ensemble = dataclasses.replace(ensemble, fold=fold_of(estimator, T, groups))
        scores, A = out_of_fold(ensemble, estimator._trained, X, ensemble.one.one_hot(T, network.dtype))
    else:
        method, (scores, A) = "cost", costs_of(network, X, ensemble.one.one_hot(T, np.float64))
    if not (isinstance(targets, ArrayLabels) and targets.yes_or_no):
        A = as_predictions(targets.outputs, [block.activation for block in ensemble.one.blocks], A)
    true = dict(zip(targets.outputs.names, y.reshape(len(y), -1).T, strict=True))
    return RowScores(method, np.arange(len(y)), scores, A, true)
