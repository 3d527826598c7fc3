"""Metrics: each scores the predictions for a whole table, in float64.

All rows count alike, or by the weights (n,) of the rows: weight 2 counts as the row twice, weight 0 as without it.

Why not scikit-learn's metrics: importing that library takes longer than scoring most tables, and the command line must
start fast. Each metric agrees with scikit-learn's function of the same meaning; the tests compare them.
"""

from chainrule.model.metrics.classes import (
    accuracy,
    balanced_accuracy,
    f1,
    kappa,
    mcc,
    precision,
    quadratic_kappa,
    rank_error,
    recall,
)
from chainrule.model.metrics.numbers import (
    explained_variance,
    mae,
    mape,
    max_error,
    median_absolute_error,
    mse,
    r2,
    rmse,
    rmsle,
)
from chainrule.model.metrics.probabilities import (
    auc,
    average_precision,
    brier,
    ece,
    exact_match,
    label_auc,
    label_f1,
    label_log_loss,
    log_loss,
)

__all__ = [
    "accuracy",
    "auc",
    "average_precision",
    "balanced_accuracy",
    "brier",
    "ece",
    "exact_match",
    "explained_variance",
    "f1",
    "kappa",
    "label_auc",
    "label_f1",
    "label_log_loss",
    "log_loss",
    "mae",
    "mape",
    "max_error",
    "mcc",
    "median_absolute_error",
    "mse",
    "precision",
    "quadratic_kappa",
    "r2",
    "rank_error",
    "recall",
    "rmse",
    "rmsle",
]
