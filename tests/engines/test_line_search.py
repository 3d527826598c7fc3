"""The run of a rule with a line search: its state is all that it goes on from, on every engine."""

import dataclasses

import numpy as np
import pytest
from scipy.sparse import csr_array

from chainrule.engines import ENGINES, RunState
from chainrule.errors import EngineError
from chainrule.examples.examples import as_examples
from chainrule.examples.sparse import SparseRows
from chainrule.network import Network
from chainrule.optimizers import LBFGS
from chainrule.settings import TrainingSettings

RNG = np.random.default_rng(4)
X, T, WEIGHT = RNG.normal(size=(20, 3)), RNG.uniform(size=(20, 2)), RNG.uniform(0.5, 2.0, size=20)
ORDER, RATE = np.arange(20), np.ones(1)

engines = pytest.mark.parametrize("engine", ENGINES)


class Counting:
    """An engine that counts how often it computes the cost."""

    def __init__(self, name):
        self.engine, self.calls = ENGINES[name](), 0

    def cost(self, *arguments):
        self.calls += 1
        return self.engine.cost(*arguments)

    def gradient(self, *arguments):
        return self.engine.gradient(*arguments)

    def start(self, *arguments):
        return type(self.engine).start(self, *arguments)


def started(engine, rule=None, dtype="float32", sizes=(3, 5, 2), **settings):
    """A run, its network and the examples."""
    net = Network(sizes, "tanh", seed=1, dtype=dtype)
    examples = as_examples(net.architecture, X, T, WEIGHT, net.dtype)
    parts = {"optimizer": rule or LBFGS(memory=3), "batch_size": 20, **settings}
    run = engine.start(net.architecture, net.theta, TrainingSettings(**parts), examples.total)
    return run, net, examples[:3]


def bits(net, state):
    return net.theta.tobytes(), state.theta.tobytes(), state.slots.tobytes(), state.step, state.evaluations


@engines
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_run_put_to_a_state_makes_the_same_updates(engine, dtype):
    """Put there after each update, whatever the other run did before, and although it computes the cost anew."""
    settings = {"dtype": dtype, "alpha": 0.1, "l1": 0.01}
    run, net, data = started(ENGINES[engine](), **settings)
    other, copy, _ = started(ENGINES[engine](), **settings)
    for k in range(12):
        other.steps(*data, ORDER, RATE, 0, 0)
        other.state = run.state
        assert bits(copy, other.state) == bits(net, run.state)
        cost, again = (r.steps(*data, ORDER, RATE, k, 0) for r in (run, other))
        assert cost.tolist() == again.tolist()
        assert bits(copy, other.state) == bits(net, run.state)
    assert run.state.step == 12
    assert run.state.slots.shape == (6, net.theta.size)
    assert run.state.slots.dtype == net.dtype


@engines
@pytest.mark.parametrize("rows", [20, 12])
def test_sparse_rows_are_searched_as_those_of_an_array(engine, rows):
    """All of them, or those that the order names."""
    if not ENGINES[engine]().takes_sparse:
        pytest.skip("the engine takes arrays only")
    (run, net, (dense, T, weight)), (other, copy, _) = (
        started(ENGINES[engine](), dtype="float64", batch_size=rows) for _ in range(2)
    )
    dense = np.where(dense > 0, dense, 0)
    compressed = SparseRows(csr_array(dense), np.dtype("float64")).compressed()
    for _ in range(5):
        cost, again = (r.steps(X, T, weight, ORDER[:rows], RATE, 0, 0) for r, X in ((run, dense), (other, compressed)))
        assert again == pytest.approx(cost, rel=1e-12)
    np.testing.assert_allclose(copy.theta, net.theta, rtol=1e-8)


@engines
def test_the_cost_of_an_update_is_that_before_it_without_penalty(engine):
    run, net, data = started(ENGINES[engine](), dtype="float64", alpha=3.0)
    before = net.cost(X, T, WEIGHT), net.cost(X, T, WEIGHT, alpha=3.0)
    assert run.steps(*data, ORDER, RATE, 0, 0) == pytest.approx([before[0]], rel=1e-12)
    assert net.cost(X, T, WEIGHT, alpha=3.0) < before[1]


@engines
def test_evaluations_are_counted_and_what_is_computed_again_is_not(engine):
    counting = Counting(engine)
    run, _, data = started(counting)
    assert run.state.evaluations == 0
    for k in range(5):
        run.steps(*data, ORDER, RATE, k, 0)
        assert run.state.evaluations == counting.calls
    other, _, _ = started(counting)
    other.state = run.state
    calls = counting.calls
    run.steps(*data, ORDER, RATE, 5, 0)
    used, calls = counting.calls - calls, counting.calls
    other.steps(*data, ORDER, RATE, 5, 0)
    assert counting.calls - calls == used + 1
    assert other.state.evaluations == run.state.evaluations


@engines
@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (LBFGS(memory=3, tolerance=1e-2), "converged"),
        (LBFGS(memory=3, reduction=1e-3), "converged"),
        (LBFGS(memory=3, tolerance=0.0), "converged"),
        (LBFGS(memory=3, evaluations=9), "evaluations"),
    ],
    ids=str,
)
def test_an_end_leaves_everything_as_it_was_and_comes_again(engine, rule, reason):
    run, net, data = started(ENGINES[engine](), rule, sizes=(3, 2))
    for k in range(200):
        assert run.ended is None
        before = bits(net, run.state)
        if not len(run.steps(*data, ORDER, RATE, k, 0)):
            break
    assert run.ended is not None
    assert run.ended.reason == reason
    assert bits(net, run.state) == before
    other, copy, _ = started(ENGINES[engine](), rule, sizes=(3, 2))
    other.state = run.state
    assert not len(other.steps(*data, ORDER, RATE, 0, 0))
    assert other.ended == run.ended
    assert bits(copy, other.state) == before
    other.state = dataclasses.replace(other.state, theta=Network([3, 2], seed=9).theta, evaluations=0)
    assert other.ended is None


@engines
def test_the_order_of_the_rows_is_no_matter_and_rows_left_out_are_not_computed_with(engine):
    run, net, (X_, T_, weight) = started(ENGINES[engine]())
    part, copy, _ = started(ENGINES[engine](), batch_size=12)
    alone, third, _ = started(ENGINES[engine](), batch_size=12)
    kept = np.sort(RNG.permutation(20)[:12])
    inside = X_[kept], T_[kept], weight[kept]
    for k in range(4):
        run.steps(X_, T_, weight, RNG.permutation(20), RATE, k, 0)
        part.steps(X_, T_, weight, RNG.permutation(kept), RATE, k, 0)
        alone.steps(*inside, np.arange(12), RATE, k, 0)
    assert copy.theta.tobytes() == third.theta.tobytes() != net.theta.tobytes()
    plain, fourth, _ = started(ENGINES[engine]())
    for k in range(4):
        plain.steps(X_, T_, weight, ORDER, RATE, k, 0)
    assert fourth.theta.tobytes() == net.theta.tobytes()


@engines
def test_weights_and_examples_that_change_on_the_way_are_seen(engine):
    run, net, data = started(ENGINES[engine]())
    run.steps(*data, ORDER, RATE, 0, 0)
    other, copy, _ = started(ENGINES[engine]())
    other.state = run.state
    net.theta += 0.5
    other.state = dataclasses.replace(other.state, theta=copy.theta + np.float32(0.5))
    assert run.steps(*data, ORDER, RATE, 1, 0) == other.steps(*data, ORDER, RATE, 1, 0)
    assert bits(net, run.state) == bits(copy, other.state)
    moved = data[0] + 1, *data[1:]
    other.state = run.state
    assert run.steps(*moved, ORDER, RATE, 2, 0) == other.steps(*moved, ORDER, RATE, 2, 0)
    assert bits(net, run.state) == bits(copy, other.state)


@engines
def test_a_cost_that_is_not_finite_is_handed_on(engine):
    run, net, data = started(ENGINES[engine](), dtype="float32")
    net.theta[:] = np.nan
    assert not np.isfinite(run.steps(*data, ORDER, RATE, 0, 0)).any()


@engines
def test_a_state_of_another_shape_is_refused_and_one_without_slots_begins_without_pairs(engine):
    run, net, data = started(ENGINES[engine]())
    for k in range(3):
        run.steps(*data, ORDER, RATE, k, 0)
    saved, before = run.state, bits(net, run.state)
    for wrong in (RunState(saved.theta[:-1], saved.slots, 1), RunState(saved.theta, saved.slots[:4], 1)):
        with pytest.raises(EngineError, match="the state has shapes"):
            run.state = wrong
    assert bits(net, run.state) == before
    saved.slots[...] = 7
    assert bits(net, run.state) == before
    run.state = RunState(saved.theta, saved.slots[:0], 3)
    assert (run.state.slots.shape, run.state.slots.any(), run.state.step) == ((6, net.theta.size), False, 3)


@engines
def test_wrong_orders_are_refused_and_no_rates_are_no_update(engine):
    run, net, data = started(ENGINES[engine]())
    before = bits(net, run.state)
    for order, rates in ((np.arange(21), 1), (np.arange(20) + 1, 1), (np.arange(20) / 1, 1)):
        with pytest.raises(EngineError):
            run.steps(*data, order, np.ones(rates), 0, 0)
    with pytest.raises(EngineError, match="T 19"):
        run.steps(data[0], data[1][:19], None, ORDER, RATE, 0, 0)
    assert run.steps(*data, ORDER[:0], RATE[:0], 0, 0).shape == (0,)
    assert bits(net, run.state) == before
    assert run.ended is None
