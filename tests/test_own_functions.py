"""A user's own function at its own precision: JAX's, those that compute in float32, and those that cannot be used."""

import functools
import math

import numpy as np
import pytest

import chainrule as cr
from chainrule.activations.custom import Custom
from chainrule.costs.custom import Custom as Cost
from chainrule.errors import SettingError

Z = np.linspace(-3, 3, 50).reshape(10, 5) + 0.0123
A, T = np.random.default_rng(0).uniform(0.1, 0.9, (2, 6, 4))


def in_float32(z):
    return np.tanh(z.astype("float32"))


def in_float32_hidden(z):
    return in_float32(z).astype("float64")


@pytest.mark.parametrize("function", [in_float32, in_float32_hidden], ids=lambda f: f.__name__)
def test_an_activation_that_computes_in_float32_is_differentiated_with_a_step_of_float32(function):
    sigma = Custom.of(function)
    assert sigma.derivative_by == "central difference in float32"
    np.testing.assert_allclose(sigma.derivative(Z, None), 1 - np.tanh(Z) ** 2, atol=5e-5)
    assert Custom.of(function, lambda z: 1 - np.tanh(z) ** 2).derivative_by == "given"
    with pytest.raises(SettingError, match="the derivative differs"):
        Custom.of(function, lambda z: 1.01 - np.tanh(z) ** 2)


@pytest.mark.parametrize("by_row", [False, True])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_a_cost_that_computes_in_float32_too(kind, by_row):
    def cost(A, T):
        terms = (((A - T).astype("float32")) ** 4).astype(kind)
        return terms.sum(axis=1) if by_row else terms

    own = Cost.of(cost)
    assert own.derivative_by == "central difference in float32"
    np.testing.assert_allclose(own.derivative(A, T), 4 * (A - T) ** 3, atol=2e-4)


@pytest.mark.parametrize(
    "function",
    [np.exp, np.sin, lambda z: z / (1 + abs(z)), lambda z: np.maximum(0.1 * z, z), lambda z: np.exp(40 * z), np.round],
)
def test_what_computes_in_float64_keeps_its_method(function):
    assert "float32" not in Custom.of(function).derivative_by


def test_functions_of_jax_compute_in_the_type_of_the_network_and_jax_differentiates_them():
    jax = pytest.importorskip("jax")
    jnp = jax.numpy
    sigma = Custom.of(jnp.tanh)
    assert str(sigma) == "tanh (your own, derivative by JAX)"
    np.testing.assert_allclose(sigma.value(Z), np.tanh(Z), rtol=1e-15)
    np.testing.assert_allclose(sigma.derivative(Z, None), 1 - np.tanh(Z) ** 2, atol=1e-15)
    assert sigma.value(Z.astype("float32")).dtype == sigma.derivative(Z.astype("float32"), None).dtype == "float32"
    relu = Custom.of(jax.nn.relu)
    np.testing.assert_array_equal(relu.derivative(Z, None), Z > 0)
    softmax, G = Custom.of(jax.nn.softmax, elementwise=False), np.cos(Z)
    a = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(softmax.pullback(G, Z, None), a * (G - (G * a).sum(1, keepdims=True)), atol=1e-15)
    assert Custom.of(lambda z: jnp.sin(np.asarray(z))).derivative_by == "complex step"  # JAX cannot look through NumPy


def test_costs_of_jax_too():
    jnp = pytest.importorskip("jax").numpy
    by_term, by_row = (
        Cost.of(lambda A, T: abs(jnp.asarray(A) - T) ** 1.5),
        Cost.of(lambda A, T: jnp.max((A - T) ** 2, 1)),
    )
    np.testing.assert_allclose(by_term.derivative(A, T), 1.5 * np.sign(A - T) * abs(A - T) ** 0.5, rtol=1e-14)
    worst = abs(A - T) == abs(A - T).max(axis=1, keepdims=True)
    assert by_row.derivative_by == "JAX" or by_row.derivative_by == "complex step"
    np.testing.assert_allclose(by_row.derivative(A, T), 2 * (A - T) * worst, rtol=1e-12)


def test_a_network_of_such_functions_has_the_gradient_of_its_cost():
    jnp = pytest.importorskip("jax").numpy
    net = cr.Network([3, 4, 2], jnp.arctan, "identity", lambda A, T: jnp.log(jnp.cosh(A - T)), dtype="float64", seed=1)
    X, targets = np.random.default_rng(1).normal(size=(2, 6, 3))
    g, base = net.gradient(X, targets[:, :2]), net.theta.copy()
    for i in range(len(base)):
        h = 1e-6 * np.eye(len(base))[i]
        costs = []
        for theta in (base + h, base - h):
            net.theta = theta
            costs.append(net.cost(X, targets[:, :2]))
        assert abs((costs[0] - costs[1]) / 2e-6 - g[i]) < 1e-8


def test_minimize_knows_the_precision_of_a_cost_and_the_functions_of_jax():
    def f(v):
        return float(np.sum((v.astype("float32") - 1) ** 2))

    for gradient in (None, "central"):
        found = cr.minimize(f, np.array([3.0, -2.0]), gradient, "lbfgs", tolerance=1e-3)
        assert found.gradient == "central differences in float32"
        np.testing.assert_allclose(found.x, 1, atol=1e-3)
    jnp = pytest.importorskip("jax").numpy
    found = cr.minimize(lambda v: jnp.sum((v - 1) ** 2 * jnp.cosh(v)), np.array([3.0, -2.0]), optimizer="lbfgs")
    assert (found.gradient, found.success) == ("jax", True)
    np.testing.assert_allclose(found.x, 1, atol=1e-8)


def by_chance(z):
    return z + np.random.default_rng().normal(size=z.shape)


def needs_tensors(z):
    raise TypeError("tanh(): argument 'input' (position 1) must be Tensor,\nnot numpy.ndarray")


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (math.tanh, "your activation tanh fails for Z of shape (2, 3) (TypeError: "),
        (needs_tensors, "must be Tensor,"),
        (by_chance, "returns other values for the same arguments"),
        (lambda z, slope: slope * z, "takes (z, slope), but must be a function of Z"),
        (lambda: 1.0, "takes (), but must be a function of Z"),
        (lambda z: "words", "must be an array of numbers"),
        (lambda z: None, "must be an array of numbers"),
        (lambda z: np.tanh(z.astype("float16")), "too few digits"),
    ],
)
def test_an_activation_that_cannot_be_used_is_refused_in_one_line(function, words):
    with pytest.raises(SettingError) as refusal:
        cr.Network([2, 3, 1], activation=function)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda A: A, "takes (A), but must be a function of A and T"),
        (lambda A, T: (A - T) ** 2 * np.random.default_rng().normal(), "returns other values for the same arguments"),
        (lambda A, T: math.sqrt(A - T), "fails for A of shape (7, 3) and T of shape (7, 3) (TypeError: "),
    ],
)
def test_a_cost_that_cannot_be_used_too(function, words):
    with pytest.raises(SettingError) as refusal:
        cr.Network([2, 1], cost=function)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def keras_like(epoch, logs):
    return None


ENTRIES = {
    "minimize": lambda callback: cr.minimize(lambda v: v @ v, np.ones(2), callback=callback, max_steps=2),
    "classifier": lambda callback: cr.MLPClassifier(max_iter=2, callback=callback).fit([[0.0], [1.0]] * 9, [0, 1] * 9),
    "table": lambda callback: cr.train_table(
        {"x": np.arange(30.0), "y": np.arange(30.0)}, target="y", callback=callback, epochs=1
    ),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("entry", ENTRIES)
def test_a_callback_with_other_arguments_is_refused_before_anything_runs(entry):
    for callback in (keras_like, lambda: None):
        with pytest.raises(SettingError, match=r"callback takes \(.*\), but must be a (function|callable)"):
            ENTRIES[entry](callback)
    for callback in (print_nothing, functools.partial(keras_like, logs=None), lambda *events: None):
        ENTRIES[entry](callback)


def print_nothing(event, prefix=""):
    return None
