"""The sweep: a network worked by hand, the equations index by index, complex steps, and JAX."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from chainrule import components
from chainrule.activations import ACTIVATIONS, Custom
from chainrule.architecture import Architecture
from chainrule.arrays import namespace
from chainrule.backprop import split_weight, sweep

from .oracles import deviation, row_costs, rows_by_complex_step
from .problems import FACTORS, SIGMAS, cases, covering_problems

H = 1e-40  # of a complex step


# --- a network worked by hand ----------------------------------------------------------------------------------------
#
#   layer 2: a = z^2, W = ((1, -1), (2, 1)), b = (0, 1)     layer 3: a = z, W = (1, 2), b = -3     C_x = (a - t)^2 / 2
#
#                     example 1: x = (1, 1), t = 10            example 2: x = (2, -1), t = -1
#   z^2               (1 + 2, -1 + 1 + 1)     = (3, 1)         (2 - 2, -2 - 1 + 1)       = (0, -2)
#   a^2 = (z^2)^2                               (9, 1)                                     (0, 4)
#   z^3 = a^3         9 + 2 - 3               = 8              0 + 8 - 3                 = 5
#   C_x               2^2 / 2                 = 2              6^2 / 2                   = 18
#   sigma'(z^2) = 2z                            (6, 2)                                     (0, -4)
#   BP1 delta^3       (8 - 10) 1              = -2             (5 + 1) 1                 = 6
#   BP2 delta^2       (-2·1·6, -2·2·2)        = (-12, -8)      (6·1·0, 6·2·(-4))         = (0, -48)
#   |gradient|^2      4 (1 + 82) + 208 (1 + 2) = 956           36 (1 + 16) + 2304 (1 + 5) = 14436

SQUARE = Custom.of(lambda z: z * z, lambda z: 2 * z)
BY_HAND = Architecture.of([2, 2, 1], SQUARE, "identity")
THETA = np.array([1.0, -1, 2, 1, 0, 1, 1, 2, -3])
X, T = np.array([[1.0, 1], [2, -1]]), np.array([[10.0], [-1]])


def plain(arrays):
    return [None if array is None else array.tolist() for array in arrays]


def test_the_network_worked_by_hand():
    ledger = sweep(BY_HAND, THETA, X, T)
    assert plain(ledger.Z) == [[[3, 1], [0, -2]], [[8], [5]]]
    assert plain(ledger.A) == [[[1, 1], [2, -1]], [[9, 1], [0, 4]], [[8], [5]]]
    assert plain(ledger.sigma) == [[[9, 1], [0, 4]], [[8], [5]]]
    assert plain(ledger.sigma_prime) == [[[6, 2], [0, -4]], [[1], [1]]]
    assert plain(ledger.delta) == [[[-12, -8], [0, -48]], [[-2], [6]]]
    assert plain(ledger.db) == [[-6, -28], [2]]
    assert plain(ledger.dW) == [[[-6, -52], [-6, 20]], [[-9], [11]]]
    assert ledger.gradient.tolist() == [-6, -52, -6, 20, -6, -28, -9, 11, 2]
    assert ledger.cost.tolist() == [2, 18]
    assert ledger.norms.tolist() == [956**0.5, 14436**0.5]


def test_weights_of_examples_are_in_the_gradient_alone():
    ledger = sweep(BY_HAND, THETA, X, T, weight=np.array([0.5, 1.5]))
    assert plain(ledger.delta) == [[[-12, -8], [0, -48]], [[-2], [6]]]
    assert ledger.cost.tolist() == [2, 18]
    assert ledger.norms.tolist() == [956**0.5, 14436**0.5]
    assert plain(ledger.db) == [[-3, -38], [4]]
    assert plain(ledger.dW) == [[[-3, -74], [-3, 34]], [[-4.5], [17.5]]]


def test_weights_of_terms_are_in_cost_and_delta():
    ledger = sweep(BY_HAND, THETA, X, T, weight=np.array([[0.5], [2.0]]))
    assert ledger.cost.tolist() == [1, 36]
    assert plain(ledger.delta) == [[[-6, -4], [0, -96]], [[-1], [12]]]
    assert ledger.db[1].tolist() == [5.5]


def test_dropout_multiplies_what_the_next_layer_sees_and_what_comes_back():
    ledger = sweep(BY_HAND, THETA, X, T, keep=[np.array([[0.0, 2], [2, 2]]), None])
    assert plain(ledger.Z) == [[[3, 1], [0, -2]], [[1], [13]]]
    assert plain(ledger.A[1:]) == [[[0, 2], [0, 8]], [[1], [13]]]
    assert plain(ledger.sigma) == [[[9, 1], [0, 4]], [[1], [13]]]
    assert plain(ledger.sigma_prime) == [[[6, 2], [0, -4]], [[1], [1]]]
    assert plain(ledger.delta) == [[[0, -72], [0, -224]], [[-9], [14]]]
    assert plain(ledger.dW) == [[[0, -260], [0, 76]], [[0], [47]]]
    assert ledger.cost.tolist() == [40.5, 98]


def test_masked_weights_have_no_gradient():
    masked = Architecture.of([2, 2, 1], SQUARE, "identity", masks=[[[1, 0], [1, 1]], None])
    ledger = sweep(masked, THETA, X, T)
    assert plain(ledger.dW) == [[[-6, 0], [-6, 20]], [[-9], [11]]]
    assert plain(ledger.db) == [[-6, -28], [2]]
    assert ledger.norms.tolist() == [(956 - 64 * 1) ** 0.5, (14436 - 2304 * 4) ** 0.5]


# --- index by index --------------------------------------------------------------------------------------------------


def scalar(activation):
    """An activation as a function of one number, and its derivative by a complex step."""

    def value(z):
        return activation.value(np.array([[z]]))[0, 0]

    return value, lambda z: value(z + 1j * H).imag / H


def by_components(net, theta, x, t):
    """One example of a network with one elementwise output block, by `components`; dC/da by a complex step."""
    (W, b), cost = net.views(theta), net.blocks[0].cost

    def cost_derivative(a, y):
        steps = np.array(a) + 1j * H * np.eye(len(a))
        return (cost.terms(steps, np.tile(y, (len(a), 1))).sum(axis=1).imag / H).tolist()

    sigmas, primes = zip(*map(scalar, net.activations), strict=True)
    layers = [w.tolist() for w in W], [c.tolist() for c in b]
    return components.backpropagate(*layers, x.tolist(), t.tolist(), sigmas, primes, cost_derivative)


@pytest.mark.parametrize("hidden", [sigma for sigma in SIGMAS if sigma.elementwise], ids=str)
@pytest.mark.parametrize("output", [("tanh", "quadratic"), ("sigmoid", "binary_cross_entropy"), ("exp", "poisson")])
def test_the_sweep_is_the_equations_index_by_index(hidden, output):
    rng = np.random.default_rng(0)
    net = Architecture.of([2, 3, 4, 2], hidden, *output)
    theta = rng.uniform(-0.7, 0.7, net.parameter_count)
    X, T = rng.normal(size=(3, 2)), rng.random((3, 2))
    ledger = sweep(net, theta, X, T)
    rows = [by_components(net, theta, *row) for row in zip(X, T, strict=True)]
    for name, part in {"Z": "z", "A": "a", "delta": "delta"}.items():
        for found, *expected in zip(getattr(ledger, name), *(getattr(row, part) for row in rows), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)
    for found, part in ((ledger.dW, "dC_dw"), (ledger.db, "dC_db")):
        for mean, *of_rows in zip(found, *(getattr(row, part) for row in rows), strict=True):
            np.testing.assert_allclose(mean, np.mean(of_rows, axis=0), rtol=1e-11, atol=1e-13)


# --- complex steps ---------------------------------------------------------------------------------------------------

outputs = pytest.mark.parametrize("output", FACTORS["output"], ids=lambda output: "/".join(map(str, output)))


def swept(case):
    return sweep(case.architecture, case.theta, case.X, case.T, case.weight, case.keep)


def by_row(ledger):
    """s dC_x/dtheta of each example, (m, P), by BP3 and BP4 from A and delta alone."""
    s = np.ones(len(ledger.T)) if ledger.row_weight is None else ledger.row_weight
    parts = []
    for A, delta, mask in zip(ledger.A[:-1], ledger.delta, ledger.architecture.masks, strict=True):
        dW = np.einsum("m,mi,mj->mij", s, A, delta) * (1 if mask is None else mask)
        parts += [dW.reshape(len(s), -1), s[:, None] * delta]
    return np.concatenate(parts, axis=1)


def off(architecture, found, expected):
    """The largest difference in any layer, as a share of its largest element; no share of next to nothing."""
    assert found.shape == expected.shape
    errors = []
    for W, b in architecture.slices:
        layer = (..., slice(W.start, b.stop))
        size = np.abs(expected[layer]).max()
        errors.append(np.abs(found[layer] - expected[layer]).max() / (size if size > 1e-6 else 1))
    return max(errors)


@outputs
def test_every_examples_errors_gradient_and_cost_are_those_of_complex_steps(output):
    """Over a covering set: every hidden activation with this output, every pair of the other factors somewhere."""
    with np.errstate(divide="ignore"):  # a softmax of one neuron is certain: ln(1 - a) is -inf
        for problem in covering_problems():
            if problem.output == output:
                check(next(cases(problem)), str(problem))


def check(case, name):
    ledger, expected = swept(case), rows_by_complex_step(case)
    s = 1 if ledger.row_weight is None else ledger.row_weight
    assert off(case.architecture, by_row(ledger), expected) <= 1e-11, name
    assert off(case.architecture, ledger.gradient, expected.mean(axis=0)) <= 1e-11, name
    assert deviation(s * ledger.norms, np.linalg.norm(expected, axis=1)) <= 1e-11, name
    assert deviation(s * ledger.cost, row_costs(case, case.theta[None])[0]) <= 1e-12, name


@pytest.mark.parametrize("sigma", SIGMAS, ids=str)
def test_sigma_prime_is_the_derivative_of_elementwise_activations_and_none_of_others(sigma):
    net = Architecture.of([2, 3, 3, 1], sigma, "tanh")
    rng = np.random.default_rng(1)
    ledger = sweep(net, rng.normal(size=net.parameter_count), rng.normal(size=(5, 2)), rng.normal(size=(5, 1)))
    for activation, Z, found in zip(net.activations, ledger.Z, ledger.sigma_prime, strict=True):
        if activation.elementwise:
            np.testing.assert_allclose(found, activation.value(Z + 1j * H).imag / H, rtol=1e-13, atol=1e-15)
        else:
            assert found is None


def test_a_layer_of_blocks_has_a_sigma_prime_where_all_of_them_have_one():
    rng = np.random.default_rng(1)
    for first, there in (("sigmoid", True), ("softmax", False)):
        net = Architecture.of([2, 5], output=[(first, 3), ("identity", 2)])
        ledger = sweep(net, rng.normal(size=15), rng.normal(size=(4, 2)), rng.normal(size=(4, 5)))
        assert (ledger.sigma_prime[0] is not None) is there
        if there:
            A = ledger.A[-1][:, :3]
            np.testing.assert_allclose(ledger.sigma_prime[0], np.hstack([A * (1 - A), np.ones((4, 2))]), rtol=1e-14)


# --- what it takes ---------------------------------------------------------------------------------------------------


def blocks(dtype="float64"):
    """A network of two blocks, one masked layer, and 6 examples with class numbers."""
    rng = np.random.default_rng(2)
    masks = [rng.random((3, 4)) < 0.7, None]
    net = Architecture.of([3, 4, 5], "tanh", [("softmax", 3), ("softmax", 2)], "cross_entropy", masks)
    theta = rng.normal(size=net.parameter_count).astype(dtype)
    return net, theta, rng.normal(size=(6, 3)), np.stack([rng.integers(0, n, 6) for n in (3, 2)], axis=1)


def everything(ledger):
    lists = ledger.Z, ledger.A, ledger.sigma, ledger.delta, ledger.dW, ledger.db
    return [*(part for parts in lists for part in parts), ledger.cost, ledger.gradient]


def test_class_numbers_are_their_rows_of_ones_and_zeros_to_the_last_bit():
    net, theta, X, classes = blocks()
    T = np.hstack([np.eye(3)[classes[:, 0]], np.eye(2)[classes[:, 1]]])
    pairs = zip(
        everything(sweep(net, theta, X, classes.astype(np.int32))), everything(sweep(net, theta, X, T)), strict=True
    )
    assert all(a.tobytes() == b.tobytes() for a, b in pairs)


def test_everything_is_in_the_type_of_theta():
    net, theta, X, classes = blocks("float32")
    ledger = sweep(net, theta, X, classes.astype(np.int32), keep=[np.full((6, 4), 2, np.float32), None])
    assert {part.dtype.name for part in [*everything(ledger), *ledger.sigma_prime[:1]]} == {"float32"}
    assert ledger.norms.dtype == np.float64


def test_the_layout_of_x_changes_no_bit():
    net, theta, X, classes = blocks()
    T = classes.astype(np.int32)
    for other in (np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2]):
        pairs = zip(everything(sweep(net, theta, X, T)), everything(sweep(net, theta, other, T)), strict=True)
        assert all(a.tobytes() == b.tobytes() for a, b in pairs)


def test_nothing_that_is_given_is_changed():
    net, theta, X, classes = blocks()
    given = [theta, X, classes.astype(np.int32), np.arange(6.0), np.ones((6, 4))]
    before = [part.tobytes() for part in given]
    everything(sweep(net, *given[:4], keep=[given[4], None]))
    assert [part.tobytes() for part in given] == before


def test_what_is_not_read_is_not_computed_and_what_is_read_is_kept():
    net, theta, X, classes = blocks()
    ledger = sweep(net, theta, X, classes.astype(np.int32))
    computed = {field.name for field in dataclasses.fields(ledger)}
    assert vars(ledger).keys() == computed
    assert ledger.norms is ledger.norms
    assert vars(ledger).keys() == computed | {"norms"}
    assert ledger.gradient is ledger.gradient
    assert vars(ledger).keys() == computed | {"norms", "dW", "db", "gradient"}


def test_other_weights_of_examples_are_another_ledger_of_the_same_sweep():
    net, theta, X, classes = blocks()
    T, s = classes.astype(np.int32), np.arange(6.0)
    ledger = sweep(net, theta, X, T)
    before = ledger.gradient
    weighted = dataclasses.replace(ledger, row_weight=s)
    assert weighted.gradient.tobytes() == sweep(net, theta, X, T, s).gradient.tobytes()
    assert ledger.gradient is before


def test_weights_are_of_examples_or_of_terms():
    rows, terms = np.ones(3), np.ones((3, 2))
    assert split_weight(None) == (None, None)
    assert split_weight(rows)[0] is rows
    assert split_weight(rows)[1] is None
    assert split_weight(terms)[0] is None
    assert split_weight(terms)[1] is terms


# --- JAX -------------------------------------------------------------------------------------------------------------


def for_jax(case):
    weight = None if case.weight is None else jnp.asarray(case.weight)
    keep = [None if factor is None else jnp.asarray(factor) for factor in case.keep]
    return case.architecture, jnp.asarray(case.theta), jnp.asarray(case.X), jnp.asarray(case.T), weight, keep


@pytest.mark.parametrize("hidden", [ACTIVATIONS.get("gelu"), ACTIVATIONS.get("softmax")], ids=str)
def test_on_jax_it_is_the_same_sweep(hidden, jax_in_64_bits):
    """Masks, blocks, weights and dropout in both: compiling takes seconds for each shape."""
    problem = next(p for p in covering_problems() if p.hidden == hidden and p.shape == "width 1" and p.masks == "masked"
                   and p.dropout == "dropout" and p.weights != "unweighted" and p.blocks != "one block")  # fmt: skip
    case = next(cases(problem))
    by_numpy, by_jax = swept(case), sweep(*for_jax(case))
    for found, expected in zip(everything(by_jax), everything(by_numpy), strict=True):
        assert namespace(found) is jnp
        assert found.dtype == "float64"
        assert deviation(found, expected) <= 1e-12
    assert deviation(by_jax.norms, by_numpy.norms) <= 1e-12


def test_jax_compiles_the_sweep_and_differentiates_its_cost_to_its_gradient(jax_in_64_bits):
    net, theta, X, classes = blocks()
    theta, X, T = jnp.asarray(theta), jnp.asarray(X), jnp.asarray(classes.astype(np.int32))
    theta = jnp.concat([jnp.where(net.masks[0].ravel(), theta[:12], 0), theta[12:]])
    found = jax.jit(lambda theta: sweep(net, theta, X, T).gradient)(theta)
    expected = jax.grad(lambda theta: sweep(net, theta, X, T).cost.mean())(theta)
    expected = jnp.concat([jnp.where(net.masks[0].ravel(), expected[:12], 0), expected[12:]])
    assert deviation(found, expected) <= 1e-14
