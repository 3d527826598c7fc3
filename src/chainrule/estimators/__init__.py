"""Estimators for scikit-learn: the parameters and attributes of its multi-layer perceptrons, with networks of ours."""

from chainrule.estimators.base import MLP
from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.conversion import estimator_from_sklearn
from chainrule.estimators.regressor import MLPRegressor

__all__ = ["MLP", "MLPClassifier", "MLPRegressor", "estimator_from_sklearn"]
