"""Backpropagation against oracles that know nothing of it, what weights mean, and a check of the checker itself."""

import itertools

import jax
import numpy as np
import pytest

from chainrule.activations import ACTIVATIONS
from chainrule.activations import Custom as CustomActivation
from chainrule.architecture import Architecture
from chainrule.costs import Custom as CustomCost
from chainrule.engines.base import BLOCK
from chainrule.equations import bp1, bp2, bp3, bp4, forward
from chainrule.errors import DataError, SettingError
from chainrule.network import Network

from .oracles import ORACLES, backpropagation, build, compare, deviation, objective, worst_relative
from .problems import (
    FACTORS,
    FACTORS_WITHOUT_HIDDEN,
    covering,
    covering_problems,
    covering_problems_for_jax,
    full_problems,
)

PROMISED = {"complex step": 1e-10, "central differences": 1e-6, "jax.grad": 1e-10}
BOUNDS = PROMISED | {"complex step": 1e-12, "jax.grad": 1e-12}  # what the covering sets hold


@pytest.fixture
def jax_in_64_bits():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def check(problems, *oracles, bounds=BOUNDS):
    """Every problem's worst relative errors are within the bounds; those where one is not, by name."""
    errors = {str(problem): compare(problem, oracles) for problem in problems}
    assert errors
    wrong = {name: e for name, e in errors.items() if not all(e[oracle] <= bounds[oracle] for oracle in oracles)}
    assert wrong == {}


# --- the gradient ----------------------------------------------------------------------------------------------------

outputs = pytest.mark.parametrize("output", FACTORS["output"], ids=lambda output: "/".join(map(str, output)))


# Complex steps, the sharpest oracle, meet every two values of the factors; what is asked besides meets every value.
thirds = pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.full)], ids=["a third", "all"])


def problems_with(output, step=1):
    """Of the covering set, or a third of it: every hidden activation with this output, or some of them."""
    return [problem for problem in covering_problems()[::step] if problem.output == output]


@outputs
def test_backpropagation_agrees_with_the_forward_pass(output):
    """Over a covering set: every hidden activation with this output, every two values of the others somewhere."""
    check(problems_with(output), "complex step")


@outputs
@thirds
def test_backpropagation_agrees_with_central_differences(output, step):
    check(problems_with(output, step), "central differences")


@thirds
@pytest.mark.parametrize("flat", [False, True], ids=["hidden layers", "no hidden layer"])
def test_backpropagation_agrees_with_jax_on_a_forward_pass_of_its_own(flat, step, jax_in_64_bits):
    problems = covering_problems_for_jax()[::step]
    check((problem for problem in problems if (problem.hidden is None) == flat), "jax.grad")


@pytest.mark.full
@pytest.mark.parametrize("hidden", [None, *FACTORS["hidden"]], ids=str)
@pytest.mark.parametrize("blocks", FACTORS["blocks"])
def test_backpropagation_agrees_with_every_oracle_over_the_full_product(hidden, blocks, jax_in_64_bits):
    check(full_problems(hidden=hidden, blocks=blocks), *ORACLES, bounds=PROMISED)


def test_the_covering_set_meets_every_two_values():
    found = covering_problems()
    assert len(found) < 4000
    for factors in (FACTORS, FACTORS_WITHOUT_HIDDEN):
        for (f, left), (g, right) in itertools.combinations(factors.items(), 2):
            met = [(getattr(problem, f), getattr(problem, g)) for problem in found]
            assert all(pair in met for pair in itertools.product(left, right)), (f, g)


@pytest.mark.parametrize("problems", [covering_problems, covering_problems_for_jax])
def test_a_third_of_the_covering_set_meets_every_value(problems):
    for factor in FACTORS:
        whole, third = ({getattr(problem, factor) for problem in problems()[::step]} for step in (1, 3))
        assert third == whole, factor


@pytest.mark.parametrize("values", [[2, 2, 2, 2], [3, 3, 2], [7, 4, 4, 4, 1], [2, 2, 5, 3]], ids=str)
def test_a_covering_is_one_for_any_factors(values):
    rows = covering([[f"{f}{v}" for v in range(n)] for f, n in enumerate(values)])
    assert len(rows) < 2 * max(a * b for a, b in itertools.combinations(values, 2))
    for f, g in itertools.combinations(range(len(values)), 2):
        assert {(row[f], row[g]) for row in rows} == {
            (f"{f}{u}", f"{g}{v}") for u in range(values[f]) for v in range(values[g])
        }


@outputs
@thirds
def test_the_cost_is_the_objective(output, step):
    for problem in problems_with(output, step):
        if problem.dropout == "all kept":
            case = build(problem)
            net = Network.from_parts(case.architecture, case.theta)
            found = net.cost(case.X, case.T, case.weight, case.alpha, case.l1)
            assert deviation(found, objective(case, case.theta[None])[0]) <= 1e-13


@outputs
@thirds
def test_float32_agrees_with_float64_to_its_rounding(output, step):
    for problem in problems_with(output, step):
        if problem.shape != "width 1":  # where a sum may cancel to less than its rounding
            case = build(problem)
            found = backpropagation(case, "float32")
            assert found.dtype == "float32"
            assert worst_relative(case.architecture, found, backpropagation(case), floor=1e-3) <= 2e-4, str(problem)


# --- the checker itself ----------------------------------------------------------------------------------------------


def square_case():
    """Three hidden layers of the inputs' width, so that every mistake below has the right shapes."""
    rng = np.random.default_rng(5)
    net = Network([3, 3, 3, 3, 3], "tanh", "sigmoid", dtype="float64", seed=1)
    net.theta[...] += 0.3 * rng.normal(size=net.theta.size)
    return net, rng.normal(size=(6, 3)), rng.random((6, 3))


def plain_backpropagation(net, X, T, mistake=None):
    """The four equations once more, with a mistake to choose."""
    layers, m = net.architecture.layers(net.theta), len(X)
    done = forward(X, layers)
    Z, A = done.Z, done.A
    dC_dA = T - A[-1] if mistake == "sign" else A[-1] - T
    delta = [dC_dA if mistake == "no sigma' in BP1" else bp1(layers[-1].activation, dC_dA, Z[-1], A[-1])]
    for k in reversed(range(3)):
        W = layers[k + 1].W.T if mistake == "W not transposed" else layers[k + 1].W
        W = layers[k].W if mistake == "W of another layer" else W
        a = np.tanh(A[k + 1]) if mistake == "sigma'(A) for sigma'(Z)" else A[k + 1]
        a = A[k + 2] if mistake == "sigma' of another layer" else a
        delta.insert(0, bp2(layers[k].activation, delta[0], W, Z[k], a))
    if mistake == "delta of another layer":
        delta = [delta[1], *delta[1:]]
    A_prev = [A[0], *A[:-2]] if mistake == "a of another layer" else A[:-1]
    A_prev = [np.roll(a, 1, axis=0) for a in A_prev] if mistake == "a of another row" else A_prev
    dW, db = [bp4(a, d) for a, d in zip(A_prev, delta, strict=True)], [bp3(d) for d in delta]
    dW = [w.T for w in dW] if mistake == "dW transposed" else dW
    db = [0 * b for b in db] if mistake == "no gradient of biases" else db
    g = np.concatenate([part.ravel() for pair in zip(dW, db, strict=True) for part in pair])
    return {"zeros": 0 * g, "not divided by m": m * g, "one example left out": g * m / (m - 1), "NaN": g * np.nan}.get(
        mistake, g
    )


MISTAKES = [
    "zeros",
    "NaN",
    "sign",
    "no sigma' in BP1",
    "W not transposed",
    "W of another layer",
    "sigma'(A) for sigma'(Z)",
    "sigma' of another layer",
    "delta of another layer",
    "a of another layer",
    "a of another row",
    "dW transposed",
    "no gradient of biases",
    "not divided by m",
    "one example left out",
]


def test_the_checker_accepts_the_right_gradient():
    net, X, T = square_case()
    assert worst_relative(net.architecture, plain_backpropagation(net, X, T), net.gradient(X, T)) <= 1e-14


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_checker_rejects_a_wrong_gradient(mistake):
    net, X, T = square_case()
    wrong = plain_backpropagation(net, X, T, mistake)
    assert not worst_relative(net.architecture, wrong, net.gradient(X, T)) <= 0.05


@pytest.mark.parametrize("element", range(48))
def test_the_checker_sees_a_single_wrong_element(element):
    net, X, T = square_case()
    right = net.gradient(X, T)
    wrong = right.copy()
    wrong[element] += 1e-9
    assert worst_relative(net.architecture, wrong, right) > 1e-10


def test_the_checker_wants_zeros_where_there_are_zeros():
    net = Architecture.of([1, 1])
    assert worst_relative(net, np.zeros(2), np.zeros(2)) == 0
    assert worst_relative(net, np.array([0.0, 1e-300]), np.zeros(2)) == np.inf
    assert not deviation([np.nan], [0.0]) <= 1e300
    assert deviation([np.inf], [np.inf]) == 0
    assert deviation([np.inf], [1.0]) == np.inf


# --- what weights, masks and class numbers mean ----------------------------------------------------------------------

OUTPUTS = [("sigmoid", "quadratic"), ("softmax", "cross_entropy"), ("exp", "poisson"), ("identity", "huber")]
weighed = pytest.mark.parametrize(("output", "cost"), OUTPUTS, ids=["-".join(names) for names in OUTPUTS])


def examples(n=9, seed=0):
    """Inputs, and targets that every cost takes."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 4)), rng.dirichlet(np.ones(3), n)


def network(output, cost, **settings):
    return Network([4, 5, 3], "tanh", output, cost, dtype="float64", **settings)


def both(net, X, T, weight=None, alpha=0.3, l1=0.1):
    """Cost and gradient side by side."""
    return np.array([net.cost(X, T, weight, alpha, l1), *net.gradient(X, T, weight, alpha, l1)])


@weighed
def test_weight_2_is_the_row_twice(output, cost):
    net, (X, T) = network(output, cost), examples()
    weight = np.array([2, 1, 3, 1, 1, 2, 1, 1, 1])
    twice = np.repeat(np.arange(9), weight)
    np.testing.assert_allclose(both(net, X, T, weight), both(net, X[twice], T[twice]), rtol=1e-12, atol=1e-15)


@weighed
@pytest.mark.parametrize("kind", ["(n,)", "(n, n_L)"])
def test_weight_0_is_the_row_absent_to_the_last_bit(output, cost, kind):
    net, (X, T) = network(output, cost), examples()
    weight = np.array([0.5, 0, 3, 1, 0, 0, 1, 0.25, 0])
    kept = weight > 0
    weight = weight if kind == "(n,)" else np.repeat(weight[:, None], 3, axis=1)
    assert both(net, X, T, weight).tobytes() == both(net, X[kept], T[kept], weight[kept]).tobytes()


@weighed
@pytest.mark.parametrize("constant", [1.0, 0.1, 1000.0])
def test_only_the_penalty_sees_the_size_of_the_weights(output, cost, constant):
    net, (X, T) = network(output, cost), examples()
    weight = np.full(9, constant)
    np.testing.assert_allclose(both(net, X, T, weight, 0, 0), both(net, X, T, None, 0, 0), rtol=1e-13, atol=1e-15)
    alone = both(net, X, T, weight) - both(net, X, T, weight, 0, 0)
    np.testing.assert_allclose(alone * constant, both(net, X, T) - both(net, X, T, None, 0, 0), rtol=1e-9, atol=1e-12)


@weighed
def test_equal_weights_of_all_terms_are_the_examples_weights(output, cost):
    net, (X, T) = network(output, cost), examples()
    weight = np.random.default_rng(1).random(9)
    terms = np.repeat(weight[:, None], 3, axis=1)
    np.testing.assert_allclose(both(net, X, T, terms), both(net, X, T, weight), rtol=1e-12, atol=1e-15)


def test_weights_of_terms_weigh_each_output_alone():
    net, (X, T) = network("sigmoid", "binary_cross_entropy"), examples()
    weight = np.random.default_rng(1).random((9, 3))
    A = net.predict(X)
    terms = -T * np.log(A) - (1 - T) * np.log(1 - A)
    assert net.cost(X, T, weight) == pytest.approx((weight * terms).sum() / weight.mean(axis=1).sum(), rel=1e-13)
    weight[:, 1] = 0  # an output that does not count does not learn
    g = net.architecture.views(net.gradient(X, T, weight))
    assert not g[0][-1][:, 1].any()
    assert not g[1][-1][1]


def test_one_weight_for_each_block_is_one_for_each_of_its_outputs():
    net = Network(
        [4, 5, 5], output=[("softmax", 3), ("identity", 2)], cost=["cross_entropy", "quadratic"], dtype="float64"
    )
    X, shares = examples()
    T = np.hstack([shares, X[:, :2]])
    weight = np.random.default_rng(1).random((9, 2))
    wide = weight[:, [0, 0, 0, 1, 1]]
    assert both(net, X, T, weight).tobytes() == both(net, X, T, wide).tobytes()


@weighed
def test_masked_weights_have_no_gradient_and_the_others_keep_theirs(output, cost):
    masks = [np.arange(20).reshape(4, 5) % 3 > 0, None]
    net, (X, T) = network(output, cost, masks=masks), examples()
    free = Network.from_parts(network(output, cost).architecture, net.theta)
    g, of_free = (n.architecture.views(n.gradient(X, T, None, 0.3, 0.1))[0] for n in (net, free))
    assert not g[0][~masks[0]].any()
    np.testing.assert_array_equal(g[0][masks[0]], of_free[0][masks[0]])
    np.testing.assert_array_equal(g[1], of_free[1])


def test_the_gradient_over_several_partial_sums_is_that_of_all_rows():
    net, (X, T) = network("softmax", "cross_entropy"), examples(2 * BLOCK + 7)
    weight = np.random.default_rng(1).random(len(X))
    parts = [slice(0, 5), slice(5, BLOCK), slice(BLOCK, None)]
    mean = sum(both(net, X[p], T[p], weight[p], 0, 0) * weight[p].sum() for p in parts) / weight.sum()
    np.testing.assert_allclose(both(net, X, T, weight, 0, 0), mean, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8])
def test_class_numbers_are_their_rows_of_one_and_zeros(dtype):
    net, (X, _) = network("softmax", "cross_entropy"), examples()
    classes = np.array([0, 2, 1, 1, 0, 2, 2, 2, 0])
    assert both(net, X, classes.astype(dtype)).tobytes() == both(net, X, np.eye(3)[classes]).tobytes()


def test_class_numbers_of_several_blocks():
    net = Network([4, 5, 5], output=[("softmax", 3), ("softmax", 2)], cost="cross_entropy", dtype="float64")
    X, _ = examples()
    first, second = np.arange(9) % 3, np.arange(9) % 2
    rows = np.hstack([np.eye(3)[first], np.eye(2)[second]])
    assert both(net, X, np.stack([first, second], axis=1)).tobytes() == both(net, X, rows).tobytes()


# --- your own activations and costs in a network ---------------------------------------------------------------------

GELU, SOFTMAX = ACTIVATIONS.get("gelu"), ACTIVATIONS.get("softmax")


@pytest.mark.parametrize(
    ("name", "arguments", "settings", "bound"),
    [
        ("tanh", (np.tanh,), {}, 1e-13),
        ("gelu", (GELU.value, lambda z: GELU.derivative(z, None)), {}, 1e-13),
        ("relu", (lambda z: (z + abs(z)) / 2,), {}, 1e-8),
        ("softmax", (SOFTMAX.value,), {"elementwise": False}, 1e-13),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_your_own_activation_in_a_network_is_the_registered_one(name, arguments, settings, bound, dtype):
    own, (X, T) = CustomActivation.of(*arguments, **settings), examples()
    net = Network([4, 5, 3], name, name, dtype=dtype)
    same = Network([4, 5, 3], own, own, initializer=net.theta, dtype=dtype)
    bound = bound if dtype == "float64" else 1e-5
    np.testing.assert_allclose(both(same, X, T), both(net, X, T), rtol=bound, atol=bound)
    assert same.gradient(X, T).dtype == dtype


def quadratic(A, T):
    return 0.5 * (A - T) ** 2


@pytest.mark.parametrize("output", ["sigmoid", "softmax", "identity"])
@pytest.mark.parametrize(
    "arguments",
    [
        (quadratic,),
        (quadratic, lambda A, T: A - T),
        (lambda A, T: quadratic(A, T).sum(axis=1),),
        (lambda A, T: 0.5 * (abs(A - T) ** 2).sum(axis=1),),
    ],
    ids=["terms", "derivative given", "rows", "central differences"],
)
def test_your_own_cost_in_a_network_is_the_registered_one(output, arguments):
    X, T = examples()
    net = network(output, "quadratic")
    same = network(output, CustomCost.of(*arguments), initializer=net.theta)
    weight = np.random.default_rng(1).random(9)
    np.testing.assert_allclose(both(same, X, T, weight), both(net, X, T, weight), rtol=1e-8, atol=1e-10)


def test_a_row_normalising_layer_of_your_own_has_the_right_gradient():
    def normalise(z):
        centred = z - z.mean(axis=1, keepdims=True)
        return centred / np.sqrt((centred * centred).mean(axis=1, keepdims=True) + 1e-5)

    net, (X, T) = network("softmax", "cross_entropy"), examples()
    net = Network(
        [4, 5, 3], CustomActivation.of(normalise, elementwise=False), "softmax", "cross_entropy", dtype="float64"
    )
    slope = np.empty_like(net.theta)
    for k in range(len(slope)):
        up, down = (Network.from_parts(net.architecture, net.theta + h * np.eye(len(slope))[k]) for h in (1e-6, -1e-6))
        slope[k] = (up.cost(X, T) - down.cost(X, T)) / 2e-6
    assert worst_relative(net.architecture, net.gradient(X, T), slope) <= 1e-7


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"alpha": -1.0}, SettingError, "alpha is -1.0, but must be at least 0"),
        ({"l1": -1.0}, SettingError, "l1 is -1.0, but must be at least 0"),
        ({"sample_weight": np.zeros(9)}, DataError, "every weight is 0"),
        ({"sample_weight": -np.ones(9)}, DataError, "weights are at least 0"),
        ({"sample_weight": np.ones(8)}, DataError, "sample_weight has shape (8,)"),
        ({"sample_weight": np.random.default_rng(0).random((9, 3))}, DataError, "share one cost"),
    ],
)
@pytest.mark.parametrize("ask", ["cost", "gradient"])
def test_settings_out_of_range_are_refused_in_one_line(settings, error, words, ask):
    net, (X, T) = network("softmax", "cross_entropy"), examples()
    with pytest.raises(error) as refusal:
        getattr(net, ask)(X, T, **settings)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)
