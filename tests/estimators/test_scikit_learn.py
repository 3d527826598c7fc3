"""The same path as scikit-learn's own networks: from its first weights, in the rows' order, epoch by epoch.

With shuffle=False the two share every number, so that each parameter's meaning shows in the weights.
"""

import inspect
import itertools

import numpy as np
import pytest
import sklearn
from sklearn import neural_network

import chainrule as cr

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*iprint.*:DeprecationWarning"),  # of scikit-learn 1.6, beside a newer SciPy
]

WEIGHTED = tuple(int(part) for part in sklearn.__version__.split(".")[:2]) >= (1, 7)

RNG = np.random.default_rng(1)
N = 48
X = RNG.normal(size=(N, 3))
NOISY = X + 0.3 * RNG.normal(size=X.shape)
TARGETS = {
    "two classes": np.where(NOISY[:, 0] > 0, "yes", "no"),
    "classes": np.digitize(NOISY[:, 1], [-0.5, 0.5]) * 10,
    "labels": (NOISY > 0).astype(int),
    "numbers": NOISY[:, 0] - NOISY[:, 1] ** 2,
    "two columns": NOISY[:, :2] ** 2,
    "counts": RNG.poisson(np.exp(X[:, 0])),
}
WEIGHT = RNG.uniform(0.2, 2.0, size=N)


def first_weights(seed, sizes, logistic=False):
    """As scikit-learn draws them."""
    draw, W, b = np.random.RandomState(seed), [], []
    for n_in, n_out in itertools.pairwise(sizes):
        bound = np.sqrt((2 if logistic else 6) / (n_in + n_out))
        W.append(draw.uniform(-bound, bound, (n_in, n_out)))
        b.append(draw.uniform(-bound, bound, n_out))
    return {"coefs_init": W, "intercepts_init": b}


def both(target, weight=None, **settings):
    """Theirs and ours, fitted."""
    y = TARGETS[target]
    name = "MLPClassifier" if target in ("two classes", "classes", "labels") else "MLPRegressor"
    common = {"hidden_layer_sizes": (5, 4), "shuffle": False, "max_iter": 12, "alpha": 0.0, **settings}
    common |= {"random_state": 3, "epsilon": 1e-30}  # so small that it does not matter where it is added
    outputs = {"classes": 3, "labels": 3, "two columns": 2}.get(target, 1)
    sizes = [3, *np.atleast_1d(common["hidden_layer_sizes"]), outputs]
    more = {} if weight is None else {"sample_weight": weight}
    theirs = getattr(neural_network, name)(**common).fit(X, y, **more)
    if target == "two columns" and "tol" in common:  # our loss is the sum over columns, theirs the mean
        common["tol"] *= 2
    given = first_weights(3, sizes, common.get("activation") == "logistic")
    return theirs, getattr(cr, name)(**common, **given).fit(X, y, **more)


def close(a, b, rtol=1e-7):
    for one, other in zip([*a.coefs_, *a.intercepts_], [*b.coefs_, *b.intercepts_], strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=1e-8)


SETTINGS = {
    "adam": {},
    "adam's means": {"beta_1": 0.5, "beta_2": 0.9, "learning_rate_init": 0.01},
    "mini-batches": {"batch_size": 11},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.1},
    "momentum": {
        "solver": "sgd",
        "learning_rate_init": 0.1,
        "nesterovs_momentum": False,
        "momentum": 0.7,
        "batch_size": 9,
    },
    "no momentum": {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0.0},
    "invscaling": {
        "solver": "sgd",
        "learning_rate": "invscaling",
        "learning_rate_init": 0.5,
        "power_t": 0.3,
        "batch_size": 9,
    },
    "adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "learning_rate_init": 0.1,
        "tol": 0.02,
        "n_iter_no_change": 2,
        "max_iter": 80,
    },
    "tol": {"tol": 0.02, "n_iter_no_change": 3, "max_iter": 80},
    "tol never": {"tol": 10.0, "n_iter_no_change": np.inf},
    "adam takes no schedule": {"learning_rate": "invscaling"},
    "penalty": {"alpha": 2.0, "batch_size": N},
    "identity": {"activation": "identity"},
    "logistic": {"activation": "logistic", "learning_rate_init": 0.01},
    "tanh": {"activation": "tanh"},
    "one layer": {"hidden_layer_sizes": 7},
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", SETTINGS)
def test_the_path_is_scikit_learns(target, name):
    if target == "counts" and not WEIGHTED:
        pytest.skip("scikit-learn has the Poisson loss from 1.7 on")
    theirs, ours = both(target, **SETTINGS[name], **({"loss": "poisson"} if target == "counts" else {}))
    close(theirs, ours)
    assert (ours.n_iter_, ours.t_) == (theirs.n_iter_, theirs.t_)
    if target not in ("two columns", "counts") and name != "penalty":  # see the table of differences
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-7)
        assert ours.best_loss_ == pytest.approx(theirs.best_loss_, rel=1e-7)
        assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-7)


@pytest.mark.skipif(not WEIGHTED, reason="scikit-learn takes weights of examples from 1.7 on")
@pytest.mark.parametrize("target", ["two classes", "classes", "labels", "numbers"])
@pytest.mark.parametrize("name", ["sgd", "adam", "penalty"])
def test_weights_of_examples_are_scikit_learns_where_a_batch_is_all_rows(target, name):
    close(*both(target, WEIGHT, **SETTINGS[name], **({} if name == "penalty" else {"batch_size": N})))


@pytest.mark.parametrize("target", ["two classes", "labels", "numbers", "two columns"])
def test_l_bfgs_takes_the_same_steps_on_the_same_objective(target):
    theirs, ours = both(target, solver="lbfgs", alpha=1.0, max_iter=6)
    close(theirs, ours, rtol=1e-5)
    if target != "two columns":
        assert ours.network_.cost(X, ours._targets.encode(TARGETS[target]), alpha=1.0) == pytest.approx(theirs.loss_)


def test_l_bfgs_ends_as_scikit_learns_does():
    theirs, ours = both("two classes", solver="lbfgs", alpha=1.0, max_iter=500, tol=1e-3, activation="tanh")
    assert ours.loss_curve_[-1] == pytest.approx(theirs.loss_, rel=1e-3)
    assert ours.stopped_
    assert abs(ours.n_iter_ - theirs.n_iter_) <= 0.2 * theirs.n_iter_
    theirs, ours = both("classes", solver="lbfgs", max_fun=9, max_iter=500)
    assert ours.n_iter_ == theirs.n_iter_


@pytest.mark.parametrize("target", TARGETS)
def test_attributes_and_predictions_are_of_the_same_kind(target):
    theirs, ours = both(target)
    assert ours.out_activation_ == theirs.out_activation_
    assert (ours.n_layers_, ours.n_outputs_, ours.n_features_in_) == (theirs.n_layers_, theirs.n_outputs_, 3)
    assert type(ours.loss_curve_) is list
    assert (ours.validation_scores_, ours.best_validation_score_) == (None, None)
    np.testing.assert_allclose(ours.score(X, TARGETS[target]), theirs.score(X, TARGETS[target]), atol=1e-6)
    a, b = theirs.predict(X), ours.predict(X)
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    if hasattr(theirs, "classes_"):
        assert ours.classes_.tolist() == theirs.classes_.tolist()
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-6)
        np.testing.assert_allclose(ours.predict_log_proba(X), theirs.predict_log_proba(X), rtol=1e-5, atol=1e-9)
        assert a.tolist() == b.tolist()


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_every_parameter_is_there_with_its_default_and_in_its_place(name):
    theirs, ours = (inspect.signature(getattr(module, name)).parameters for module in (neural_network, cr))
    for parameter in theirs.values():
        assert (ours[parameter.name].default, ours[parameter.name].kind) == (parameter.default, parameter.kind)
    positional = [n for n, p in theirs.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert [n for n, p in ours.items() if p.kind is p.POSITIONAL_OR_KEYWORD] == positional or not WEIGHTED
    more = [p for n, p in ours.items() if n not in theirs and n != "loss"]
    assert all(p.kind is p.KEYWORD_ONLY and p.default is not p.empty for p in more)


@pytest.mark.parametrize("name", ["fit", "partial_fit", "predict", "score"])
def test_methods_take_the_same_arguments(name):
    for kind in ("MLPClassifier", "MLPRegressor"):
        theirs, ours = (inspect.signature(getattr(getattr(m, kind), name)).parameters for m in (neural_network, cr))
        assert list(ours)[: len(theirs)] == list(theirs) or not WEIGHTED


def test_first_weights_follow_scikit_learns_law_on_a_stream_of_our_own():
    for activation, factor in (("tanh", 6), ("logistic", 2)):
        found = cr.MLPRegressor(hidden_layer_sizes=(300, 200), activation=activation, random_state=0).initialize(100)
        for W, b in zip(found.coefs_, found.intercepts_, strict=True):
            bound = np.sqrt(factor / sum(W.shape))
            assert 0.9 * bound < abs(W).max() <= bound
            assert abs(b).max() <= bound
            assert W.std() == pytest.approx(bound / np.sqrt(3), rel=0.1)
        assert abs(found.intercepts_[0]).max() > 0.9 * np.sqrt(factor / 400)
