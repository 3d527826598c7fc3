"""Your own optimizer, schedule and initializer: plain functions and subclasses of the bases, and what is refused."""

import dataclasses

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import SettingError

RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 1))
SETTINGS = {"batch_size": 6, "epochs": 3, "engine": "reference"}


def network(**more):
    return cr.Network([3, 4, 1], "tanh", "identity", **{"dtype": "float64", **more})


def trained(**settings):
    net = network()
    cr.fit(net, X, T, **{**SETTINGS, **settings})
    return net


def descent(theta, gradient, slots, step, rate):
    return theta - rate * gradient, slots


def in_place(theta, gradient, slots, step, rate):
    theta -= rate * gradient
    return theta, slots


def heavy_ball(theta, gradient, slots, step, rate):
    v = 0.9 * slots[0] - rate * gradient
    return theta + v, (v,)


def starts_itself(theta, gradient, slots, step, rate):
    v = -rate * gradient if step == 1 else 0.9 * slots[0] - rate * gradient
    return theta + v, [v]


# ---- optimizers


@pytest.mark.parametrize("function", [descent, in_place])
def test_a_plain_function_is_the_rule_that_it_writes(function):
    assert trained(optimizer=function).theta.tobytes() == trained(optimizer=cr.SGD(0.01)).theta.tobytes()


@pytest.mark.parametrize("rule", [cr.custom_optimizer(heavy_ball, slots=1), starts_itself], ids=["made", "plain"])
def test_a_rule_with_slots_is_the_rule_that_it_writes(rule):
    assert trained(optimizer=rule).theta.tobytes() == trained(optimizer=cr.SGD(0.01, momentum=0.9)).theta.tobytes()


def test_float32_stays_float32_and_the_learning_rate_is_what_it_says():
    net = network(dtype="float32")
    cr.fit(net, X, T, optimizer=cr.custom_optimizer(descent, learning_rate=0.5), schedule="cosine", **SETTINGS)
    assert net.dtype == np.float32
    assert np.isfinite(net.theta).all()


def test_it_is_cut_and_resumed_with_the_same_bits(tmp_path):
    whole, pieces = network(), network()
    cr.fit(whole, X, T, optimizer=starts_itself, **{**SETTINGS, "epochs": 4})
    for epochs in (1, 3, 4):
        checkpoint = cr.Checkpoint(tmp_path / "c", resume=True)
        cr.fit(pieces, X, T, optimizer=starts_itself, **{**SETTINGS, "epochs": epochs}, checkpoint=checkpoint)
    assert pieces.theta.tobytes() == whole.theta.tobytes()


def test_auto_takes_the_reference_engine_and_says_so_and_a_frozen_layer_stays():
    net = network()
    before = net.W[0].tobytes()
    with pytest.warns(cr.ChainruleWarning, match="has no optimizer"):
        history = cr.fit(net, X, T, optimizer=starts_itself, rates={"2": 0}, epochs=2)
    assert history.engine == "reference"
    assert net.W[0].tobytes() == before


def test_any_function_descends_by_it():
    found = cr.minimize(
        lambda v: v @ v, [3.0, 4.0], optimizer=cr.custom_optimizer(heavy_ball, slots=1, learning_rate=0.1)
    )
    assert np.abs(found.x).max() < 1e-3


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (
            lambda theta, gradient: theta,
            "takes (theta, gradient), but must be a function of theta and gradient and slots",
        ),
        (heavy_ball, "your optimizer 'heavy_ball' fails for theta of shape (3,) and 0 slots in update 1; if it takes"),
        (lambda theta, gradient, slots, step, rate: theta, "must be (theta, slots), with a tuple of slots"),
        (lambda theta, gradient, slots, step, rate: (theta[:1], ()), "must be arrays of numbers of shape (3,)"),
        (lambda theta, gradient, slots, step, rate: (theta, (1.0,)), "must be arrays of numbers of shape (3,)"),
        (lambda theta, gradient, slots, step, rate: (theta + RNG.random(3), ()), "draw no random numbers"),
        (lambda theta, gradient, slots, step, rate: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_a_function_that_is_no_rule_is_refused_in_one_line(function, words):
    with pytest.raises(SettingError) as refusal:
        trained(optimizer=function)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_wrong_number_of_slots_is_refused():
    with pytest.raises(SettingError, match="returns 1 slots, but slots is 2: return as many as it gets"):
        cr.custom_optimizer(heavy_ball, slots=2)
    with pytest.raises(SettingError, match="learning_rate of custom is -1"):
        cr.custom_optimizer(descent, learning_rate=-1)


# ---- schedules


def test_a_function_is_the_schedule_that_it_writes():
    by_function = trained(schedule=lambda update, per_epoch, total: 0.5 ** (update // per_epoch))
    assert by_function.theta.tobytes() == trained(schedule=cr.StepDecay(0.5, every=1)).theta.tobytes()


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda update: 1.0, "takes (update), but must be a function of update and per_epoch and total"),
        (lambda update, per_epoch, total: -1.0, "for update 0 is -1.0, but must be a finite number from 0"),
        (lambda update, per_epoch, total: "1", "for update 0 is '1', but must be a finite number from 0"),
        (lambda update, per_epoch, total: 1 / update, "fails for 2 updates (ZeroDivisionError"),
        (lambda update, per_epoch, total: 1.0 if update < 5 else float("nan"), "for update 5 is nan"),
    ],
)
def test_a_function_that_is_no_schedule_is_refused_in_one_line(function, words):
    with pytest.raises(SettingError) as refusal:
        trained(schedule=function)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


# ---- initializers


def test_a_function_draws_from_the_generator_of_seed_and_layer():
    def draw(n_in, n_out, generator):
        return generator.normal(size=(n_in, n_out)), np.full(n_out, 0.5)

    net, again, other = (network(initializer=draw, seed=seed) for seed in (1, 1, 2))
    assert net.theta.tobytes() == again.theta.tobytes() != other.theta.tobytes()
    assert {value for b in net.b for value in b.tolist()} == {0.5}
    wide = cr.Network([3, 4, 9], initializer=draw, seed=1, dtype="float64")
    assert wide.W[0].tobytes() == net.W[0].tobytes()


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda n_in, n_out: np.zeros((n_in, n_out)), "takes (n_in, n_out), but must be a function of n_in and n_out"),
        (lambda n_in, n_out, generator: np.zeros((n_out, n_in)), "returns an array (2, 3) of float64, but must return"),
        (lambda n_in, n_out, generator: np.full((n_in, n_out), np.nan), "but must return finite numbers"),
        (lambda n_in, n_out, generator: generator.nothing(), "fails for n_in 3 and n_out 2 (AttributeError"),
    ],
)
def test_a_function_that_is_no_initializer_is_refused_in_one_line(function, words):
    with pytest.raises(SettingError) as refusal:
        network(initializer=function)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


# ---- subclasses, files


@dataclasses.dataclass(frozen=True)
class Signs(cr.Optimizer):
    """theta ← theta - eta sign(g)."""

    name = "signs"

    def update(self, theta, g, slots, eta, step):
        return theta - eta * np.sign(g), slots


def test_a_subclass_of_a_base_is_taken_as_it_is():
    lion = cr.Lion(0.01, beta1=0.0)
    assert trained(optimizer=Signs(0.01)).theta.tobytes() == trained(optimizer=lion).theta.tobytes()


@pytest.mark.filterwarnings("ignore")  # two epochs are too few to converge
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("solver", cr.custom_optimizer(descent)),
        ("initializer", lambda n_in, n_out, generator: np.ones((n_in, n_out))),
    ],
    ids=["optimizer", "initializer"],
)
def test_a_file_that_would_hold_one_is_refused_in_one_line(name, value, tmp_path):
    mlp = cr.MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, **{name: value}).fit(X, T[:, 0])
    with pytest.raises(SettingError, match=r"^[^\n]*but a file stores only data: [^\n]*$"):
        cr.save(mlp, tmp_path / "m.safetensors")
