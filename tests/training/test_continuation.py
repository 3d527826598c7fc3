"""Going on from a state: the bits of a training that was never stopped, whatever it is made of, wherever it is cut."""

import dataclasses
import itertools

import numpy as np
import pytest

from chainrule.errors import SettingError
from chainrule.network import Network
from chainrule.optimizers import LBFGS, OPTIMIZERS, SGD, Adam, Clip
from chainrule.schedules import SCHEDULES
from chainrule.training import Checkpoint, Finished, Progress, fit, train

_RNG = np.random.Generator(np.random.PCG64(7))
X, T = _RNG.normal(size=(23, 4)), _RNG.uniform(size=(23, 2))
HELD = (_RNG.normal(size=(6, 4)), _RNG.uniform(size=(6, 2)))


def net(sizes=(4, 3, 2)):
    return Network(sizes, "tanh", seed=3, dtype="float64")


@pytest.mark.parametrize("optimizer", [SGD(0.5), SGD(0.1, 0.9), Adam(0.05)], ids=str)
@pytest.mark.parametrize("validation", [None, HELD])
@pytest.mark.parametrize("stop", [0, 3, 5, 12, 19])
def test_going_on_from_a_state_gives_the_bits_of_never_having_stopped(optimizer, validation, stop, every_batch):
    settings = {"optimizer": optimizer, "validation": validation, "dropout": 0.25, "batch_size": 5, "epochs": 4}
    whole, pieces = net(), net()
    expected = list(train(whole, X, T, **settings))[-1].history
    first = train(pieces, X, T, **settings)
    updates = (event for event in first if isinstance(event, Progress))
    for _ in range(stop):
        next(updates)
    state = first.state
    fit(pieces, X, T, epochs=1)  # what happens to the network meanwhile does not matter
    rest = train(pieces, X, T, **settings, state=state)
    found = list(rest)[-1].history
    assert pieces.theta.tobytes() == whole.theta.tobytes()
    assert dataclasses.replace(found, seconds=0) == dataclasses.replace(expected, seconds=0)


def test_training_further_after_the_end_goes_on_from_the_last_weights_and_not_from_the_best():
    settings = {"optimizer": Adam(0.3), "validation": HELD, "batch_size": 5}
    whole, pieces = net(), net()
    fit(whole, X, T, **settings, epochs=9)
    first = train(pieces, X, T, **settings, epochs=4)
    assert list(first)[-1].history.epochs == 4
    list(train(pieces, X, T, **settings, epochs=9, state=first.state))
    assert pieces.theta.tobytes() == whole.theta.tobytes()


def test_a_state_of_another_network_or_seed_is_refused():
    state = train(net(), X, T).state
    with pytest.raises(SettingError, match="another"):
        train(net((4, 9, 2)), X, T, state=state)
    with pytest.raises(SettingError, match="another"):
        train(net(), X, T, seed=7, state=state)


# ---- every optimizer, every schedule, validation, dropout, patience and the rest, cut and looked at at random

RULES = [rule() for rule in OPTIMIZERS.classes() if not rule.line_search]
RULES += [SGD(0.1, momentum=0.9), SGD(0.1, momentum=0.9, nesterov=True)]
RULES += [LBFGS(memory=1), LBFGS(memory=3), LBFGS(), LBFGS(memory=3, reduction=1e-3), LBFGS(evaluations=7)]
CASES = [  # a line search takes no schedule, and so all the more draws
    (rule, schedule())
    for rule in RULES
    for schedule in (SCHEDULES.classes() if not rule.line_search else [type(SCHEDULES.get("constant"))] * 7)
]
MORE = {
    "validation": [None, HELD],
    "dropout": [0.0, 0.4],
    "patience": [None, 1, 3],
    "sample_weight": [None, np.r_[0.0, np.linspace(0.5, 2, 22)], np.linspace(0.5, 2, 46).reshape(23, 2)],
    "clip": [None, Clip(norm=0.01)],
    "alpha": [0.0, 0.1],
    "l1": [0.0, 0.1],
    "shuffle": [True, False],
    "monitor": ["cost", "error"],
    "dtype": ["float64", "float32"],
    "rates": [None, {"2": 0.0}, {"2": 0.5, "3": 2.0}],
    "label_smoothing": [0.0, 0.1],
}


def largest_error(A, T):
    return float(abs(A - T).max())


def settings_of(rule, schedule, chosen):
    """The dtype, and the settings of `train`."""
    more = {name: MORE[name][k] for name, k in chosen.items()}
    dtype, validation = more.pop("dtype"), more["validation"]
    metrics = {"error": largest_error} if validation else {}
    more["monitor"] = more["monitor"] if metrics else "cost"
    more |= {"dropout": 0.0, "clip": None, "rates": None} if rule.line_search else {}
    return dtype, {
        "optimizer": rule,
        "schedule": schedule,
        "batch_size": None if rule.full_batch else 5,
        "epochs": 14 if rule.line_search else 6,
        "metrics": metrics,
        "mode": None if more["monitor"] == "cost" else "min",
        **more,
    }


def cut_at_random(rng, dtype, settings, path):
    """Train through checkpoints: stop after a few events, go on in another network; looked at all the while."""
    for _ in range(200):
        pieces = Network([4, 3, 2], "tanh", "sigmoid", "binary_cross_entropy", seed=3, dtype=dtype)
        training = train(pieces, X, T, **settings, checkpoint=Checkpoint(path, every=1e6, resume=True))
        updates = training._updates
        updates._set_pace = lambda made, seconds, it=updates: setattr(it, "_per_call", int(rng.integers(1, 4)))
        for _, event in zip(range(rng.integers(1, 9)), training, strict=False):
            pieces.cost(X, T)
            pieces.gradient(X, T)
            pieces.predict(X)
            assert training.state.run.theta.tobytes() == pieces.theta.tobytes() or isinstance(event, Finished)
        if isinstance(event, Finished):
            return pieces, event.history
        training.keeper.save(training.state)
    raise AssertionError("it does not come to an end")


def same_in_pieces(rule, schedule, chosen, seed, tmp_path):
    dtype, settings = settings_of(rule, schedule, chosen)
    whole = Network([4, 3, 2], "tanh", "sigmoid", "binary_cross_entropy", seed=3, dtype=dtype)
    expected = fit(whole, X, T, **settings)
    pieces, found = cut_at_random(np.random.default_rng(seed), dtype, settings, tmp_path / "run")
    assert pieces.theta.tobytes() == whole.theta.tobytes()
    assert repr(dataclasses.replace(found, seconds=0)) == repr(dataclasses.replace(expected, seconds=0))
    assert expected.epochs >= 2


def _marks(case):
    """Outside of `full` each optimizer has a third of the schedules, and each schedule a third of the optimizers."""
    rule, schedule = RULES.index(CASES[case][0]), case % len(SCHEDULES.classes())
    return [] if (rule + schedule) % 3 == 0 else [pytest.mark.full]


@pytest.mark.parametrize(
    "case",
    [pytest.param(k, marks=_marks(k), id=f"{k} {rule} {schedule.name}") for k, (rule, schedule) in enumerate(CASES)],
)
def test_random_cuts_change_no_bit(case, tmp_path):
    """Optimizers with schedules; the rest is drawn, so that all pairs of values meet in the third, too."""
    rule, schedule = CASES[case]
    seed = 100 * RULES.index(rule) + case % len(SCHEDULES.classes())
    rng = np.random.default_rng(seed)
    chosen = {name: int(rng.integers(len(values))) for name, values in MORE.items()}
    same_in_pieces(rule, schedule, chosen, seed, tmp_path)


@pytest.mark.full
@pytest.mark.parametrize(("rule", "schedule"), dict.fromkeys(CASES), ids=str)
def test_random_cuts_change_no_bit_of_the_full_product(rule, schedule, tmp_path):
    names = ["validation", "dropout", "patience", "sample_weight", "monitor", "dtype"]
    for k, choice in enumerate(itertools.product(*(range(len(MORE[name])) for name in names))):
        rest = {name: k % len(values) for name, values in MORE.items() if name not in names}
        folder = tmp_path / str(k)
        folder.mkdir()
        same_in_pieces(rule, schedule, {**dict(zip(names, choice, strict=True)), **rest}, k, folder)


@pytest.mark.parametrize("parts", [({}, {"validation": HELD, "patience": 3}), ({"validation": HELD}, {"patience": 3})])
def test_a_state_does_not_go_on_with_scores_that_it_does_not_have_nor_without_those_that_it_has(parts):
    before, now = parts
    training = train(net(), X, T, epochs=4, **before)
    list(training)
    with pytest.raises(SettingError, match=r"^the state comes from a training with(out)? a validation set: [^\n]*$"):
        train(net(), X, T, epochs=9, state=training.state, **now)
