"""Fitted MLPs of scikit-learn taken over: they predict the same, keep what was counted, and go on training."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor

import chainrule as cr
from chainrule.errors import SettingError

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:scipy.optimize. The `disp`:DeprecationWarning"),  # of older ones
]

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
TARGETS = {
    "binary": (MLPClassifier, np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)]),
    "multiclass": (MLPClassifier, RNG.integers(3, 6, 40)),
    "multilabel": (MLPClassifier, RNG.integers(0, 2, (40, 3))),
    "number": (MLPRegressor, X[:, 0] ** 2),
    "numbers": (MLPRegressor, X[:, :2]),
}
RULES = [
    {"solver": "sgd"},
    {"solver": "sgd", "nesterovs_momentum": False},
    {"solver": "sgd", "momentum": 0.0},
    {"solver": "adam", "epsilon": 1e-14},  # which is not added at the same place
]
ATTRIBUTES = (
    "n_features_in_", "n_outputs_", "n_layers_", "out_activation_", "n_iter_", "t_", "loss_", "loss_curve_",
    "best_loss_", "validation_scores_", "best_validation_score_",
)  # fmt: skip


def fitted(target="number", **settings):
    kind, y = TARGETS[target]
    return kind(**{"hidden_layer_sizes": (5, 4), "max_iter": 4, "random_state": 0} | settings).fit(X, y), y


@pytest.mark.parametrize("target", TARGETS)
def test_predictions_classes_and_parameters_are_its_own(target):
    mlp, y = fitted(target)
    ours = cr.estimator_from_sklearn(mlp)
    assert type(ours).__module__.startswith("chainrule.")
    assert type(ours).__name__ == type(mlp).__name__
    assert {name: value for name, value in ours.get_params().items() if name in mlp.get_params()} == mlp.get_params()
    if hasattr(mlp, "classes_"):
        np.testing.assert_array_equal(ours.classes_, mlp.classes_)
        np.testing.assert_allclose(ours.predict_proba(X), mlp.predict_proba(X), rtol=1e-12)
        np.testing.assert_array_equal(ours.predict(X), mlp.predict(X))
    else:
        np.testing.assert_allclose(ours.predict(X), mlp.predict(X), rtol=1e-12)
    assert ours.score(X, y) == pytest.approx(mlp.score(X, y), rel=1e-12)


def test_of_l_bfgs_the_last_loss_is_kept():
    mlp, y = fitted(solver="lbfgs")
    ours = cr.estimator_from_sklearn(mlp)
    assert (ours.loss_, ours.n_iter_) == (mlp.loss_, mlp.n_iter_)
    assert len(ours.set_params(warm_start=True, max_iter=2).fit(X, y).loss_curve_) == ours.n_iter_ == 2


@pytest.mark.parametrize("early_stopping", [False, True])
def test_what_was_counted_is_kept(early_stopping):
    mlp, _ = fitted(early_stopping=early_stopping)
    ours = cr.estimator_from_sklearn(mlp)
    for name in ATTRIBUTES:
        assert getattr(ours, name) == getattr(mlp, name), name
    for mine, theirs in zip([*ours.coefs_, *ours.intercepts_], [*mlp.coefs_, *mlp.intercepts_], strict=True):
        assert mine.tobytes() == theirs.tobytes()


def test_the_last_of_several_fits_is_what_is_counted():
    mlp, y = fitted(warm_start=True)
    ours = cr.estimator_from_sklearn(mlp.fit(X, y))
    assert (ours.n_iter_, len(ours.loss_curve_)) == (4, 8)
    assert (ours.partial_fit(X, y).n_iter_, len(ours.loss_curve_)) == (5, 9)


@pytest.mark.parametrize("max_iter", [8, 200])
def test_the_adaptive_rate_goes_on_where_it_was_by_itself_or_not(max_iter):
    often = {"tol": 10.0, "n_iter_no_change": 1, "learning_rate_init": 0.1}
    mlp, y = fitted(solver="sgd", learning_rate="adaptive", max_iter=max_iter, **often)
    ours = cr.estimator_from_sklearn(mlp)
    assert ours.stopped_ == (max_iter == 200)
    assert ours.partial_fit(X, y).history_.rate[-1] == pytest.approx(mlp._optimizer.learning_rate, rel=1e-9)
    assert mlp._optimizer.learning_rate < 0.01


@pytest.mark.parametrize("target", ["binary", "numbers"])
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_training_goes_on_as_scikit_learns_own_would(rule, target):
    """All rows in every update, in one order: then nothing is drawn, and both make the same updates."""
    mlp, y = fitted(target, batch_size=40, shuffle=False, learning_rate_init=0.01, alpha=0.1, max_iter=1, **rule)
    for _ in range(4):
        mlp.partial_fit(X, y)
    ours = cr.estimator_from_sklearn(mlp)
    for _ in range(3):
        ours.partial_fit(X, y)
        mlp.partial_fit(X, y)
        for mine, theirs in zip([*ours.coefs_, *ours.intercepts_], [*mlp.coefs_, *mlp.intercepts_], strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-7, atol=1e-9)
    assert len(ours.loss_curve_) == len(mlp.loss_curve_)
    assert ours.loss_curve_[:4] == mlp.loss_curve_[:4]
    assert ours.t_ == mlp.t_


@pytest.mark.parametrize(
    "settings",
    [{}, {"early_stopping": True}, {"solver": "lbfgs"}, {"solver": "sgd", "learning_rate": "adaptive"}],
    ids=str,
)
def test_a_warm_start_goes_on_from_its_weights(settings):
    mlp, y = fitted(warm_start=True, max_iter=30, **settings)
    ours = cr.estimator_from_sklearn(mlp)
    before = ours.network_.cost(X, y)
    ours.fit(X, y)
    assert len(ours.loss_curve_) > 30 or settings.get("solver") == "lbfgs"
    assert ours.network_.cost(X, y) < before


def test_types_names_and_generators_come_over():
    frame = pd.DataFrame(X.astype("float32"), columns=["a", "b", "c"])
    mlp = MLPRegressor(max_iter=2, random_state=np.random.RandomState(3)).fit(frame, X[:, 0])
    ours = cr.estimator_from_sklearn(mlp)
    assert ours.feature_names_in_.tolist() == ["a", "b", "c"]
    assert ours.network_.dtype == mlp.coefs_[0].dtype
    np.testing.assert_allclose(ours.predict(frame), mlp.predict(frame), rtol=1e-4)


@pytest.mark.parametrize("given", [MLPClassifier(), LogisticRegression(), None], ids=str)
def test_anything_else_is_refused_in_one_line(given):
    with pytest.raises(SettingError, match=r"^[^\n]+$"):
        cr.estimator_from_sklearn(given)
