"""Gradients with respect to the inputs, against forward passes that know nothing of backpropagation; hidden layers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import chainrule as cr
from chainrule.engines import available
from chainrule.engines.base import BLOCK, hidden_activations
from chainrule.equations import forward
from chainrule.errors import ChainruleError, DataError, SettingError
from chainrule.network import Network

from .problems import FACTORS, cases, covering_problems

H = 1e-40  # of a complex step

outputs = pytest.mark.parametrize("output", FACTORS["output"], ids=lambda output: "/".join(map(str, output)))


def moved(case):
    """Every row of X n_1 times, a different one of its elements moved by iH: (m n_1, n_1)."""
    n_1 = case.X.shape[1]
    return np.repeat(case.X, n_1, axis=0) + 1j * H * np.tile(np.eye(n_1), (len(case.X), 1))


def by_complex_step(case):
    """da^L/dx (m, n_L, n_1) and dC_x/dx (m, n_1) from forward passes alone."""
    m, n_1 = case.X.shape
    done = forward(moved(case), case.architecture.layers(case.theta))
    with np.errstate(divide="ignore"):  # a softmax of one neuron is certain: ln(1 - a) is -inf
        cost = case.architecture.costs(done.Z[-1], done.A[-1], np.repeat(case.T, n_1, axis=0))
    return done.A[-1].imag.reshape(m, n_1, -1).swapaxes(1, 2) / H, cost.imag.reshape(m, n_1) / H


def off(found, expected):
    """The largest difference, as a share of the largest element; no share of nothing."""
    assert found.shape == expected.shape
    size = np.abs(expected).max()
    return np.abs(found - expected).max() / size if size > 1e-12 else np.abs(found - expected).max()


@outputs
def test_input_gradients_are_those_of_the_forward_pass(output):
    """Over a covering set: every hidden activation with this output, blocks and masks in every shape."""
    for problem in covering_problems():
        if problem.output == output:
            case = next(cases(problem))
            net = Network.from_parts(case.architecture, case.theta)
            outward, of_cost = by_complex_step(case)
            assert off(net.input_gradients(case.X), outward) <= 1e-12, str(problem)
            assert off(net.input_gradients(case.X, case.T), of_cost) <= 1e-10, str(problem)


def small(**parts):
    return Network([3, 5, 4, 2], **{"activation": ["tanh", "softplus"], "output": "softmax", "cost": "cross_entropy",
                                    "dtype": "float64", "seed": 3} | parts)  # fmt: skip


def rows(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)), rng.dirichlet(np.ones(2), n)


@pytest.fixture
def jax_in_64_bits():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def test_input_gradients_are_those_of_jax(jax_in_64_bits):
    net, (X, T) = small(), rows(7)

    def outputs(x):
        a = jnp.tanh(x @ net.W[0] + net.b[0])
        return jax.nn.softmax(jax.nn.softplus(a @ net.W[1] + net.b[1]) @ net.W[2] + net.b[2])

    jacobian = jax.vmap(jax.jacrev(outputs))(X)
    gradient = jax.vmap(jax.grad(lambda x, t: -jnp.sum(t * jnp.log(outputs(x)))))(X, T)
    np.testing.assert_allclose(net.input_gradients(X), jacobian, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(net.input_gradients(X, T), gradient, rtol=1e-12, atol=1e-15)


def test_a_function_of_your_own_is_differentiated_too():
    net, (X, _) = small(activation=lambda z: z / (1 + z * z)), rows(5)
    h = 1e-6
    for k in range(3):
        up, down = X + h * np.eye(3)[k], X - h * np.eye(3)[k]
        slope = (net.predict(up) - net.predict(down)) / (2 * h)
        np.testing.assert_allclose(net.input_gradients(X)[:, :, k], slope, rtol=1e-6, atol=1e-9)


def test_what_moves_the_cost_is_what_moves_the_outputs_times_what_they_cost():
    """The chain rule itself: dC_x/dx = dC_x/da da/dx."""
    net, (X, T) = small(output="identity", cost="quadratic"), rows(6)
    chained = np.einsum("ij,ijk->ik", net.predict(X) - T, net.input_gradients(X))
    np.testing.assert_allclose(net.input_gradients(X, T), chained, rtol=1e-12, atol=1e-15)


def test_class_numbers_and_their_rows_of_ones_and_zeros_are_the_same_targets():
    net, (X, _) = small(), rows(4)
    classes = np.array([0, 1, 1, 0])
    assert net.input_gradients(X, classes).tobytes() == net.input_gradients(X, np.eye(2)[classes]).tobytes()


def test_rows_beyond_one_block_are_like_those_before():
    net, (X, T) = small(), rows(2 * BLOCK + 7)
    for part in (slice(0, 5), slice(BLOCK - 2, BLOCK + 3), slice(-5, None)):
        assert net.input_gradients(X)[part].tobytes() == net.input_gradients(X[part]).tobytes()
        assert net.input_gradients(X, T)[part].tobytes() == net.input_gradients(X[part], T[part]).tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("output", ["sigmoid", "softmax", [("softmax", 3), ("identity", 1), ("sigmoid", 1)]], ids=str)
@pytest.mark.parametrize("sizes", [(37, 5), (5, 64, 5), (20, 33, 7, 5), (100, 300, 5), (784, 30, 5)], ids=str)
def test_a_row_alone_has_the_bits_that_it_has_among_others(sizes, output, dtype):
    hidden = ["softmax", "tanh"][: len(sizes) - 2]
    cost = "quadratic" if isinstance(output, str) else ["cross_entropy", "quadratic", "quadratic"]
    net = Network(sizes, hidden, output, cost, dtype=dtype)
    rng = np.random.default_rng(0)
    X, T = rng.normal(size=(24, sizes[0])), rng.dirichlet(np.ones(3), 24)
    T = np.hstack([T, rng.uniform(size=(24, 2))])
    alone = (
        [net.input_gradients(x[None]) for x in X],
        [net.input_gradients(x[None], t[None]) for x, t in zip(X, T, strict=True)],
    )
    for some in (slice(0, 24), slice(3, 10), slice(1, 24, 2)):
        assert net.input_gradients(X[some]).tobytes() == np.concatenate(alone[0][some]).tobytes()
        assert net.input_gradients(X[some], T[some]).tobytes() == np.concatenate(alone[1][some]).tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_networks_type_is_kept(dtype):
    net, (X, T) = small(dtype=dtype), rows(4)
    found = [*net.hidden_activations(X), net.input_gradients(X), net.input_gradients(X, T)]
    assert {a.dtype.name for a in found} == {dtype}
    assert [a.shape for a in found] == [(4, 5), (4, 4), (4, 2, 3), (4, 3)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", available())
def test_hidden_activations_are_what_predict_goes_through(engine, dtype):
    """The last layer of them, as a network of its own, gives the very bits of the prediction."""
    net, (X, _) = small(dtype=dtype), rows(BLOCK + 9)
    hidden = net.hidden_activations(X, engine=engine)
    last = Network([4, 2], output="softmax", cost="cross_entropy", initializer=([net.W[2]], [net.b[2]]), dtype=dtype)
    assert last.predict(hidden[-1], engine=engine).tobytes() == net.predict(X, engine=engine).tobytes()
    expected = np.tanh(X @ net.W[0].astype(float) + net.b[0])
    np.testing.assert_allclose(hidden[0], expected, atol=1e-6 if dtype == "float32" else 1e-14)
    for layer, A in enumerate(hidden, start=2):
        assert net.hidden_activations(X, layer, engine=engine).tobytes() == A.tobytes()
        assert net.hidden_activations(X[7:8], layer, engine=engine).tobytes() == A[7:8].tobytes()


def test_every_call_predicts_with_the_same_networks_of_one_layer():
    """An engine may keep what it has prepared for an architecture."""

    class Recorder:
        def predict(self, architecture, theta, X):
            seen.append(architecture)
            return np.zeros((len(X), architecture.sizes[-1]))

    net, (X, _), seen = small(), rows(4), []
    for _ in range(2):
        assert [A.shape for A in hidden_activations(Recorder(), net.architecture, net.theta, X)] == [(4, 5), (4, 4)]
    assert seen[0] is seen[2]
    assert seen[1] is seen[3]
    assert [one.describe() for one in seen[:2]] == [
        "3 inputs → 5 tanh (quadratic)",
        "5 inputs → 4 softplus (quadratic)",
    ]


def test_without_hidden_layers_there_is_nothing_to_see_and_the_jacobian_is_plain():
    net = cr.Network([3, 2], output="identity", dtype="float64")
    X, _ = rows(4)
    assert net.hidden_activations(X) == []
    np.testing.assert_array_equal(net.input_gradients(X), np.broadcast_to(net.W[0].T, (4, 2, 3)))


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (SettingError, lambda net, X, T: net.hidden_activations(X, 1)),
        (SettingError, lambda net, X, T: net.hidden_activations(X, 4)),
        (SettingError, lambda net, X, T: net.hidden_activations(X, 2.0)),
        (SettingError, lambda net, X, T: net.hidden_activations(X, "tanh")),
        (SettingError, lambda net, X, T: Network([3, 2]).hidden_activations(X, 2)),
        (DataError, lambda net, X, T: net.hidden_activations(X[:, :2])),
        (DataError, lambda net, X, T: net.input_gradients(X[0])),
        (DataError, lambda net, X, T: net.input_gradients(X, T[:3])),
        (DataError, lambda net, X, T: net.input_gradients(X, -T)),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(error, call):
    with pytest.raises(ChainruleError) as caught:
        call(small(), *rows(4))
    assert isinstance(caught.value, error)
    assert "\n" not in str(caught.value)
