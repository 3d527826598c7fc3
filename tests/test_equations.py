"""The equations as functions of arrays: the same copy on NumPy and JAX, dropout's factors, weights and penalties."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from chainrule.activations import ACTIVATIONS
from chainrule.architecture import Architecture
from chainrule.arrays import namespace
from chainrule.equations import Layer, backward, bp1, bp2, bp3, bp4, forward, penalty, penalty_gradient

from .oracles import deviation
from .problems import FACTORS, SIGMAS

SIZES, M = (3, 4, 2, 3), 5
SQUARE = (3, 3, 3, 3)  # for JAX, which compiles every operation anew for every shape; the rows are then 3, too


def network(sigma, xp=np, dtype="float64", sizes=SIZES, m=M):
    """Three layers with the activation in both hidden ones, inputs, targets, and dropout's factors."""
    rng = np.random.default_rng(0)
    shapes = zip(sizes[:-1], sizes[1:], [sigma, sigma, ACTIVATIONS.get("tanh")], strict=True)
    layers = [
        Layer(xp.asarray(rng.normal(size=(n, p)), dtype), xp.asarray(rng.normal(size=p), dtype), s)
        for n, p, s in shapes
    ]
    keep = [xp.asarray(rng.integers(0, 2, (m, n)) / 0.5, dtype) for n in sizes[1:-1]]
    X, T = (xp.asarray(rng.normal(size=(m, n)), dtype) for n in (sizes[0], sizes[-1]))
    return layers, X, T, [*keep, None]


def everything(layers, X, T, keep):
    """Z, A, delta of every layer and the gradient, for the quadratic cost."""
    done = forward(X, layers, keep)
    delta = backward(bp1(layers[-1].activation, done.sigma[-1] - T, done.Z[-1], done.sigma[-1]), layers, done, keep)
    return [*done.Z, *done.A, *delta, *map(bp3, delta), *map(bp4, done.A[:-1], delta)]


# --- NumPy and JAX ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", SIGMAS, ids=str)
def test_numpy_and_jax_agree_on_every_activation(sigma, jax_in_64_bits):
    by_numpy, by_jax = (everything(*network(sigma, xp, sizes=SQUARE, m=3)) for xp in (np, jnp))
    for a, b in zip(by_numpy, by_jax, strict=True):
        assert namespace(b) is jnp
        assert b.dtype == "float64"
        assert deviation(b, a) <= 1e-12


@pytest.mark.parametrize("sigma", SIGMAS, ids=str)
@pytest.mark.parametrize("xp", [np, jnp], ids=["numpy", "jax"])
def test_float32_stays_float32(sigma, xp):
    assert all(part.dtype == "float32" for part in everything(*network(sigma, xp, "float32", SQUARE, 3)))


@pytest.mark.parametrize(("sigma", "cost"), FACTORS["output"], ids=str)
def test_numpy_and_jax_agree_on_every_output(sigma, cost, jax_in_64_bits):
    net = Architecture.of([2, 3], output=sigma, cost=cost)
    rng = np.random.default_rng(0)
    Z, T = rng.normal(size=(4, 3)), rng.dirichlet(np.ones(3), 4)
    T[:2] = [[1, 0, 0], [0, 0, 1]]
    A, weight = net.activations[-1].value(Z), np.repeat(rng.random((4, 1)), 3, axis=1)
    jax_Z, jax_T, jax_weight = (jnp.asarray(part) for part in (Z, T, weight))
    jax_A = net.activations[-1].value(jax_Z)
    assert deviation(net.costs(jax_Z, jax_A, jax_T, jax_weight), net.costs(Z, A, T, weight)) <= 1e-14
    assert deviation(net.delta_L(jax_Z, jax_A, jax_T, jax_weight), net.delta_L(Z, A, T, weight)) <= 1e-14


def test_numpy_and_jax_agree_on_blocks_and_penalties(jax_in_64_bits):
    net = Architecture.of(
        [2, 6], output=[("softmax", 3), ("gelu", 1), ("exp", 2)], cost=["cross_entropy", "huber", "poisson"]
    )
    Z = np.random.default_rng(0).normal(size=(4, 6))
    T = np.tile([0.5, 0.25, 0.25, -1.0, 2.0, 0.0], (4, 1))
    A, jax_A = net.activations[-1].value(Z), net.activations[-1].value(jnp.asarray(Z))
    assert deviation(jax_A, A) <= 1e-15
    assert deviation(net.delta_L(jnp.asarray(Z), jax_A, jnp.asarray(T)), net.delta_L(Z, A, T)) <= 1e-15
    assert deviation(penalty([jnp.asarray(Z)], 0.5, 0.2, 3.0), penalty([Z], 0.5, 0.2, 3.0)) <= 1e-15
    assert deviation(penalty_gradient(jnp.asarray(Z), 0.5, 0.2, 3.0), penalty_gradient(Z, 0.5, 0.2, 3.0)) <= 1e-15


@pytest.mark.parametrize("sigma", ["sigmoid", "gelu", "softmax"])
def test_jax_compiles_the_equations_and_differentiates_the_forward_pass_to_the_backward_pass(sigma, jax_in_64_bits):
    layers, X, T, keep = network(ACTIVATIONS.get(sigma), jnp)

    def cost(weights):
        moved = [Layer(*parts, layer.activation) for parts, layer in zip(weights, layers, strict=True)]
        return jnp.sum((forward(X, moved, keep).A[-1] - T) ** 2) / 2 / M

    gradient = jax.jit(jax.grad(cost))([(W, b) for W, b, _ in layers])
    *_, db2, db3, db4, dW2, dW3, dW4 = jax.jit(lambda X: everything(layers, X, T, keep))(X)
    for found, expected in zip([(dW2, db2), (dW3, db3), (dW4, db4)], gradient, strict=True):
        assert deviation(found[0], expected[0]) <= 1e-14
        assert deviation(found[1], expected[1]) <= 1e-14


# --- each equation ---------------------------------------------------------------------------------------------------


def test_a_pass_keeps_what_each_layer_saw():
    layers, X, _, keep = network(ACTIVATIONS.get("tanh"))
    done = forward(X, layers, keep)
    assert done.A[0] is X
    for k, layer in enumerate(layers):
        np.testing.assert_array_equal(done.Z[k], done.A[k] @ layer.W + layer.b)
        np.testing.assert_array_equal(done.sigma[k], np.tanh(done.Z[k]))
        np.testing.assert_array_equal(done.A[k + 1], done.sigma[k] * (1 if keep[k] is None else keep[k]))
    plain = forward(X, layers)
    assert all(A is sigma for A, sigma in zip(plain.A[1:], plain.sigma, strict=True))


def test_nothing_that_is_given_is_changed():
    layers, X, T, keep = network(ACTIVATIONS.get("relu"))
    given = [X, T, *keep[:-1], *(part for layer in layers for part in layer[:2])]
    before = [part.copy() for part in given]
    everything(layers, X, T, keep)
    assert all(np.array_equal(*pair) for pair in zip(given, before, strict=True))


@pytest.mark.parametrize("sigma", SIGMAS, ids=str)
@pytest.mark.parametrize("dropout", [False, True])
def test_delta_is_the_derivative_of_each_examples_cost_for_each_z(sigma, dropout):
    """By a complex step in one z of a layer at a time, which is a step in that neuron's bias."""
    layers, X, T, keep = network(sigma)
    keep = keep if dropout else None
    delta = everything(layers, X, T, keep)[7:10]
    for k, layer in enumerate(layers):
        for j in range(len(layer.b)):
            step = 1e-40j * (np.arange(len(layer.b)) == j)
            moved = [*layers[:k], Layer(layer.W, layer.b + step, layer.activation), *layers[k + 1 :]]
            costs = ((forward(X, moved, keep).A[-1] - T) ** 2).sum(axis=1) / 2
            assert deviation(delta[k][:, j], costs.imag / 1e-40) <= 1e-13


def test_a_dropped_neuron_neither_passes_on_nor_learns():
    layers, X, T, _ = network(ACTIVATIONS.get("tanh"))
    keep = [np.full((M, 4), 2.0), None, None]
    keep[0][:, 1] = 0
    *_, db2, _, _, dW2, dW3, _ = everything(layers, X, T, keep)
    assert not db2[1].any()
    assert not dW2[:, 1].any()
    assert not dW3[1].any()
    assert db2[[0, 2, 3]].all()
    assert dW3[[0, 2, 3]].all()


def test_bp2_takes_the_weights_transposed():
    W, delta = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[10.0, 1.0]])
    Z = np.array([[0.5, -0.5]])
    identity, relu = ACTIVATIONS.get("identity"), ACTIVATIONS.get("relu")
    assert bp2(identity, delta, W, Z, Z).tolist() == [[12.0, 34.0]]
    assert bp2(relu, delta, W, Z, relu.value(Z)).tolist() == [[12.0, 0.0]]
    assert bp2(identity, delta, W, Z, Z, keep=np.array([[0.0, 2.0]])).tolist() == [[0.0, 68.0]]


def test_bp3_and_bp4_are_means_in_which_weights_count():
    delta, A_prev = np.array([[1.0, 2.0], [3.0, 5.0], [0.0, 1.0]]), np.array([[1.0], [2.0], [4.0]])
    s = np.array([2.0, 1.0, 0.0])
    np.testing.assert_allclose(bp3(delta), [4 / 3, 8 / 3])
    np.testing.assert_allclose(bp4(A_prev, delta), [[7 / 3, 16 / 3]])
    np.testing.assert_allclose(bp3(delta, s), [5 / 3, 9 / 3])
    np.testing.assert_allclose(bp4(A_prev, delta, s), [[8 / 3, 14 / 3]])


# --- penalties -------------------------------------------------------------------------------------------------------


def test_the_penalty_worked_by_hand():
    W = [np.array([[1.0, -2.0]]), np.array([[3.0]])]
    assert penalty(W, alpha=0.5, l1=0.25, S=7.0) == pytest.approx(0.5 / 14 * 14 + 0.25 / 7 * 6)
    assert penalty(W, alpha=0.0, l1=0.0, S=7.0) == 0


@pytest.mark.parametrize(("alpha", "l1", "S"), [(0.7, 0.0, 1.0), (0.0, 0.3, 2.5), (0.7, 0.3, 11.0)])
def test_the_gradient_of_the_penalty_is_that_of_a_complex_step(alpha, l1, S):
    W = np.random.default_rng(0).normal(size=(3, 4))
    found = penalty_gradient(W, alpha, l1, S)
    for i, j in np.ndindex(W.shape):
        moved = W.astype(complex)
        moved[i, j] += 1e-40j
        assert found[i, j] == pytest.approx(penalty([moved], alpha, l1, S).imag / 1e-40, rel=1e-14)


def test_at_0_the_magnitude_does_not_push():
    assert penalty_gradient(np.array([[0.0, -0.0]]), alpha=1.0, l1=1.0, S=1.0).tolist() == [[0.0, 0.0]]
    W = np.ones((2, 2), dtype="float32")
    assert penalty_gradient(W, 0.5, 0.1, 3.0).dtype == "float32"
