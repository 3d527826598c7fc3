"""Update rules: steps worked by hand, plain loops over numbers, scikit-learn's and torch's optimizers, JAX."""

import math

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from chainrule.errors import SettingError
from chainrule.optimizers import (
    OPTIMIZERS,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    AMSGrad,
    Clip,
    Lion,
    Muon,
    NAdam,
    RMSProp,
    RProp,
    ScheduleFree,
)
from chainrule.optimizers.muon import orthogonalized

from .. import torch_numbers

RULES = [
    SGD(0.1),
    SGD(0.1, momentum=0.9),
    SGD(0.1, momentum=0.5, nesterov=True),
    RMSProp(0.1),
    RMSProp(0.01, 0.5, 1e-3),
    Adam(0.1),
    Adam(0.01, 0.5, 0.9, 1e-3),
    AdamW(0.1, weight_decay=0.2),
    ScheduleFree(0.1),
    ScheduleFree(0.1, 0.5, 0.7, 1e-3, weight_decay=0.2, warmup=7),
    AMSGrad(0.1, 0.5, 0.9, 1e-3),
    NAdam(0.1),
    NAdam(0.1, 0.5, 0.9, 1e-3, momentum_decay=0.5),
    Adagrad(0.1),
    Adagrad(0.5, eps=1e-3),
    Lion(0.1),
    Lion(0.1, 0.5, 0.7, weight_decay=0.2),
    Muon(0.1, adam_rate=0.1),
    RProp(0.1),
    RProp(0.1, 1.5, 0.4, 0.02, 0.3),
]

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
    """All that make an update from one gradient."""
    assert {type(rule) for rule in RULES} == {rule for rule in OPTIMIZERS.classes() if not rule.line_search}


@pytest.mark.parametrize(
    ("rule", "expected", "slots"),
    [
        (SGD(0.5), [0, -1], []),
        (SGD(0.5, momentum=0.5), [0, -1.5], [-1.5]),  # v = -1, then -0.5 - 1
        (SGD(0.5, momentum=0.5, nesterov=True), [-0.5, -2.25], [-1.5]),  # 1 - 0.5 - 1, then -0.5 - 0.75 - 1
        # m = 1, v = 1, m̂ = 2, v̂ = 4: 1 - 0.5 * 2 / (2 + 2); m = 1.5, v = 1.75, m̂ = 2, v̂ = 4 once more
        (Adam(0.5, beta1=0.5, beta2=0.75, eps=2.0), [0.75, 0.5], [1.5, 1.75]),
        # the same, and each time half of eta * theta less: 0.75 - 0.25 * 1, then 0.25 - 0.25 * 0.5
        (AdamW(0.5, beta1=0.5, beta2=0.75, eps=2.0, weight_decay=0.5), [0.5, 0.125], [1.5, 1.75]),
        # v̂ = 4 twice, so g / (2 + 2) = 0.5: z = 1 - 0.25, and theta is z; z = 0.5 then, and theta the mean of both
        (ScheduleFree(0.5, beta1=0.5, beta2=0.75, eps=2.0), [0.75, 0.625], [-0.125, 1.75]),
        # v = 1: 1 - 0.5 * 2 / (1 + 1); v = 1.75 is that of Adam
        (RMSProp(0.5, rho=0.75, eps=1.0), [0.5, 0.5 - 1 / (math.sqrt(1.75) + 1)], [1.75]),
        (AMSGrad(0.5, beta1=0.5, beta2=0.75, eps=2.0), [0.75, 0.5], [1.5, 1.75, 1.75]),  # g^2 never falls
        (Adagrad(0.5, eps=2.0), [0.75, 0.75 - 1 / (math.sqrt(8) + 2)], [8.0]),  # s = 4: 1 - 0.5 * 2 / (2 + 2)
        (Lion(0.5, beta1=0.5, beta2=0.75, weight_decay=0.5), [0.25, -0.3125], [0.875]),  # m = 0.5; less 0.25 theta
        # mu is 0.25 at first and then; m = 1: 0.25 * 1 / (1 - 1/16) + 0.75 * 2 / 0.75, v̂ = 4
        (
            NAdam(0.5, beta1=0.5, beta2=0.75, eps=2.0, momentum_decay=0.0),
            [1 - 0.125 * (4 / 15 + 2), 1 - 0.125 * (4 / 15 + 2) - 0.125 * (1.5 * 0.25 / (1 - 1 / 64) + 2 * 0.8)],
            [1.5, 1.75],
        ),
        (RProp(0.5, increase=2.0), [0.5, -0.5], [2.0, 1.0]),  # D = 0.5, then 1
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


def rmsprop(rule, theta, gradients, rates):
    v = 0.0
    for g, eta in zip(gradients, rates, strict=True):
        v = rule.rho * v + (1 - rule.rho) * g**2
        theta -= eta * g / (math.sqrt(v) + rule.eps)
        yield theta


def adamw(rule, theta, gradients, rates):
    still = Adam(rule.learning_rate, rule.beta1, rule.beta2, rule.eps)
    steps = np.diff([0.0, *adam(still, 0.0, gradients, rates)])
    for step, eta in zip(steps, rates, strict=True):
        theta = (1 - eta * rule.weight_decay) * theta + step
        yield theta


def schedule_free(rule, theta, gradients, rates):
    """z, x and y as the paper has them."""
    x = z = theta
    v = total = 0.0
    for t, (g, eta) in enumerate(zip(gradients, rates, strict=True), start=1):
        y = (1 - rule.beta1) * z + rule.beta1 * x
        rise = min(1.0, t / rule.warmup) if rule.warmup else 1.0
        v = rule.beta2 * v + (1 - rule.beta2) * g**2
        z -= eta * rise * (g / (math.sqrt(v / (1 - rule.beta2**t)) + rule.eps) + rule.weight_decay * y)
        total += rise**2
        x = (1 - rise**2 / total) * x + rise**2 / total * z
        yield x


def amsgrad(rule, theta, gradients, rates):
    m = v = most = 0.0
    for t, (g, eta) in enumerate(zip(gradients, rates, strict=True), start=1):
        m, v = rule.beta1 * m + (1 - rule.beta1) * g, rule.beta2 * v + (1 - rule.beta2) * g**2
        most = max(most, v)
        theta -= eta * (m / (1 - rule.beta1**t)) / (math.sqrt(most / (1 - rule.beta2**t)) + rule.eps)
        yield theta


def nadam(rule, theta, gradients, rates):
    m, v, product = 0.0, 0.0, 1.0
    for t, (g, eta) in enumerate(zip(gradients, rates, strict=True), start=1):
        mu, ahead = (rule.beta1 * (1 - 0.5 * 0.96 ** (k * rule.momentum_decay)) for k in (t, t + 1))
        product *= mu
        m, v = rule.beta1 * m + (1 - rule.beta1) * g, rule.beta2 * v + (1 - rule.beta2) * g**2
        mean = ahead * m / (1 - product * ahead) + (1 - mu) * g / (1 - product)
        theta -= eta * mean / (math.sqrt(v / (1 - rule.beta2**t)) + rule.eps)
        yield theta


def adagrad(rule, theta, gradients, rates):
    s = 0.0
    for g, eta in zip(gradients, rates, strict=True):
        s += g**2
        theta -= eta * g / (math.sqrt(s) + rule.eps)
        yield theta


def lion(rule, theta, gradients, rates):
    m = 0.0
    for g, eta in zip(gradients, rates, strict=True):
        c = rule.beta1 * m + (1 - rule.beta1) * g
        theta -= eta * ((c > 0) - (c < 0) + rule.weight_decay * theta)
        m = rule.beta2 * m + (1 - rule.beta2) * g
        yield theta


def muon(rule, theta, gradients, rates):
    """Of numbers that are in no matrix."""
    yield from adam(Adam(rule.adam_rate), theta, gradients, [r * rule.adam_rate / rule.learning_rate for r in rates])


def rprop(rule, theta, gradients, rates):
    D, before = rule.learning_rate, 0.0
    for g, eta in zip(gradients, rates, strict=True):
        if g * before > 0:
            D = min(D * rule.increase, rule.largest)
        elif g * before < 0:
            D = max(D * rule.decrease, rule.smallest)
        before = 0.0 if g * before < 0 else g
        theta -= D * ((before > 0) - (before < 0)) * eta / rule.learning_rate
        yield theta


@rules
def test_many_updates_are_those_of_a_plain_loop_over_numbers(rule):
    theta, gradients, rates = drawn()
    found, _ = walk(rule, theta, gradients, rates)
    loops = (sgd, rmsprop, adam, adamw, schedule_free, amsgrad, nadam, adagrad, lion, muon, rprop)
    loop = next(loop for loop in loops if loop.__name__ == rule.name)
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


OF_TORCH = {
    "sgd": SGD(0.1),
    "rmsprop": RMSProp(0.1, eps=1e-3),
    "adam": Adam(0.1, 0.5, 0.9, 1e-3),
    "amsgrad": AMSGrad(0.1, 0.5, 0.9, 1e-3),
    "nadam": NAdam(0.1, 0.5, 0.9, 1e-3, momentum_decay=0.1),
    "adagrad": Adagrad(0.1, eps=1e-3),
    "adamw": AdamW(0.1, weight_decay=0.5),
    "rprop": RProp(0.1, increase=1.5, decrease=0.4, smallest=0.02, largest=0.3),
}


@pytest.mark.parametrize("name", OF_TORCH)
def test_a_rule_is_that_of_torch_step_by_step(name):
    gradients = np.array([torch_numbers.gradient(step) for step in range(torch_numbers.STEPS)])
    rtol = 1e-8 if name == "nadam" else 1e-11  # torch multiplies its momenta in float32
    found, _ = walk(OF_TORCH[name], np.array(torch_numbers.start()), gradients)
    np.testing.assert_allclose(found, torch_numbers.stored()["rules"][name], rtol=rtol, atol=1e-14)


def test_the_numbers_kept_are_those_that_torch_makes():
    torch = pytest.importorskip("torch")
    found, kept = torch_numbers.numbers(), torch_numbers.stored()
    assert found.keys() == kept.keys()
    for kind in ("rules", "schedules"):
        assert found[kind].keys() == kept[kind].keys()
        for name in found[kind]:
            np.testing.assert_allclose(found[kind][name], kept[kind][name], rtol=1e-12, err_msg=f"torch {torch}")
    assert found["plateau"] == kept["plateau"]


def test_rprop_stays_after_a_change_of_sign_and_changes_no_step_after_that():
    found, (_, D) = walk(RProp(1.0, increase=2.0), np.array([0.0]), np.array([[1.0], [-1.0], [-1.0], [-1.0]]))
    assert found.ravel().tolist() == [-1, -1, -0.5, 0.5]
    assert D.tolist() == [1.0]


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_rprop_sees_signs_where_float32_has_no_product(size):
    g = np.array([size, -size], np.float32)
    _, (_, D) = walk(RProp(0.25, increase=2.0), np.zeros(2, np.float32), [g, g])
    assert D.tolist() == [0.5, 0.5]


def test_a_schedule_scales_the_steps_of_rprop_and_not_what_it_remembers():
    theta, gradients, _ = drawn()
    whole, slots = walk(RProp(0.5), theta, gradients)
    half, halved = walk(RProp(0.5), theta, gradients, [0.25] * len(gradients))
    np.testing.assert_allclose(half - theta, (whole - theta) / 2, atol=1e-15)
    assert [a.tolist() for a in slots] == [a.tolist() for a in halved]


def test_the_divisor_of_amsgrad_never_falls():
    gradients = np.array([[100.0]] + [[1.0]] * 200)
    _, (_, v, most) = walk(AMSGrad(0.1, beta2=0.5), np.zeros(1), gradients)
    assert (v.item(), most.item()) == (pytest.approx(1.0), 5000.0)


def test_nadam_goes_on_far_out_where_the_product_of_its_momenta_ends():
    rule, g, slots = NAdam(), np.ones(1), (np.ones(1), np.ones(1))
    assert rule.product(10_000) == rule.product(400) < 2.0**-60
    mu = [rule.mu(t) for t in (10**6, 10**6 + 1)]
    moved, _ = rule.update(np.zeros(1), g, slots, 0.1, 10**6)
    assert moved.item() == pytest.approx(-0.1 * (mu[1] + 1 - mu[0]), rel=1e-6)


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (1, 5), (5, 1)])
def test_muon_moves_along_the_singular_vectors_with_values_of_the_polynomial(shape):
    """a s + b s^3 + c s^5, five times, for each singular value s, from s / |M|: by an SVD, which the rule lacks."""
    M = np.random.default_rng(0).normal(size=shape)
    U, s, V = np.linalg.svd(M, full_matrices=False)
    s = s / np.sqrt((s**2).sum())
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    np.testing.assert_allclose(orthogonalized(M), (U * s) @ V, atol=1e-6)
    moved, (v, _) = Muon(momentum=0.5, weight_decay=0.25).update(M, M, (M, M), 0.1, 1)
    stretch = max(1, shape[1] / shape[0]) ** 0.5
    np.testing.assert_allclose(moved, 0.975 * M - 0.1 * stretch * orthogonalized(1.75 * M), atol=1e-12)
    np.testing.assert_allclose(v, 1.5 * M)


@pytest.mark.parametrize("size", [1e-25, 1e25])
def test_muon_does_not_depend_on_the_size_of_the_gradient(size):
    M = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    np.testing.assert_allclose(orthogonalized(M * np.float32(size)), orthogonalized(M), atol=1e-5)


def test_muon_is_that_of_torch_which_iterates_in_16_bits():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    W, gradients, slots = rng.normal(size=(6, 9)), rng.normal(size=(4, 6, 9)), (np.zeros((6, 9)),) * 2
    theirs = torch.tensor(W.T.copy(), requires_grad=True)  # (out, in)
    optimizer = torch.optim.Muon([theirs], lr=0.02, weight_decay=0.1, momentum=0.95)
    for t, g in enumerate(gradients, start=1):
        W, slots = Muon(0.02, weight_decay=0.1).update(W, g, slots, 0.02, t)
        theirs.grad = torch.tensor(g.T.copy())
        optimizer.step()
    np.testing.assert_allclose(W, theirs.detach().numpy().T, atol=2e-3)


def test_adamw_without_decay_is_adam():
    theta, gradients, _ = drawn()
    assert (
        walk(AdamW(0.1, weight_decay=0.0), theta, gradients)[0].tolist()
        == walk(Adam(0.1), theta, gradients)[0].tolist()
    )


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
    made = [SGD(half), SGD(half, half), SGD(half, half, nesterov=True), RMSProp(half, half, half)]
    made += [Adam(half, half, half, half), AdamW(half, weight_decay=half), RProp(half, number(2), half, half, half)]
    for rule in made:
        moved, slots = rule.update(theta, theta, (theta,) * rule.slots, 0.1, 1)
        assert {a.dtype for a in (moved, *slots)} == {theta.dtype}
        assert {type(value) for value in rule.document().values()} <= {float, str, bool}
    assert Clip(norm=half, value=half).apply(theta).dtype == theta.dtype


@rules
def test_a_gradient_of_0_from_rest_moves_nothing_but_what_decays(rule):
    theta = drawn()[0]
    found, slots = walk(rule, theta, np.zeros((3, 5)))
    kept = 1 - rule.learning_rate * getattr(rule, "weight_decay", 0.0)
    if kept < 1 and isinstance(rule, ScheduleFree):  # what decays is z, of which theta is the mean
        assert (np.diff(np.abs([theta, *found]), axis=0) < 0).all()
        return
    np.testing.assert_allclose(found, [theta * kept**k for k in (1, 2, 3)], rtol=0 if kept == 1 else 1e-15)
    assert not np.any(slots[: None if not isinstance(rule, RProp) else 1])


@rules
def test_every_rule_finds_the_bottom_of_a_bowl(rule):
    theta, slots = np.array([3.0, -2.0]), (np.zeros(2),) * rule.slots
    for t in range(1, 2001):
        eta = (3.0 if isinstance(rule, Adagrad | AMSGrad) else 0.1) / math.sqrt(t)  # whose steps fall by themselves
        eta = 0.1 if isinstance(rule, ScheduleFree) else eta
        g = np.array([1.0, 4.0]) * rule.gradient_at(theta, slots)
        theta, slots = rule.update(theta, g, slots, eta, t)
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


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("make", "setting"),
    [
        *[(rule, {"learning_rate": eta}) for rule in OPTIMIZERS.classes() for eta in (0.0, -0.1, NAN, INF)],
        *[(SGD, {"momentum": mu}) for mu in (-0.1, 1.0, 1.5, NAN)],
        *[
            (rule, {beta: value})
            for rule in (Adam, AdamW, ScheduleFree)
            for beta in ("beta1", "beta2")
            for value in (-0.1, 1.0, NAN)
        ],
        *[(rule, {"eps": eps}) for rule in (RMSProp, Adam, AdamW) for eps in (0.0, -1e-8, NAN, INF)],
        *[(rule, {beta: value}) for rule in (Lion,) for beta in ("beta1", "beta2") for value in (-0.1, 1.0, NAN)],
        *[(rule, {"eps": eps}) for rule in (AMSGrad, NAdam, Adagrad) for eps in (0.0, -1e-8, NAN)],
        *[(NAdam, {"momentum_decay": value}) for value in (-0.1, NAN)],
        *[(rule, {"weight_decay": value}) for rule in (Lion, Muon) for value in (-0.1, NAN)],
        *[(ScheduleFree, {"weight_decay": value}) for value in (-0.1, NAN)],
        *[(ScheduleFree, {"warmup": value}) for value in (-1, 0.5)],
        *[(Muon, {"momentum": value}) for value in (-0.1, 1.0)],
        *[(Muon, {"adam_rate": value}) for value in (0.0, -1.0)],
        *[(Muon, {"iterations": value}) for value in (0, -1)],
        *[(RMSProp, {"rho": rho}) for rho in (-0.1, 1.0, NAN)],
        *[(AdamW, {"weight_decay": decay}) for decay in (-0.1, NAN, INF)],
        *[(RProp, {"increase": value}) for value in (1.0, 0.5, NAN, INF)],
        *[(RProp, {"decrease": value}) for value in (0.0, 1.0, -0.5, NAN)],
        *[(RProp, {"smallest": value}) for value in (0.0, 0.02, NAN)],
        *[(RProp, {"largest": value}) for value in (0.005, NAN, INF)],
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
