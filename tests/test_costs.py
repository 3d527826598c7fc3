"""Costs: every entry and every pair with an output activation, near and far; what is allowed; your own."""

import dataclasses
import itertools
import json
import math

import numpy as np
import pytest

from chainrule.activations import ACTIVATIONS
from chainrule.architecture import Architecture
from chainrule.costs import CANONICAL, COSTS, PAIRS, Cost, Custom, partner
from chainrule.differences import central_difference, complex_step
from chainrule.errors import ArchitectureError, SettingError, UnknownNameError

from . import exact
from .oracles import deviation
from .problems import COST_ENTRIES, SIGMAS

EPS = {"float32": 2.0**-23, "float64": 2.0**-52}

every = pytest.mark.parametrize("cost", COST_ENTRIES, ids=str)
known = pytest.mark.parametrize("cost", [c for c in COST_ENTRIES if c.name in exact.COSTS], ids=str)
pairs = pytest.mark.parametrize(("sigma", "cost"), PAIRS, ids=map("/".join, PAIRS))
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


def outputs(cost, shape, rng):
    """Values that the cost takes for A, well inside."""
    low, high, *_ = cost.outputs
    if math.isfinite(high):
        return rng.uniform(low + 0.05, high - 0.05, shape)
    return rng.uniform(0.05, 4, shape) if math.isfinite(low) else 2 * rng.normal(size=shape)


def targets(cost, shape, rng, dtype="float64"):
    """Values that the cost takes for T, its bounds among them, and never an A of `outputs` by chance."""
    if cost.distribution:
        T = rng.dirichlet(np.ones(shape[1]), shape[0])
        T[0] = np.arange(shape[1]) == 0
        return (T if dtype == "float64" else np.round(T * 1024) / 1024).astype(dtype)
    if math.isfinite(cost.targets.high):
        return np.where(rng.random(shape) < 0.3, rng.random(shape), rng.integers(0, 2, shape)).astype(dtype)
    if math.isfinite(cost.targets.low):
        return rng.integers(0, 4, shape).astype(dtype)
    return rng.normal(size=shape).astype(dtype)


# --- every entry -----------------------------------------------------------------------------------------------------


@known
@dtypes
def test_terms_and_derivatives_are_those_of_60_digit_arithmetic(cost, dtype):
    rng = np.random.default_rng(0)
    A, T = outputs(cost, (8, 3), rng).astype(dtype), targets(cost, (8, 3), rng, dtype)
    terms, slope = exact.cost(cost, A, T)
    assert deviation(cost.terms(A, T), terms) <= 8 * EPS[dtype]
    assert deviation(cost.derivative(A, T), slope) <= 8 * EPS[dtype]


@every
def test_the_derivative_is_that_of_complex_steps_and_of_central_differences(cost):
    rng = np.random.default_rng(1)
    A, T = outputs(cost, (9, 4), rng), targets(cost, (9, 4), rng)
    for j in range(4):

        def of_column(a, j=j):
            moved = A.astype(a.dtype)
            moved[:, j] = a
            return cost.terms(moved, T).sum(axis=1)

        slope = cost.derivative(A, T)[:, j]
        assert deviation(slope, complex_step(of_column, A[:, j])) <= 1e-14
        assert deviation(slope, central_difference(of_column, A[:, j])) <= 1e-7


@every
@dtypes
def test_shapes_and_dtypes_are_kept(cost, dtype):
    rng = np.random.default_rng(2)
    A, T = outputs(cost, (5, 3), rng).astype(dtype), targets(cost, (5, 3), rng, dtype)
    terms, slope = cost.terms(A, T), cost.derivative(A, T)
    assert terms.shape == ((5, 3) if cost.elementwise else (5, 1))
    assert slope.shape == (5, 3)
    assert terms.dtype == slope.dtype == dtype


@every
def test_an_elementwise_term_depends_on_its_own_output_alone(cost):
    rng = np.random.default_rng(3)
    A, T = outputs(cost, (2, 3), rng), targets(cost, (2, 3), rng)
    moved = A.copy()
    moved[0, 1] *= 1.01
    changed = cost.terms(moved, T) != cost.terms(A, T)
    changed[0, 1 if cost.elementwise else 0] = False
    assert not changed.any()


@pytest.mark.parametrize(
    ("cost", "a", "t", "term", "slope"),
    [
        ("quadratic", 3.0, 1.0, 2.0, 2.0),
        ("binary_cross_entropy", 0.25, 1.0, 1.3862943611198906, -4.0),
        ("binary_cross_entropy", 0.25, 0.0, 0.2876820724517809, 1.3333333333333333),
        ("binary_cross_entropy", 0.5, 0.5, 0.6931471805599453, 0.0),
        ("cross_entropy", 0.5, 1.0, 0.6931471805599453, -2.0),
        ("absolute", -1.0, 2.0, 3.0, -1.0),
        ("huber", 0.5, 0.0, 0.125, 0.5),
        ("huber", 3.0, 0.0, 2.5, 1.0),
        ({"name": "huber", "delta": 2.0}, -3.0, 0.0, 4.0, -2.0),
        ("poisson", 2.0, 3.0, -0.0794415416798357, -0.5),
        ("quantile", 2.0, 1.0, 0.5, 0.5),
        ({"name": "quantile", "q": 0.9}, 0.0, 1.0, 0.9, -0.9),
        ({"name": "quantile", "q": 0.9}, 3.0, 1.0, 0.2, 0.1),
    ],
)
def test_known_values(cost, a, t, term, slope):
    cost, A, T = COSTS.get(cost), np.array([[a]]), np.array([[t]])
    assert cost.terms(A, T)[0, 0] == pytest.approx(term, rel=1e-14)
    assert cost.derivative(A, T)[0, 0] == pytest.approx(slope, rel=1e-14, abs=1e-15)


@pytest.mark.parametrize(
    ("cost", "a", "t"),
    [("binary_cross_entropy", 0.0, 0.0), ("binary_cross_entropy", 1.0, 1.0), ("cross_entropy", 0.0, 0.0)],
)
def test_zero_times_the_logarithm_of_zero_is_zero(cost, a, t):
    """And 0 / 0 in the derivative is 0, so that a certain and right answer is pushed by its other half only."""
    cost, A, T = COSTS.get(cost), np.array([[a]]), np.array([[t]])
    assert cost.terms(A, T)[0, 0] == 0
    expected = {("binary_cross_entropy", 0.0): 1.0, ("binary_cross_entropy", 1.0): -1.0, ("cross_entropy", 0.0): 0.0}
    assert cost.derivative(A, T)[0, 0] == expected[cost.name, a]


def test_zero_counts_cost_their_expectation():
    poisson, A, T = COSTS.get("poisson"), np.array([[0.0, 2.0]]), np.zeros((1, 2))
    assert poisson.terms(A, T).tolist() == [[0.0, 2.0]]
    assert poisson.derivative(A, T).tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize("cost", ["absolute", {"name": "quantile", "q": 0.9}, "huber", "quadratic"], ids=str)
def test_without_error_there_is_no_push(cost):
    cost, A = COSTS.get(cost), np.array([[1.5, -2.0, 0.0, -0.0]])
    assert cost.terms(A, A).tolist() == [[0.0] * 4]
    assert cost.derivative(A, A).tolist() == [[0.0] * 4]


# --- pairs with an output activation ---------------------------------------------------------------------------------


def block_of(sigma, cost, width):
    """Only through the architecture does a network come by a pair."""
    return Architecture.of([1, width], output=sigma, cost=cost).blocks[0]


def near(sigma, cost, rng):
    """Every z in -10..10; where ln(1 - a) comes from a softmax the road over A bears only differences of 10."""
    spread = 5 if (sigma, cost) == ("softmax", "binary_cross_entropy") else 10
    return rng.uniform(-spread, spread, (200, 4))


@pairs
def test_both_roads_agree(sigma, cost):
    """Over A as well as from Z, to 1e-10 in float64 for |z| <= 10."""
    rng = np.random.default_rng(0)
    block, Z = block_of(sigma, cost, 4), near(sigma, cost, rng)
    A, T = block.activation.value(Z), targets(block.cost, Z.shape, rng)
    assert block.pair is PAIRS[sigma, cost]
    assert deviation(block.terms(Z, A, T), block.cost.terms(A, T)) <= 1e-10
    over_A = block.activation.pullback(block.cost.derivative(A, T), Z, A)
    assert deviation(block.delta(Z, A, T), over_A) <= 1e-10


@pairs
@dtypes
@pytest.mark.parametrize("size", [1.0, 10.0, 30.0])
@pytest.mark.parametrize("width", [1, 2, 5])
def test_pairs_are_right_to_the_last_digits(sigma, cost, dtype, size, width):
    rng = np.random.default_rng(width)
    Z = rng.uniform(-size, size, (12, width)).astype(dtype)
    Z[1:4, -1] = Z[1:4, 0]  # ties
    check_pair(sigma, cost, Z, targets(COSTS.get(cost), Z.shape, rng, dtype))


@pairs
@dtypes
@pytest.mark.parametrize("size", [1e2, 1e4])
@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_pairs_are_right_far_out(sigma, cost, dtype, size, width):
    """Patterns of -size, 0 and size, full of ties, with targets that have 0 and 1 among them."""
    rng = np.random.default_rng(width)
    patterns = list(itertools.product([-size, 0.0, size], repeat=width))
    Z = rng.permutation(patterns)[:40].repeat(2, axis=0).astype(dtype)
    check_pair(sigma, cost, Z, targets(COSTS.get(cost), Z.shape, rng, dtype))


def check_pair(sigma, cost, Z, T):
    """Terms and delta, element by element: right where the exact number is one of the dtype, else infinite."""
    block, dtype = block_of(sigma, cost, Z.shape[1]), Z.dtype.name
    if (sigma, cost) == ("softmax", "binary_cross_entropy") and Z.shape[1] == 1:
        T = np.ones_like(T)  # the only answer of a single neuron is 1, and any other target costs infinitely much
    with np.errstate(over="ignore" if sigma == "exp" else "raise", divide="ignore" if Z.shape[1] == 1 else "raise"):
        A = block.activation.value(Z)
        found = block.terms(Z, A, T), block.delta(Z, A, T)
    for part, right in zip(found, exact.pair(block.activation, block.cost, Z, T), strict=True):
        right[np.abs(right) > np.finfo(dtype).max] *= math.inf
        assert part.dtype == dtype
        assert sigma == "exp" or np.isfinite(part).all()
        assert deviation(part, right) <= 40 * EPS[dtype]


def test_what_a_softmax_of_one_neuron_cannot_say_costs_infinitely_much():
    block, Z = block_of("softmax", "binary_cross_entropy", 1), np.array([[3.0]])
    with np.errstate(divide="ignore"):
        assert block.terms(Z, np.ones((1, 1)), np.zeros((1, 1))) == math.inf


@pytest.mark.parametrize(("sigma", "cost"), CANONICAL, ids=map("/".join, CANONICAL))
def test_the_error_of_a_canonical_pair_is_a_minus_t(sigma, cost):
    rng = np.random.default_rng(0)
    block, Z = block_of(sigma, cost, 3), rng.uniform(-5, 5, (50, 3))
    A, T = block.activation.value(Z), targets(block.cost, Z.shape, rng)
    np.testing.assert_allclose(block.delta(Z, A, T), A - T, rtol=1e-14, atol=1e-15)


def test_the_four_canonical_pairs():
    assert set(CANONICAL) == {
        ("sigmoid", "binary_cross_entropy"),
        ("softmax", "cross_entropy"),
        ("identity", "quadratic"),
        ("exp", "poisson"),
    }
    assert all(PAIRS[names] is pair for names, pair in CANONICAL.items())


@pytest.mark.parametrize("sigma", SIGMAS, ids=str)
def test_an_outputs_partner_is_the_cost_of_its_canonical_pair_else_quadratic(sigma):
    pairs = {"sigmoid": "binary_cross_entropy", "softmax": "cross_entropy", "exp": "poisson"}
    assert partner(sigma) == partner(sigma.document()) == pairs.get(sigma.name, "quadratic")


def test_the_partner_of_a_function_of_your_own_is_quadratic():
    assert partner(lambda z: z / (1 + z * z)) == "quadratic"
    with pytest.raises(UnknownNameError, match="softplusplus"):
        partner("softplusplus")


def test_the_gaussian_cost_by_hand():
    cost, T = COSTS.get("gaussian"), np.array([[1.0, 99.0, -1.0, 99.0, 2.0]])
    A = np.array([[3.0, math.log(4.0), -1.0, -2.0, 5.0]])  # variances 4 and e^-2; the last mean has the variance 1
    assert cost.terms(A, T)[0, 0] == pytest.approx((math.log(4) + 4 / 4 - 2 + 0 + 9) / 2, rel=1e-15)
    slopes = [2 / 4, (1 - 4 / 4) / 2, 0.0, 1 / 2, 3.0]
    np.testing.assert_allclose(cost.derivative(A, T)[0], slopes, rtol=1e-15, atol=1e-16)
    even = cost.derivative(A[:, :4], T[:, :4])
    assert even.tolist() == cost.derivative(A, T)[:, :4].tolist()


@pytest.mark.parametrize("seed", range(3))
def test_the_gaussian_cost_is_the_negative_log_likelihood_of_scipy(seed):
    from scipy.stats import norm

    A, T = np.random.default_rng(seed).normal(size=(2, 20, 4))
    T[:, 1::2] = T[:, 0::2]
    expected = -norm.logpdf(T[:, 0::2], A[:, 0::2], np.exp(A[:, 1::2] / 2)).sum(axis=1) - 2 * math.log(2 * math.pi) / 2
    np.testing.assert_allclose(COSTS.get("gaussian").terms(A, T)[:, 0], expected, rtol=1e-12)


@pytest.mark.parametrize(("sigma", "cost"), list(itertools.product(SIGMAS, COST_ENTRIES)), ids=str)
@dtypes
def test_every_pair_that_is_allowed_is_finite_far_out_and_every_other_is_refused(sigma, cost, dtype):
    """Exp overflows by definition: of it the finite side is asked, and that the other is infinite, not NaN.

    So does the gaussian cost, whose precision is exp of minus the second output.
    """
    if not sigma.range.inside(cost.outputs):
        with pytest.raises(ArchitectureError) as refusal:
            Architecture.of([2, 3], output=sigma, cost=cost)
        assert str(refusal.value) == (
            f"cost {cost.name!r} needs outputs in {cost.outputs}, but output activation {sigma.name!r} gives "
            f"{sigma.range}: choose another cost or activation"
        )
        return
    Z = np.array(list(itertools.product([-1e4, -1e2, 0.0, 1e2, 1e4], repeat=2)), dtype=dtype)
    Z = Z[Z.max(axis=1) <= 0] if sigma.name == "exp" else Z
    Z = Z[Z[:, 1] >= 0] if cost.name == "gaussian" else Z
    for answer in ([1.0, 0.0], [0.0, 1.0], [0.5, 0.5]):
        block, T = block_of(sigma, cost, 2), np.tile(np.array(answer, dtype=dtype), (len(Z), 1))
        A = block.activation.value(Z)
        assert np.isfinite(block.terms(Z, A, T)).all()
        assert np.isfinite(block.delta(Z, A, T)).all()


BESIDE_EXP = [c for c in COST_ENTRIES if c.elementwise and ACTIVATIONS.get("exp").range.inside(c.outputs)]


@pytest.mark.parametrize("cost", BESIDE_EXP, ids=str)
@dtypes
def test_beyond_every_number_exp_is_infinite_but_never_nan(cost, dtype):
    block, Z, T = block_of("exp", cost, 2), np.array([[1e4, 0.0]], dtype=dtype), np.ones((1, 2), dtype=dtype)
    with np.errstate(over="ignore"):
        A = block.activation.value(Z)
        terms, delta = block.terms(Z, A, T), block.delta(Z, A, T)
    assert terms[0, 0] == delta[0, 0] == math.inf
    assert np.isfinite(terms[0, 1])
    assert np.isfinite(delta[0, 1])


@pytest.mark.parametrize("cost", ["cross_entropy", "binary_cross_entropy", "poisson"])
@pytest.mark.parametrize("sigma", ["identity", "tanh", "relu", "elu", "gelu"])
def test_a_logarithm_of_what_may_be_negative_or_zero_is_refused(sigma, cost):
    with pytest.raises(ArchitectureError, match=r"needs outputs in [\[(]0, .*: choose another cost or activation"):
        Architecture.of([2, 3], output=sigma, cost=cost)


# --- choosing --------------------------------------------------------------------------------------------------------


@every
def test_an_entry_goes_through_its_document(cost):
    assert COSTS.get(json.loads(json.dumps(cost.document()))) == cost
    assert COSTS.get(cost) is cost
    assert cost.name in str(cost)


@pytest.mark.parametrize(
    ("choice", "error", "words"),
    [
        ("quadratik", UnknownNameError, "there is no cost 'quadratik': did you mean 'quadratic'?"),
        ("mse", UnknownNameError, "there is no cost 'mse': choose from quadratic, binary_cross_entropy"),
        ({"name": "huber", "epsilon": 1.0}, SettingError, "cost 'huber' has no parameter 'epsilon': it takes delta"),
        ({"name": "quantile", "q": 1.0}, SettingError, "q of quantile is 1.0, but must be between 0 and 1"),
        ({"name": "huber", "delta": 0}, SettingError, "delta of huber is 0"),
        (Custom, SettingError, "but must be a name"),
        (7, SettingError, "cost is 7, but must be a name"),
    ],
    ids=str,
)
def test_what_is_no_choice_is_refused_in_one_line(choice, error, words):
    with pytest.raises(error) as refusal:
        COSTS.get(choice)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf, "1", None])
@pytest.mark.parametrize("entry", [c for c in COSTS.classes() if dataclasses.fields(c)])
def test_parameters_out_of_range_are_refused(entry, bad):
    with pytest.raises(SettingError, match=f"of {entry.name} is .*, but must be"):
        entry(**{dataclasses.fields(entry)[0].name: bad})


@pytest.mark.parametrize("entry", [c for c in COSTS.classes() if dataclasses.fields(c)])
def test_a_parameter_of_numpy_does_not_widen_float32(entry):
    cost = entry(**{dataclasses.fields(entry)[0].name: np.float64(0.5)})
    A, T = np.array([[0.1, 3.0]], dtype="float32"), np.zeros((1, 2), dtype="float32")
    assert cost.terms(A, T).dtype == cost.derivative(A, T).dtype == "float32"


def test_the_base_class_defines_nothing():
    for method in (Cost().terms, Cost().derivative):
        with pytest.raises(TypeError, match="does not define"):
            method(np.zeros((1, 1)), np.zeros((1, 1)))


# --- your own --------------------------------------------------------------------------------------------------------


def fourth_power(A, T):
    return (A - T) ** 4


def log_cosh(A, T):
    """Of each example, not analytic through its use of |e|."""
    size = np.abs(A - T)
    return (size + np.log1p(np.exp(-2 * size)) - math.log(2)).sum(axis=1)


def angle(A, T):
    """One minus the cosine of the angle between a row's outputs and targets: every output matters to every slope."""
    return 1 - (A * T).sum(axis=1) / np.sqrt((A * A).sum(axis=1) * (T * T).sum(axis=1))


def worst_output(A, T):
    return np.abs(A - T).max(axis=1)


def hinge(A, T):
    return np.maximum(0.0, 1 - A * T)


OWN = [
    (fourth_power, None, "complex step"),
    (fourth_power, lambda A, T: 4 * (A - T) ** 3, "given"),
    (lambda A, T: np.abs(A - T) ** 1.5, None, "central difference"),
    (angle, None, "complex step"),
    (worst_output, None, "central difference"),
    (log_cosh, None, "central difference"),
    (log_cosh, lambda A, T: np.tanh(A - T), "given"),
    (hinge, None, None),
]


@pytest.mark.parametrize(("function", "derivative", "by"), OWN)
def test_your_own_cost_has_the_right_derivative(function, derivative, by):
    cost = Custom.of(function, derivative)
    assert by in (None, cost.derivative_by)
    A, T = np.random.default_rng(0).uniform(0.1, 0.9, (2, 6, 4))
    assert cost.elementwise == (function(A, T).ndim == 2)
    assert cost.terms(A, T).shape == ((6, 4) if cost.elementwise else (6, 1))
    np.testing.assert_array_equal(cost.terms(A, T).ravel(), function(A, T).ravel())
    for j in range(4):
        h = 1e-6 * np.eye(4)[j]
        up, down = cost.terms(A + h, T).sum(axis=1), cost.terms(A - h, T).sum(axis=1)
        np.testing.assert_allclose(cost.derivative(A, T)[:, j], (up - down) / 2e-6, atol=1e-8)


@pytest.mark.parametrize(("function", "derivative", "by"), OWN)
def test_your_own_cost_keeps_float32(function, derivative, by):
    cost = Custom.of(function, derivative)
    A, T = np.random.default_rng(0).uniform(0.1, 0.9, (2, 6, 4)).astype("float32")
    assert cost.terms(A, T).dtype == cost.derivative(A, T).dtype == "float32"
    wide = cost.derivative(A.astype("float64"), T.astype("float64"))
    assert deviation(cost.derivative(A, T), wide) <= 1e-6


def in_place(A, T):
    A -= T
    return A * A


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((in_place,), "a cost must not change its arguments, but yours does"),
        ((lambda A, T: ((A - T) ** 2).mean(),), "a cost of outputs (7, 3) must have shape (7, 3) or (7,), not ()"),
        ((lambda A, T: (A - T).sum(axis=0),), "must have shape (7, 3) or (7,), not (3,)"),
        (
            (lambda A, T: (A - A.mean(axis=1, keepdims=True)) ** 2,),
            "changing one output also changed the cost of others",
        ),
        ((lambda A, T: (A - T) ** 2 * A[:, :1],), "changing one output also changed the cost of others"),
        ((lambda A, T: (A - A[-1:]).max(axis=1) + T.sum(axis=1),), "return one cost for each example, shape (m,)"),
        ((lambda A, T: ((A - A.mean(axis=0)) ** 2).sum(axis=1),), "return one cost for each example, shape (m,)"),
        (
            (fourth_power, lambda A, T: (A - T) ** 3),
            "the derivative of the cost differs from central differences",
        ),
        ((angle, lambda A, T: A - T), "correct it, or leave it out to have it computed"),
        (
            (lambda A, T: np.log(A - 0.5),),
            "returns values that are not finite: give the domain=(low, high) of its outputs",
        ),
    ],
)
def test_your_own_cost_is_refused_in_one_line(arguments, words):
    with pytest.raises(SettingError) as refusal:
        Custom.of(*arguments)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_the_domain_is_where_your_own_cost_is_looked_at():
    cost = Custom.of(lambda A, T: -np.sqrt(A - 2) + T, lambda A, T: -0.5 / np.sqrt(A - 2), domain=(2.5, 9.0))
    assert cost.derivative_by == "given"
    assert cost.derivative(np.array([[6.0]]), np.array([[0.0]])) == -0.25


def test_your_own_function_is_a_choice_but_cannot_be_stored():
    cost = COSTS.get(worst_output)
    assert cost == Custom.of(worst_output)
    assert str(cost) == "worst_output (your own, derivative by central difference)"
    with pytest.raises(SettingError, match=r"cost 'worst_output' is your own function.*numpy\.save"):
        cost.document()
