"""What scikit-learn asks of every estimator: all its checks, without a failure that is expected."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule.estimators import MLPClassifier, MLPRegressor

ESTIMATORS = [
    MLPClassifier(max_iter=40, random_state=0),
    MLPRegressor(max_iter=100, random_state=0),
    MLPClassifier(hidden_layer_sizes=(8,), solver="lbfgs", class_weight="balanced", alpha=1.0, max_iter=20),
]

CHECKS = parametrize_with_checks(ESTIMATORS)


@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::sklearn.exceptions.SkipTestWarning"
)
@pytest.mark.parametrize(CHECKS.args[0], list(CHECKS.args[1]), **CHECKS.kwargs)  # 1.6 gives a generator, once
def test_every_check_passes(estimator, check):
    check(estimator)
