"""The equations index by index: networks worked by hand, both documents' indices, and the matrix form against them."""

import itertools
from fractions import Fraction as F

import numpy as np
import pytest

from chainrule import components
from chainrule.activations import ACTIVATIONS, Custom
from chainrule.equations import Layer, backward, bp1, bp3, bp4, forward

SQUARE = Custom.of(lambda z: z * z, lambda z: 2 * z)


def identity(z):
    return z


def one(z):
    return 1


def relu(z):
    return z if z > 0 else 0 * z


def step(z):
    return 1 if z > 0 else 0


def square(z):
    return z * z


def double(z):
    return 2 * z


def flat(rows):
    return list(itertools.chain(*rows))


# Every quantity of one example in a 2-2-1 network, worked by hand on paper.
#
#   x = (1, 2), y = 2      z^2 = (1·1/2 + 2·1/4 + 1/2, 1·(-1) + 2·1/3 + 0)     = (3/2, -1/3)
#   hidden a = z^2         a^2 = (9/4, 1/9)
#   output a = z           z^3 = 9/4·2/3 + 1/9·(-3) + 1/6 = 3/2 - 1/3 + 1/6    = 4/3 = a^3
#                          C_x = 1/2 (2 - 4/3)^2                               = 2/9
#   BP1                    delta^3 = (4/3 - 2)·1                               = -2/3
#   BP2                    delta^2 = (2/3·(-2/3)·2·3/2, (-3)·(-2/3)·2·(-1/3))  = (-4/3, -4/3)
#   BP4                    dC/dw^3 = (9/4·(-2/3), 1/9·(-2/3))                  = (-3/2, -2/27)
#                          dC/dw^2 = ((1·(-4/3), 1·(-4/3)), (2·(-4/3), 2·(-4/3)))
W2, B2 = [[F(1, 2), F(-1)], [F(1, 4), F(1, 3)]], [F(1, 2), F(0)]
W3, B3 = [[F(2, 3)], [F(-3)]], [F(1, 6)]
X, Y = [F(1), F(2)], [F(2)]


@pytest.fixture
def by_hand():
    return components.backpropagate([W2, W3], [B2, B3], X, Y, [square, identity], [double, one])


def test_the_network_worked_by_hand(by_hand):
    assert by_hand.z == [[F(3, 2), F(-1, 3)], [F(4, 3)]]
    assert by_hand.a == [[1, 2], [F(9, 4), F(1, 9)], [F(4, 3)]]
    assert components.quadratic(by_hand.a[-1], Y) == F(2, 9)
    assert components.quadratic_derivative(by_hand.a[-1], Y) == [F(-2, 3)]
    assert by_hand.delta == [[F(-4, 3), F(-4, 3)], [F(-2, 3)]]
    assert by_hand.dC_db == [[F(-4, 3), F(-4, 3)], [F(-2, 3)]]
    assert by_hand.dC_dw == [[[F(-4, 3), F(-4, 3)], [F(-8, 3), F(-8, 3)]], [[F(-3, 2)], [F(-2, 27)]]]


def test_a_relu_lets_through_what_it_let_through(by_hand):
    """The same weights with relu: z = -1/3 is shut, so a^2 = (3/2, 0), a^3 = 3/2·2/3 + 1/6 = 7/6, delta^3 = -5/6."""
    found = components.backpropagate([W2, W3], [B2, B3], X, Y, [relu, identity], [step, one])
    assert found.z[0] == by_hand.z[0]
    assert found.a[1:] == [[F(3, 2), 0], [F(7, 6)]]
    assert found.delta == [[F(-5, 9), 0], [F(-5, 6)]]
    assert found.dC_dw == [[[F(-5, 9), 0], [F(-10, 9), 0]], [[F(-5, 4)], [0]]]


def test_one_step_of_descent_lowers_the_cost(by_hand):
    gradient = [*flat(by_hand.dC_dw[0]), *by_hand.dC_db[0], *flat(by_hand.dC_dw[1]), *by_hand.dC_db[1]]
    v = components.descend([*flat(W2), *B2, *flat(W3), *B3], gradient, F(1, 100))
    assert v[:3] == [F(1, 2) + F(4, 300), F(-1) + F(4, 300), F(1, 4) + F(8, 300)]
    moved = components.backpropagate(
        [[v[0:2], v[2:4]], [v[6:7], v[7:8]]], [v[4:6], v[8:9]], X, Y, [square, identity], [double, one]
    )
    assert components.quadratic(moved.a[-1], Y) < components.quadratic(by_hand.a[-1], Y)


def test_both_documents_indices_give_the_same(by_hand):
    """BP's w_ij goes from neuron j to neuron i: its matrices are the transposes, and its vectors are columns."""
    W = [np.array(w).T for w in (W2, W3)]
    A1, Y1, B = np.array(X)[:, None], np.array(Y)[:, None], [np.array(b)[:, None] for b in (B2, B3)]
    Z2 = W[0] @ A1 + B[0]  # (1)
    A2 = Z2 * Z2  # (2), as BP means it
    Z3 = W[1] @ A2 + B[1]
    delta3 = (Z3 - Y1) * 1  # (3)
    delta2 = W[1].T @ delta3 * (2 * Z2)  # (4)
    assert [list(Z[:, 0]) for Z in (Z2, Z3)] == by_hand.z
    assert [list(delta[:, 0]) for delta in (delta2, delta3)] == by_hand.delta
    assert (delta2 @ A1.T).T.tolist() == by_hand.dC_dw[0]  # (5): dC/dw_jk = a_k delta_j
    assert (delta3 @ A2.T).T.tolist() == by_hand.dC_dw[1]


def test_the_matrix_form_gives_the_numbers_worked_by_hand():
    """In powers of 2, so that floating point is exact: z^2 = (3/2, -1/2), a^2 = (9/4, 1/4), z^3 = 7/4, y = 2."""
    layers = [
        Layer(np.array([[0.5, -1.0], [0.25, 0.25]]), np.array([0.5, 0.0]), SQUARE),
        Layer(np.array([[1.0], [-4.0]]), np.array([0.5]), ACTIVATIONS.get("identity")),
    ]
    done = forward(np.array([[1.0, 2.0]]), layers)
    assert [Z.tolist() for Z in done.Z] == [[[1.5, -0.5]], [[1.75]]]
    assert [A.tolist() for A in done.A] == [[[1.0, 2.0]], [[2.25, 0.25]], [[1.75]]]
    delta = backward(bp1(layers[-1].activation, done.A[-1] - 2.0, done.Z[-1], done.A[-1]), layers, done)
    assert [d.tolist() for d in delta] == [[[-0.75, -1.0]], [[-0.25]]]
    assert [bp3(d).tolist() for d in delta] == [[-0.75, -1.0], [-0.25]]
    assert bp4(done.A[0], delta[0]).tolist() == [[-0.75, -1.0], [-1.5, -2.0]]
    assert bp4(done.A[1], delta[1]).tolist() == [[-0.5625], [-0.0625]]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


def test_a_published_example_with_sigmoids():
    """Mazur, A step by step backpropagation example, 2015: one step of rate 1/2, to the digits that he prints."""
    w = [[[0.15, 0.25], [0.20, 0.30]], [[0.40, 0.50], [0.45, 0.55]]]
    b = [[0.35, 0.35], [0.60, 0.60]]
    y = [0.01, 0.99]
    found = components.backpropagate(w, b, [0.05, 0.10], y, [sigmoid] * 2, [sigmoid_prime] * 2)
    assert found.z[0] == pytest.approx([0.3775, 0.3925])
    assert found.a[1] == pytest.approx([0.593269992, 0.596884378], abs=5e-10)
    assert found.a[2] == pytest.approx([0.75136507, 0.772928465], abs=5e-9)
    assert components.quadratic(found.a[2], y) == pytest.approx(0.298371109, abs=5e-10)
    assert found.delta[1][0] == pytest.approx(0.138498562, abs=5e-10)
    assert found.dC_dw[1][0][0] == pytest.approx(0.082167041, abs=5e-10)
    assert found.dC_dw[0][0][0] == pytest.approx(0.000438568, abs=5e-10)
    moved = [components.descend(flat(w[k]), flat(found.dC_dw[k]), 0.5) for k in range(2)]
    assert moved[1] == pytest.approx([0.35891648, 0.511301270, 0.408666186, 0.561370121], abs=5e-9)
    assert moved[0] == pytest.approx([0.149780716, 0.24975114, 0.19956143, 0.29950229], abs=5e-9)


def test_complex_numbers_pass_through(by_hand):
    """dC_x/dw by a complex step of the component form's own forward pass is what its backward pass says."""
    h = 1e-30
    w = [[[complex(x) for x in row] for row in rows] for rows in (W2, W3)]
    b = [[complex(x) for x in row] for row in (B2, B3)]
    for k in range(2):
        for i in range(len(w[k])):
            for j in range(len(w[k][i])):
                w[k][i][j] += h * 1j
                moved = components.backpropagate(w, b, X, Y, [square, identity], [double, one])
                w[k][i][j] -= h * 1j
                slope = components.quadratic(moved.a[-1], Y).imag / h
                assert slope == pytest.approx(float(by_hand.dC_dw[k][i][j]), rel=1e-14)


def test_bp1_by_the_jacobian_is_bp1_where_each_a_has_its_own_z():
    z, dC_da = [F(1, 2), F(-3), F(2)], [F(1), F(2), F(3)]
    diagonal = [[double(z[i]) if i == j else 0 for i in range(3)] for j in range(3)]
    assert components.bp1_jacobian(dC_da, diagonal) == components.bp1(dC_da, z, double)


def test_bp1_by_the_jacobian_sums_over_the_activations():
    """a = (z_1 z_2, z_1 + 3 z_2) at z = (5, 7): da_1/dz = (7, 5), da_2/dz = (1, 3), delta = (70 + 2, 50 + 6)."""
    assert components.bp1_jacobian([10, 2], [[7, 5], [1, 3]]) == [72, 56]


def test_bp1_by_the_jacobian_is_the_pullback_of_softmax():
    softmax = ACTIVATIONS.get("softmax")
    Z, G = np.random.default_rng(0).normal(size=(2, 4, 3))
    A = softmax.value(Z)
    for a, g, delta in zip(A, G, bp1(softmax, G, Z, A), strict=True):
        jacobian = [[a[j] * ((i == j) - a[i]) for i in range(3)] for j in range(3)]
        np.testing.assert_allclose(delta, components.bp1_jacobian(g, jacobian), atol=1e-16)


def test_the_mean_of_a_mini_batch():
    assert components.mean_gradient([[F(1), F(2)], [F(2), F(3)], [F(3), F(10)]]) == [2, 5]


# --- the matrix form against the component form ----------------------------------------------------------------------

SHAPES = [(1, 1), (3, 2), (2, 3, 1), (3, 1, 2), (2, 4, 3, 2), (1, 3, 2, 2, 3)]
PLAIN = {  # the same functions as matrices' activations and as functions of one number
    "identity": (ACTIVATIONS.get("identity"), identity, one),
    "relu": (ACTIVATIONS.get("relu"), relu, step),
    "square": (SQUARE, square, double),
    "sigmoid": (ACTIVATIONS.get("sigmoid"), sigmoid, sigmoid_prime),
    "tanh": (ACTIVATIONS.get("tanh"), np.tanh, lambda z: 1 - np.tanh(z) ** 2),
}


def both_forms(sizes, names, draw, m):
    """Everything of a batch, by equations and by components: Z, A, delta of each row, and the batch's gradients."""
    W = [draw((n, p)) for n, p in itertools.pairwise(sizes)]
    b, X, T = [draw(p) for p in sizes[1:]], draw((m, sizes[0])), draw((m, sizes[-1]))
    layers = [Layer(w, c, PLAIN[name][0]) for w, c, name in zip(W, b, names, strict=True)]
    done = forward(X, layers)
    delta = backward(bp1(layers[-1].activation, done.A[-1] - T, done.Z[-1], done.A[-1]), layers, done)
    matrices = [*done.Z, *done.A, *delta, *map(bp3, delta), *map(bp4, done.A[:-1], delta)]
    functions = [PLAIN[name][1] for name in names], [PLAIN[name][2] for name in names]
    weights = [w.tolist() for w in W], [c.tolist() for c in b]
    rows = [components.backpropagate(*weights, *row, *functions) for row in zip(X.tolist(), T.tolist(), strict=True)]
    numbers = [np.array(of_rows) for part in ("z", "a", "delta") for of_rows in _by_layer(rows, part)]
    for part in ("dC_db", "dC_dw"):
        for of_rows in map(np.array, _by_layer(rows, part)):
            mean = components.mean_gradient(of_rows.reshape(m, -1).tolist())
            numbers.append(np.reshape(mean, of_rows.shape[1:]))
    return matrices, numbers


def _by_layer(rows, part):
    """For each layer, the quantity of all rows."""
    return zip(*(getattr(row, part) for row in rows), strict=True)


@pytest.mark.parametrize("sizes", SHAPES, ids=str)
@pytest.mark.parametrize("name", ["identity", "relu", "square"])
@pytest.mark.parametrize("seed", range(3))
def test_on_small_integers_the_two_forms_are_equal(sizes, name, seed):
    rng = np.random.default_rng(seed)
    names = [[name, "relu", "relu"][k] for k in range(len(sizes) - 2)] + ["identity"]
    matrices, numbers = both_forms(sizes, names, lambda shape: rng.integers(-2, 3, shape).astype(float), m=4)
    for found, expected in zip(matrices, numbers, strict=True):
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("sizes", SHAPES, ids=str)
@pytest.mark.parametrize("m", [1, 5])
def test_on_random_numbers_the_two_forms_agree_to_rounding(sizes, m):
    rng = np.random.default_rng(m)
    names = [["tanh", "relu", "sigmoid"][k % 3] for k in range(len(sizes) - 2)] + ["sigmoid"]
    matrices, numbers = both_forms(sizes, names, lambda shape: rng.normal(size=shape), m)
    for found, expected in zip(matrices, numbers, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


def test_weights_of_examples_enter_bp3_and_bp4_but_not_delta():
    """By components: the weighted mean of the rows' gradients, every quantity an exact number."""
    A_prev, delta, s = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([[4.0], [5.0]]), np.array([0.5, 1.5])
    gradients = [components.bp4(a, d) for a, d in zip(A_prev.tolist(), delta.tolist(), strict=True)]
    weighted = [[w * g[0] for g in rows] for w, rows in zip(s.tolist(), gradients, strict=True)]
    assert bp4(A_prev, delta, s)[:, 0].tolist() == components.mean_gradient(weighted) == [12.25, -1.75]
    assert bp3(delta, s).tolist() == [(0.5 * 4 + 1.5 * 5) / 2]
