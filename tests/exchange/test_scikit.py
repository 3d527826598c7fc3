"""Networks taken over from scikit-learn: every activation, every kind of target, both types."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor

import chainrule as cr
from chainrule.errors import SettingError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
TARGETS = {  # of which scikit-learn makes what, and what our network's outputs and cost are then
    "binary": (MLPClassifier, RNG.integers(0, 2, 40), "1 sigmoid (binary_cross_entropy)"),
    "multiclass": (MLPClassifier, np.array(["a", "b", "c"])[RNG.integers(0, 3, 40)], "3 softmax (cross_entropy)"),
    "multilabel": (MLPClassifier, RNG.integers(0, 2, (40, 3)), "3 sigmoid (binary_cross_entropy)"),
    "number": (MLPRegressor, RNG.normal(size=40), "1 identity (quadratic)"),
    "numbers": (MLPRegressor, RNG.normal(size=(40, 2)), "2 identity (quadratic)"),
}


def fitted(kind, y, dtype="float64", **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged
        return kind(**{"hidden_layer_sizes": (5, 4), "max_iter": 3, "random_state": 0} | settings).fit(
            X.astype(dtype), y
        )


def outputs(mlp, X):
    """A^L by scikit-learn's own forward pass, one column for each output."""
    found = mlp.predict_proba(X) if isinstance(mlp, MLPClassifier) else mlp.predict(X).reshape(len(X), -1)
    return found[:, 1:] if mlp.n_outputs_ == 1 and found.shape[1] == 2 else found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", TARGETS)
def test_every_kind_of_target(target, dtype):
    kind, y, words = TARGETS[target]
    mlp = fitted(kind, y, dtype)
    net = cr.from_sklearn(mlp)
    assert net.architecture.describe() == f"3 inputs → 5 relu → 4 relu → {words}"
    assert net.dtype == dtype
    for W, b, coefs, intercepts in zip(net.W, net.b, mlp.coefs_, mlp.intercepts_, strict=True):
        assert W.tobytes() == coefs.tobytes()
        assert b.tobytes() == intercepts.tobytes()
    expected = outputs(mlp, X.astype(dtype))
    np.testing.assert_allclose(net.predict(X), expected, rtol=1e-12 if dtype == "float64" else 1e-4, atol=1e-6)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_every_activation(activation):
    mlp = fitted(MLPRegressor, X[:, 0], activation=activation)
    np.testing.assert_allclose(cr.from_sklearn(mlp).predict(X)[:, 0], mlp.predict(X), rtol=1e-12)


def test_counts():
    if "loss" not in MLPRegressor().get_params():
        pytest.skip("this scikit-learn has no MLP for counts")
    mlp = fitted(MLPRegressor, RNG.poisson(2, 40).astype(float), loss="poisson")
    net = cr.from_sklearn(mlp)
    assert net.architecture.describe().endswith("1 exp (poisson)")
    np.testing.assert_allclose(net.predict(X)[:, 0], mlp.predict(X), rtol=1e-12)


def test_it_is_a_network_of_its_own():
    mlp = fitted(MLPRegressor, X[:, 0])
    before = mlp.coefs_[0].copy()
    cr.from_sklearn(mlp).theta[...] = 0
    np.testing.assert_array_equal(mlp.coefs_[0], before)


class Sharper(MLPClassifier):
    def predict_proba(self, X):
        return super().predict_proba(X) ** 2


def test_what_predicts_in_another_way_is_refused_in_one_line():
    y, quiet = np.arange(40) % 2, type("Quiet", (MLPClassifier,), {})
    assert cr.from_sklearn(fitted(quiet, y)).sizes == (3, 5, 4, 1)
    doubled, elsewhere = fitted(MLPRegressor, X[:, 0]), fitted(MLPRegressor, X[:, 0])
    doubled._forward_pass_fast = lambda X, check_input=True: X
    elsewhere.activation = "swish"
    for mlp, words in [
        (fitted(Sharper, y), "this Sharper has a predict_proba of its own"),
        (doubled, "this MLPRegressor has a _forward_pass_fast of its own"),
        (elsewhere, "activation of mlp is 'swish', but must be one of identity, logistic, tanh, relu"),
    ]:
        with pytest.raises(SettingError, match=rf"^{words}[^\n]*$"):
            cr.from_sklearn(mlp)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (MLPClassifier(), "this MLPClassifier is not fitted"),
        (LogisticRegression(), r"mlp is LogisticRegression\(\), but must be an MLPClassifier"),
        (None, "mlp is None, but must be"),
    ],
)
def test_anything_else_is_refused_in_one_line(given, words):
    with pytest.raises(SettingError, match=rf"^{words}[^\n]*$"):
        cr.from_sklearn(given)
