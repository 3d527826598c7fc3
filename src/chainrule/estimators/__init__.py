"""Estimators in scikit-learn's shape: its multi-layer perceptrons' parameters and attributes, on networks of ours."""

from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
