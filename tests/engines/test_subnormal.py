"""In a training of the core a mean of gradients that have become 0 becomes 0: subnormal numbers would trap for ever."""

import numpy as np
import pytest

from chainrule.engines import ENGINES, why_absent
from chainrule.network import Network
from chainrule.optimizers import SGD, Adam, RMSProp
from chainrule.settings import TrainingSettings

from .test_native import on_threads

pytestmark = pytest.mark.skipif(why_absent("native") is not None, reason="the native core is not built")
RULES = [Adam(0.001, beta1=0.5), SGD(0.001, momentum=0.5), RMSProp(0.001, rho=0.5)]


def slots_after(rule, dtype, threads, updates):
    """The slots after some updates, in which the second input is 0 but for the first update."""
    net = Network([2, 3, 1], "tanh", seed=0, dtype=dtype)
    X, T = np.ones((2, 2), dtype), np.ones((2, 1), dtype)
    X[1, 1] = 0
    settings = on_threads(TrainingSettings(optimizer=rule, batch_size=1, seed=0), threads)
    run = ENGINES["native"]().start(net.architecture, net.theta, settings, 1)
    order, done = np.minimum(np.arange(updates), 1), 0
    while done < updates:
        done += len(run.steps(X, T, None, order[done:], np.full(updates - done, 0.001), 0, done))
    return run.state.slots


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize(("dtype", "updates"), [("float32", 130), ("float64", 1040)])
@pytest.mark.parametrize("threads", [1, -2])
def test_means_of_gradients_that_are_0_end_at_0(rule, dtype, updates, threads):
    tiny = np.finfo(dtype).tiny
    early = slots_after(rule, dtype, threads, updates // 2)
    assert ((np.abs(early[0][3:6]) > tiny) & (early[0][3:6] != 0)).all()  # the weights of the second input
    for slot in slots_after(rule, dtype, threads, updates):
        assert not ((slot != 0) & (np.abs(slot) < tiny)).any()


def test_the_arithmetic_of_the_caller_keeps_its_subnormal_numbers():
    smallest = np.full(64, np.finfo("float32").tiny / 4, "float32")
    slots_after(RULES[0], "float32", 1, 3)
    assert (smallest * np.float32(0.5) > 0).all()
    net = Network([1, 1], output="identity", initializer=np.array([0.5, 0.0]))
    assert net.predict(smallest[:1, None])[0, 0] > 0
