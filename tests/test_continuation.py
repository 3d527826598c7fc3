"""Going on from a state: the bits of a training that was never stopped."""

import dataclasses

import numpy as np
import pytest

from chainrule.errors import SettingError
from chainrule.network import Network
from chainrule.optimizers import SGD, Adam
from chainrule.training import Progress, fit, train

_RNG = np.random.Generator(np.random.PCG64(7))
X, T = _RNG.normal(size=(23, 4)), _RNG.uniform(size=(23, 2))
HELD = (_RNG.normal(size=(6, 4)), _RNG.uniform(size=(6, 2)))


def net(sizes=(4, 3, 2)):
    return Network(sizes, "tanh", seed=3, dtype="float64")


@pytest.fixture
def every_batch(monkeypatch):
    monkeypatch.setattr("chainrule.training.loop.GLANCE", 0.0)


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
