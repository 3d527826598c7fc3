"""What estimators show of their networks: hidden layers, gradients by the inputs, other libraries' forms."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError

import chainrule as cr
from chainrule.errors import DataError, SettingError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))
TARGETS = {
    "binary": np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)],
    "multiclass": RNG.integers(3, 6, 30),
    "multilabel": RNG.integers(0, 2, (30, 3)),
    "multioutput": np.stack([RNG.integers(0, 2, 30), RNG.integers(5, 8, 30)], axis=1),
    "number": X[:, 0] ** 2,
    "numbers": X[:, :2],
}


def fitted(target, given=X):
    y = TARGETS[target]
    kind = cr.MLPRegressor if y.dtype.kind == "f" else cr.MLPClassifier
    return kind(hidden_layer_sizes=(5, 4), max_iter=5, random_state=0).fit(given, y), y


@pytest.mark.parametrize("target", TARGETS)
def test_gradients_are_the_slopes_of_outputs_and_loss(target):
    found, y = fitted(target)
    net, h = found.network_, 1e-6
    J, g = found.input_gradients(X), found.input_gradients(X, y)
    assert (J.shape, g.shape) == ((30, net.sizes[-1], 3), (30, 3))
    T = found._targets.encode(y)
    for k in range(3):
        up, down = X + h * np.eye(3)[k], X - h * np.eye(3)[k]
        np.testing.assert_allclose(J[:, :, k], (net.predict(up) - net.predict(down)) / (2 * h), atol=1e-8)
        slope = [(net.cost(up[[i]], T[[i]]) - net.cost(down[[i]], T[[i]])) / (2 * h) for i in range(30)]
        np.testing.assert_allclose(g[:, k], slope, atol=1e-7)


def test_labels_may_come_sparse():
    found, y = fitted("multilabel")
    assert found.input_gradients(X, sparse.csr_matrix(y)).tolist() == found.input_gradients(X, y).tolist()


def test_hidden_activations_are_the_networks():
    found, _ = fitted("binary")
    for mine, theirs in zip(found.hidden_activations(X), found.network_.hidden_activations(X), strict=True):
        assert mine.tobytes() == theirs.tobytes()
    assert found.hidden_activations(X, layer=3).shape == (30, 4)
    assert found.hidden_activations(sparse.csr_matrix(X), 2).tobytes() == found.hidden_activations(X, 2).tobytes()


def test_inputs_have_the_names_of_columns():
    frame = pd.DataFrame(X, columns=["size", "age", "rooms"])
    assert fitted("number")[0].input_names_.tolist() == ["x0", "x1", "x2"]
    found, _ = fitted("number", frame)
    assert found.input_names_.tolist() == ["size", "age", "rooms"]
    np.testing.assert_array_equal(found.input_gradients(frame), found.input_gradients(frame, None))
    with pytest.raises(ValueError, match="feature names"):
        found.input_gradients(frame.rename(columns={"age": "years"}))


def test_weights_go_to_keras_as_the_networks_do():
    found, _ = fitted("multiclass")
    for mine, theirs in zip(found.to_keras_weights(), cr.to_keras_weights(found.network_), strict=True):
        assert mine.tobytes() == theirs.tobytes()


def test_modules_go_to_torch_as_the_networks_do():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    found, _ = fitted("multiclass")
    with torch.no_grad():
        A = found.to_torch()(torch.from_numpy(X)).numpy()
        Z = found.to_torch(logits=True)(torch.from_numpy(X))
    np.testing.assert_allclose(A, found.predict_proba(X), rtol=1e-12)
    np.testing.assert_allclose(torch.softmax(Z, 1).numpy(), A, rtol=1e-12)


def test_what_cannot_be_asked_is_refused_in_one_line():
    found, y = fitted("binary")
    for error, call in (
        (NotFittedError, lambda: cr.MLPRegressor().hidden_activations(X)),
        (NotFittedError, lambda: cr.MLPRegressor().input_gradients(X)),
        (SettingError, lambda: found.hidden_activations(X, 7)),
        (DataError, lambda: found.input_gradients(X, np.where(y == "no", "maybe", y))),
        (ValueError, lambda: found.input_gradients(X[:, :2])),
    ):
        with pytest.raises(error, match=r"^[^\n]+$"):
            call()


# --- ledgers ---------------------------------------------------------------------------------------------------------


def test_an_estimators_ledger_is_that_of_its_network_with_its_names():
    rng = np.random.default_rng(0)
    X, labels = rng.normal(size=(30, 3)), np.array(["no", "yes", "maybe"])[rng.integers(0, 3, 30)]
    s = rng.integers(0, 3, 30).astype(float)
    several = np.stack([labels, np.array(["a", "b"])[rng.integers(0, 2, 30)]], axis=1)
    cases = {
        "y=maybe y=no y=yes": (cr.MLPClassifier, labels),
        "y=yes": (cr.MLPClassifier, np.where(X[:, 0] > 0, "yes", "no")),
        "y0=maybe y0=no y0=yes y1=a y1=b": (cr.MLPClassifier, several),
        "y0=1 y1=1": (cr.MLPClassifier, (X[:, :2] > 0).astype(int)),
        "y0": (cr.MLPRegressor, X[:, 0]),
        "y0 y1": (cr.MLPRegressor, X[:, :2]),
    }
    for names, (kind, y) in cases.items():
        mlp = kind(hidden_layer_sizes=(4,), solver="lbfgs", random_state=0, max_iter=20)
        mlp.fit(X, y)
        ledger, T = mlp.backprop(X, y, s), mlp._targets.encode(np.asarray(y))
        assert " ".join(ledger.names.outputs) == names
        assert list(ledger.names.inputs) == ["x0", "x1", "x2"]
        assert (ledger.gradient == mlp.network_.gradient(X, T, s)).all()
        assert (ledger.A[-1] == mlp.network_.predict(X)[s > 0]).all()
    with pytest.raises(cr.ChainruleError, match=r"y is \(rows,\), but there were 2 columns before"):
        mlp.backprop(X, X[:, 0])


def test_no_ledger_before_the_first_fit():
    with pytest.raises(NotFittedError):
        cr.MLPRegressor().backprop([[0.0]], [1.0])


OF_TARGETS = {
    "backprop": lambda mlp, y: mlp.backprop(X, y),
    "check_gradient": lambda mlp, y: mlp.check_gradient(X, y, most=3),
    "example_gradients": lambda mlp, y: mlp.example_gradients(X, y),
    "input_gradients": lambda mlp, y: mlp.input_gradients(X, y),
    "suspicious": lambda mlp, y: mlp.suspicious(X, y),
}
BAD_TARGETS = [
    (3.0, r"y is of shape \(\), but must be \(n,\) or \(n, k\): give the targets of all rows of X"),
    (np.ones((2, 2, 2)), r"y is of shape \(2, 2, 2\), but must be .*"),
    ([[1.0], [1.0, 2.0]], r"y is not an array: .*"),
    (np.ones(len(X) - 1), r"X has \d+ rows, but y has \d+: give as many"),
    (np.full(len(X), "word"), r"y has dtype <U4 with values that are not numbers: give numbers"),
    (np.full(len(X), np.nan), r"T has .* not finite.*|.*NaN.*|.*finite.*"),
]


@pytest.mark.parametrize("method", OF_TARGETS)
@pytest.mark.parametrize("preset", [None, "tabular"])
def test_targets_that_are_not_those_of_the_rows_are_refused_in_one_line(method, preset):
    mlp = cr.MLPRegressor(hidden_layer_sizes=3, preset=preset, max_iter=2, random_state=0).fit(X, X[:, 0])
    for y, line in BAD_TARGETS:
        with pytest.raises(DataError, match=f"^({line})$") as refusal:
            OF_TARGETS[method](mlp, y)
        assert "\n" not in str(refusal.value)
    OF_TARGETS[method](mlp, X[:, 0].tolist())
    if method != "input_gradients":
        with pytest.raises(DataError, match=r"^y is None, but must be"):
            OF_TARGETS[method](mlp, None)
