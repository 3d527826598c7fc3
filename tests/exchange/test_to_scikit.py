"""Networks as fitted MLPs of scikit-learn: they predict the same, and scikit-learn goes on training them."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier, MLPRegressor

import chainrule as cr
from chainrule.errors import ArchitectureError, SettingError
from chainrule.network import Network

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:scipy.optimize. The `disp`:DeprecationWarning"),  # of older ones
]

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
OUTPUTS = {  # width, output, cost, and a y of that kind
    "binary": (1, "sigmoid", "binary_cross_entropy", (X[:, 0] > 0).astype(int)),
    "two of softmax": (2, "softmax", "cross_entropy", (X[:, 0] > 0).astype(int)),
    "multiclass": (3, "softmax", "cross_entropy", RNG.permutation(np.arange(40) % 3)),
    "multilabel": (3, "sigmoid", "binary_cross_entropy", RNG.integers(0, 2, (40, 3))),
    "number": (1, "identity", "quadratic", X[:, 0] ** 2),
    "numbers": (2, "identity", "quadratic", X[:, :2]),
    "count": (1, "exp", "poisson", RNG.poisson(2, 40).astype(float)),
}
POISSON = pytest.mark.skipif(
    "loss" not in MLPRegressor().get_params(), reason="this scikit-learn has no MLP for counts"
)
KINDS = [pytest.param(kind, marks=POISSON) if kind == "count" else kind for kind in OUTPUTS]


def network(kind, dtype="float64", activation="tanh", hidden=(5, 4)):
    width, output, cost, _ = OUTPUTS[kind]
    net = Network([3, *hidden, width], activation, output, cost, dtype=dtype, seed=3)
    for b in net.b:
        b[...] = RNG.normal(size=b.shape)
    return net


def outputs(mlp, X):
    """A^L by scikit-learn: probabilities, or numbers with a column for each."""
    return mlp.predict_proba(X) if isinstance(mlp, MLPClassifier) else mlp.predict(X).reshape(len(X), -1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_output_predicts_the_same_with_the_same_bits(kind, dtype):
    net = network(kind, dtype)
    mlp, A = cr.to_sklearn(net), net.predict(X.astype(dtype))
    expected = np.hstack([1 - A, A]) if kind == "binary" else A
    rtol = 1e-12 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(outputs(mlp, X.astype(dtype)), expected, rtol=rtol, atol=rtol)
    if kind != "two of softmax":
        for ours, theirs in zip([*net.W, *net.b], [*mlp.coefs_, *mlp.intercepts_], strict=True):
            assert (ours.tobytes(), ours.dtype, ours.shape) == (theirs.tobytes(), theirs.dtype, theirs.shape)
            assert not np.shares_memory(ours, theirs)
        again = cr.from_sklearn(mlp)
        assert (repr(again), again.theta.tobytes()) == (repr(net), net.theta.tobytes())


@pytest.mark.parametrize("kind", KINDS)
def test_score_training_and_warm_start_work(kind):
    y = OUTPUTS[kind][-1]
    mlp = cr.to_sklearn(network(kind)).set_params(learning_rate_init=0.01)
    first, before = mlp.score(X, y), [W.copy() for W in mlp.coefs_]
    for _ in range(100):
        mlp.partial_fit(X, y)
    assert not np.array_equal(before[0], mlp.coefs_[0])
    assert (len(mlp.loss_curve_), mlp.t_) == (100, 4000)
    assert mlp.score(X, y) > first
    mlp.set_params(warm_start=True, max_iter=20).fit(X, y)
    assert len(mlp.loss_curve_) == 120
    assert max(mlp.loss_curve_[100:]) < mlp.loss_curve_[0], "it goes on from where it was"


@pytest.mark.parametrize("solver", ["lbfgs", "sgd"])
@pytest.mark.parametrize("kind", ["multiclass", "number"])
def test_the_first_loss_of_scikit_learn_is_our_cost(kind, solver):
    """All rows in one batch, without penalty: the loss before the first update is C of the network."""
    net, y = network(kind), OUTPUTS[kind][-1]
    T = y if kind == "multiclass" else y[:, None]
    mlp = cr.to_sklearn(net).set_params(solver=solver, alpha=0.0, batch_size=40, max_iter=1, warm_start=True)
    mlp.fit(X, y)
    if solver == "sgd":
        assert mlp.loss_ == pytest.approx(net.cost(X, T), rel=1e-10)
    else:
        assert mlp.loss_ < net.cost(X, T)


@pytest.mark.parametrize("activation", ["identity", "sigmoid", "tanh", "relu"])
def test_every_activation(activation):
    net = network("numbers", activation=activation)
    np.testing.assert_allclose(cr.to_sklearn(net).predict(X), net.predict(X), rtol=1e-12)


def test_no_hidden_layers():
    net = network("multiclass", hidden=())
    np.testing.assert_allclose(cr.to_sklearn(net).predict_proba(X), net.predict(X), rtol=1e-12)


@pytest.mark.parametrize("kind", ["binary", "two of softmax"])
def test_classes_are_those_that_are_named(kind):
    net = network(kind)
    mlp = cr.to_sklearn(net, ["no", "yes"])
    assert mlp.classes_.tolist() == ["no", "yes"]
    p = net.predict(X)[:, -1]
    assert mlp.predict(X).tolist() == np.where(p > 0.5, "yes", "no").tolist()
    assert mlp.partial_fit(X[:2], ["yes", "no"]).classes_.tolist() == ["no", "yes"]


def test_it_is_an_estimator_like_any_other():
    mlp = cr.to_sklearn(network("multiclass"))
    again = pickle.loads(pickle.dumps(mlp))
    np.testing.assert_array_equal(again.predict_proba(X), mlp.predict_proba(X))
    y = OUTPUTS["multiclass"][-1]
    assert clone(mlp).set_params(max_iter=2).fit(X, y).classes_.tolist() == [0, 1, 2]
    ours = cr.estimator_from_sklearn(mlp)
    np.testing.assert_allclose(ours.predict_proba(X), mlp.predict_proba(X), rtol=1e-12)


MASK = [np.ones((3, 2)) * [[1, 0]], None]
REFUSED = {
    "an activation": (lambda: Network([3, 2, 1], "gelu", "identity"), "activation 'gelu'.*identity, sigmoid"),
    "a function of your own": (lambda: Network([3, 2, 1], lambda z: z / (1 + z * z), "identity"), "activation '"),
    "several activations": (
        lambda: Network([3, 2, 2, 1], ["relu", "tanh"], "identity"),
        "different activations of hidden layers, 'relu, tanh'",
    ),
    "an output": (lambda: Network([3, 2, 1], "relu", "tanh"), "output tanh of width 1.*softmax, sigmoid, identity"),
    "a softmax of one": (lambda: Network([3, 1], "relu", "softmax", "cross_entropy"), "output softmax of width 1"),
    "a cost": (lambda: Network([3, 2, 1], "relu"), "cost 'quadratic' with output sigmoid.*have binary_cross_entropy$"),
    "another cost": (lambda: Network([3, 1], "relu", "identity", "absolute"), "cost 'absolute' with output identity"),
    "blocks": (lambda: Network([3, 4], output=[("softmax", 2), ("sigmoid", 2)]), "2 blocks of outputs"),
    "masks": (lambda: Network([3, 2, 1], "relu", "identity", masks=MASK), "masks"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_scikit_learn_does_not_have_is_refused_in_one_line(name):
    make, words = REFUSED[name]
    with pytest.raises(ArchitectureError, match=rf"^the network has {words}[^\n]*") as caught:
        cr.to_sklearn(make())
    assert "which MLPs of scikit-learn do not have" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "classes", "words"),
    [
        ("multiclass", [0, 1], "3 different classes in ascending order"),
        ("multiclass", ["c", "b", "a"], "3 different classes in ascending order"),
        ("multiclass", ["a", "a", "b"], "3 different classes in ascending order"),
        ("binary", ["yes", None], "2 different classes in ascending order"),
        ("binary", "yes", "2 different classes in ascending order"),
        ("multilabel", ["a", "b", "c"], "None or 0, 1, ..., 2"),
        ("number", [0, 1], "None with output identity"),
    ],
)
def test_other_classes_are_refused_in_one_line(kind, classes, words):
    with pytest.raises(SettingError, match=rf"^classes is [^\n]*, but must be {words}[^\n]*$"):
        cr.to_sklearn(network(kind), classes)


def test_anything_but_a_network_is_refused_in_one_line():
    with pytest.raises(SettingError, match=r"^net is [^\n]*, but must be a Network$"):
        cr.to_sklearn(MLPClassifier())
