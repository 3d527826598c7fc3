"""What every engine keeps; written for the reference engine, and run for each that `ENGINES` has."""

import itertools

import numpy as np
import pytest

import chainrule.engines.reference as reference_module
from chainrule.architecture import Architecture
from chainrule.data.examples import as_examples, one_hot
from chainrule.engines import ENGINES, RunSettings, RunState, choose
from chainrule.errors import EngineError, UnknownNameError
from chainrule.network import Network
from chainrule.optimizers import SGD, Adam, Clip

from .conformance import (
    FACTORS,
    INTEGERS,
    OPTIMIZERS_TO_TRY,
    WIDTHS,
    N,
    bits,
    check_gradient,
    cost_of,
    covering,
    error_bound,
    gradient_of,
    in_float64,
    play,
    problem,
    product,
    words,
)

COVERING = covering(FACTORS)

engines = pytest.mark.parametrize("engine", ENGINES)


def cases(**held):
    """A test for each case of the covering set, some factors held still."""
    chosen = covering(FACTORS | {name: [value] for name, value in held.items()})
    return pytest.mark.parametrize("case", chosen, ids=words)


def test_a_covering_set_has_every_pair_of_values():
    pairs = [(f, i, g, j) for f, g in itertools.combinations(FACTORS, 2) for i in FACTORS[f] for j in FACTORS[g]]
    found = [(f, case[f], g, case[g]) for f, g in itertools.combinations(FACTORS, 2) for case in COVERING]
    assert [pair for pair in pairs if pair not in found] == []
    assert len(COVERING) < 40


# --- right numbers -------------------------------------------------------------------------------------------------


@engines
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("integers", INTEGERS, ids=str)
def test_small_integers_give_exactly_the_numbers_of_plain_numpy(engine, integers, dtype):
    W, b, X, T = integers.draw()
    A, twice_m_cost, m_gradient = integers.by_hand()
    cost, gradient = twice_m_cost / 2 / integers.m, m_gradient / integers.m
    net = Network(integers.sizes, "relu", "identity", initializer=(W, b), dtype=dtype)
    data = as_examples(net.architecture, X, T, None, net.dtype)
    np.testing.assert_array_equal(net.predict(X, engine=engine), A)
    assert net.cost(X, T, engine=engine) == cost
    np.testing.assert_array_equal(net.gradient(X, T, engine=engine), gradient)
    trained = net.copy()
    run = ENGINES[engine]().start(net.architecture, trained.theta, RunSettings(SGD(), integers.m, data.total))
    assert run.steps(*data[:3], data.rows, np.array([0.5]), 0, 0).tolist() == [cost]
    np.testing.assert_array_equal(trained.theta, net.theta - 0.5 * gradient)


@engines
@cases()
def test_gradient_cost_and_predict_are_within_the_error_bound_of_float64(engine, case):
    p = problem(**case)
    exact, bound = gradient_of("reference", in_float64(p)), error_bound(p)
    check_gradient(gradient_of(engine, p), exact, bound)
    eps = np.finfo(p.theta.dtype).eps
    assert cost_of(engine, p) == pytest.approx(cost_of("reference", in_float64(p)), rel=100 * eps, abs=100 * eps)
    wide = in_float64(p)
    A = ENGINES[engine]().predict(p.architecture, p.theta, p.data.X)
    exact_A = ENGINES["reference"]().predict(wide.architecture, wide.theta, wide.data.X)
    np.testing.assert_allclose(A, exact_A, rtol=100 * eps, atol=100 * eps)


WRONG = {
    "zeros": lambda p, g: np.zeros_like(g),
    "twice": lambda p, g: 2 * g,
    "the sum in place of the mean": lambda p, g: N * g,
    "transposed": lambda p, g: np.concatenate([g[:24].reshape(4, 6).T.ravel(), g[24:]]),
    "without biases": lambda p, g: np.concatenate([g[:24], np.zeros(6), g[30:]]),
    "without the last bias": lambda p, g: np.concatenate([g[:-1], [0]]),
    "without weights": lambda p, g: gradient_of("reference", p, p.data._replace(weight=None)),
    "off by one row": lambda p, g: gradient_of("reference", p, p.data._replace(X=np.roll(p.data.X, 1, axis=0))),
    "without its last row": lambda p, g: gradient_of(
        "reference", p, p.data._replace(X=p.data.X[:-1], T=p.data.T[:-1], weight=p.data.weight[:-1])
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_the_error_bound_rejects_wrong_gradients(wrong):
    p = problem(hidden=(6,), weight="rows")
    g = gradient_of("reference", p)
    exact, bound = gradient_of("reference", in_float64(p)), error_bound(p)
    with pytest.raises(AssertionError, match="outside the bound"):
        check_gradient(WRONG[wrong](p, g), exact, bound)


@engines
@cases(dropout=0.0)
def test_steps_are_the_loop_of_gradient_clip_and_update_written_by_hand(engine, case):
    p = problem(**case)
    run, theta = p.start(engine)
    costs = play(run, p, epochs=[0])
    s, m, rows = p.settings, p.settings.batch_size, p.order(0)
    by_hand, slots, expected = p.theta, (np.zeros_like(theta),) * s.optimizer.slots, []
    for k, rate in enumerate(p.rates()):
        batch = p.data.at(rows[k * m : (k + 1) * m]) if False else p.batch(rows[k * m : (k + 1) * m])
