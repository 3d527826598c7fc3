"""Update rules: steps worked by hand, plain loops over numbers, scikit-learn's optimizers, JAX; and clipping."""

import math

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from chainrule.errors import SettingError
from chainrule.optimizers import LBFGS, OPTIMIZERS, SGD, Adam, Clip

RULES = [SGD(0.1), SGD(0.1, momentum=0.9), SGD(0.1, momentum=0.5, nesterov=True), Adam(0.1), Adam(0.01, 0.5, 0.9, 1e-3)]

rules = pytest.mark.parametrize("rule", RULES, ids=str)


def walk(rule, theta, gradients, rates=None):
    """theta after each update, and the last slots."""
    slots, found = (np.zeros_like(theta),) * rule.slots, []
    for k, g in enumerate(gradients):
        theta, slots = rule.update(theta, g, slots, rule.learning_rate if rates is None else rates[k], k + 1)
        found.append(theta)
    return np.array(found), slots


def drawn(steps=20, size=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=size), rng.normal(size=(steps, size)), rng.uniform(0.01, 0.2, steps)


def test_every_registered_rule_is_tried_here():
    assert {type(rule) for rule in RULES} | {LBFGS} == set(OPTIMIZERS.classes())


@pytest.mark.parametrize(
    ("rule", "expected", "slots"),
    [
        (SGD(0.5), [0, -1], []),
        (SGD(0.5, momentum=0.5), [0, -1.5], [-1.5]),  # v = -1, then -0.5 - 1
        (SGD(0.5, momentum=0.5, nesterov=True), [-0.5, -2.25], [-1.5]),  # 1 - 0.5 - 1, then -0.5 - 0.75 - 1
        # m = 1, v = 1, m̂ = 2, v̂ = 4: 1 - 0.5 * 2 / (2 + 2); m = 1.5, v = 1.75, m̂ = 2, v̂ = 4 once more
        (Adam(0.5, beta1=0.5, beta2=0.75, eps=2.0), [0.75, 0.5], [1.5, 1.75]),
    ],
    ids=str,
)
def test_two_updates_are_those_worked_by_hand(rule, expected, slots):
    found, remembered = walk(rule, np.array([1.0]), np.array([[2.0], [2.0]]))
    assert found.ravel().tolist() == expected
    assert [slot.item() for slot in remembered] == slots


def sgd(rule, theta, gradients, rates):
    v = 0.0
    for g, eta in zip(gradients, rates, strict=True):
        v = rule.momentum * v - eta * g
        theta += rule.momentum * v - eta * g if rule.nesterov else v
        yield theta


def adam(rule, theta, gradients, rates):
    m = v = 0.0
    for t, (g, eta) in enumerate(zip(gradients, rates, strict=True), start=1):
        m = rule.beta1 * m + (1 - rule.beta1) * g
        v = rule.beta2 * v + (1 - rule.beta2) * g**2
        theta -= eta * (m / (1 - rule.beta1**t)) / (math.sqrt(v / (1 - rule.beta2**t)) + rule.eps)
        yield theta


@rules
def test_many_updates_are_those_of_a_plain_loop_over_numbers(rule):
    theta, gradients, rates = drawn()
    found, _ = walk(rule, theta, gradients, rates)
    loop = {SGD: sgd, Adam: adam}[type(rule)]
    columns = zip(theta.tolist(), gradients.T.tolist(), strict=True)
    expected = np.array([list(loop(rule, t, g, rates.tolist())) for t, g in columns]).T
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_sgd_is_that_of_scikit_learn(momentum, nesterov):
    theta, gradients, _ = drawn()
    params = [theta.copy()]
    theirs = SGDOptimizer(params, 0.1, momentum=momentum, nesterov=nesterov)
    for ours, g in zip(walk(SGD(0.1, momentum, nesterov), theta, gradients)[0], gradients, strict=True):
        theirs.update_params(params, [g])
        assert params[0].tolist() == ours.tolist()


def test_adam_is_that_of_scikit_learn_but_for_the_place_of_eps():
    """scikit-learn adds eps to sqrt(v), we to sqrt(v̂) as algorithm 1 has it; its eps is ours * sqrt(1 - beta2^t)."""
    theta, gradients, _ = drawn()
    params, rule = [theta.copy()], Adam(0.1, eps=0.01)
    theirs = AdamOptimizer(params, 0.1)
    for t, (ours, g) in enumerate(zip(walk(rule, theta, gradients)[0], gradients, strict=True), start=1):
        theirs.epsilon = rule.eps * math.sqrt(1 - rule.beta2**t)
        theirs.update_params(params, [g])
        np.testing.assert_allclose(params[0], ours, rtol=1e-13)


@rules
def test_a_rule_is_pure_and_keeps_type_and_shape(rule):
    for dtype in (np.float32, np.float64):
        theta, g = (np.arange(1, 7, dtype=dtype).reshape(2, 3) for _ in range(2))
        slots = tuple(np.full_like(theta, k + 1) for k in range(rule.slots))
        before = [a.tobytes() for a in (theta, g, *slots)]
        moved, new = rule.update(theta, g, slots, 0.1, 3)
        assert [a.tobytes() for a in (theta, g, *slots)] == before
        assert {(a.dtype, a.shape) for a in (moved, *new)} == {(np.dtype(dtype), (2, 3))}
        assert len(new) == rule.slots
        assert not np.shares_memory(moved, theta)


@pytest.mark.parametrize("number", [np.float64, np.float32])
def test_parameters_that_are_numpy_numbers_do_not_change_the_type(number):
    theta, half = np.ones(3, np.float32), number(0.5)
    for rule in (SGD(half), SGD(half, half), SGD(half, half, nesterov=True), Adam(half, half, half, half)):
        moved, slots = rule.update(theta, theta, (theta,) * rule.slots, 0.1, 1)
        assert {a.dtype for a in (moved, *slots)} == {theta.dtype}
        assert {type(value) for value in rule.document().values()} <= {float, str, bool}
    assert Clip(norm=half, value=half).apply(theta).dtype == theta.dtype


@rules
def test_a_gradient_of_0_from_rest_moves_nothing(rule):
    theta = drawn()[0]
    found, slots = walk(rule, theta, np.zeros((3, 5)))
    assert found.tolist() == [theta.tolist()] * 3
    assert not np.any(slots)


@rules
def test_every_rule_finds_the_bottom_of_a_bowl(rule):
    theta, slots = np.array([3.0, -2.0]), (np.zeros(2),) * rule.slots
    for t in range(1, 2001):
        theta, slots = rule.update(theta, np.array([1.0, 4.0]) * theta, slots, 0.1 / math.sqrt(t), t)
    assert np.abs(theta).max() < 1e-2


@rules
def test_the_same_update_runs_on_jax_arrays(rule):
    import jax.numpy as jnp

    theta, gradients, _ = (a.astype(np.float32) for a in drawn())
    found, _ = walk(rule, theta, gradients)
    x, slots = jnp.asarray(theta), (jnp.zeros(5, jnp.float32),) * rule.slots
    for t, g in enumerate(gradients, start=1):
        x, slots = rule.update(x, jnp.asarray(g), slots, rule.learning_rate, t)
    assert type(x).__module__.startswith("jax")
    assert x.dtype == jnp.float32
    np.testing.assert_allclose(x, found[-1], rtol=1e-5, atol=1e-6)
    for clip in (Clip(norm=0.5), Clip(value=0.2), Clip(norm=0.5, value=0.2)):
        np.testing.assert_allclose(clip.apply(jnp.asarray(theta)), clip.apply(theta), rtol=1e-6)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("make", "setting"),
    [
        *[(rule, {"learning_rate": eta}) for rule in OPTIMIZERS.classes() for eta in (0.0, -0.1, NAN, INF)],
        *[(SGD, {"momentum": mu}) for mu in (-0.1, 1.0, 1.5, NAN)],
        *[(Adam, {beta: value}) for beta in ("beta1", "beta2") for value in (-0.1, 1.0, NAN)],
        *[(Adam, {"eps": eps}) for eps in (0.0, -1e-8, NAN, INF)],
        *[(Clip, {bound: value}) for bound in ("norm", "value") for value in (0.0, -1.0, NAN)],
    ],
)
def test_a_parameter_out_of_range_is_refused_in_one_line(make, setting):
    ((name, value),) = setting.items()
    with pytest.raises(SettingError, match=rf"^{name} of \w+ is {value}, but must be [^\n]*$"):
        make(**setting)


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(SettingError, match="nesterov of sgd is True, but must be used with a momentum above 0"):
        SGD(nesterov=True)


@rules
def test_a_rule_is_found_again_from_its_name_and_from_its_document(rule):
    assert OPTIMIZERS.get(rule.document()) == rule
    assert OPTIMIZERS.get(rule) is rule
    assert OPTIMIZERS.get(rule.name) == type(rule)()


@pytest.mark.parametrize(
    ("clip", "g", "expected"),
    [
        (Clip(), [3, -4], [3, -4]),
        (Clip(norm=1), [3, -4], [0.6, -0.8]),
        (Clip(norm=5), [3, -4], [3, -4]),
        (Clip(value=2), [3, -4, 1], [2, -2, 1]),
        (Clip(norm=1, value=3), [30, -4], [math.sqrt(0.5), -math.sqrt(0.5)]),  # values first, then the norm
        (Clip(norm=1, value=0.1), [3, -4], [0.1, -0.1]),
        (Clip(norm=1), [0, 0], [0, 0]),
        (Clip(norm=1, value=1), [0, 0], [0, 0]),
    ],
    ids=str,
)
def test_clipping_bounds_values_and_then_the_norm(clip, g, expected):
    for dtype in (np.float32, np.float64):
        given = np.array(g, dtype=dtype)
        found = clip.apply(given)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=2e-7)
        assert given.tolist() == g


def test_a_gradient_within_the_bounds_keeps_its_bits():
    g = drawn(size=100)[0].astype(np.float32)
    assert Clip(norm=float(np.linalg.norm(g)) * 1.01, value=10).apply(g).tobytes() == g.tobytes()


@pytest.mark.parametrize("size", [1e20, 1e-25, 1e38])
def test_clipping_by_norm_holds_for_gradients_whose_squares_float32_cannot_hold(size):
    g = np.array([3.0, 0.0, -4.0], dtype=np.float32) * np.float32(size / 5)
    found = Clip(norm=size / 2).apply(g)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, g / 2, rtol=1e-6)


@pytest.mark.parametrize("bad", ["a", True, 0, -1.0, float("nan"), None])
def test_bounds_of_clipping_are_numbers_above_0(bad):
    with pytest.raises(SettingError, match="clip"):
        Clip(norm=bad)
