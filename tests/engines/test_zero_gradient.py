"""A gradient that is exactly 0 stays 0: errors that cancel move no weight, whatever the number of rows."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines import available
from chainrule.network import Network
from chainrule.optimizers import LBFGS, Adam, Clip, RMSProp, RProp

engines = pytest.mark.parametrize("engine", available())
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


def balanced(m, dtype):
    """A network of weights 0, and m rows whose errors m - 1, -1, ..., -1 sum to 0; every partial sum is exact."""
    X, T = np.full((m, 1), 0.375, dtype), np.ones((m, 1), dtype)
    T[0] = 1 - m
    return Network([1, 1], output="identity", initializer=np.zeros(2), dtype=dtype), X, T


@engines
@dtypes
@pytest.mark.parametrize("m", [3, 5, 6, 7, 12, 20, 1025, 3000])
def test_errors_that_cancel_give_a_gradient_of_exactly_0(m, dtype, engine):
    net, X, T = balanced(m, dtype)
    for weight in (None, np.full(m, 3.7), np.full((m, 1), 0.3)):
        assert not net.gradient(X, T, weight, engine=engine).any()


@engines
@dtypes
@pytest.mark.parametrize("m", [3, 7, 9001])
@pytest.mark.parametrize("rule", [RProp(0.01), Adam(0.01), RMSProp(0.01), LBFGS()], ids=lambda rule: rule.name)
@pytest.mark.parametrize("clip", [None, Clip(norm=1.0), Clip(value=0.1)], ids=["free", "norm", "value"])
def test_no_rule_moves_a_weight_whose_gradient_is_0(rule, clip, m, dtype, engine):
    net, X, T = balanced(m, dtype)
    if not (clip and rule.line_search):
        cr.fit(net, X, T, optimizer=rule, clip=clip, batch_size=m, epochs=2, engine=engine)
    assert not net.theta.any()


@engines
@dtypes
@pytest.mark.parametrize("m", [1, 2, 3, 7, 20])
def test_the_mean_is_the_finished_sum_times_1_over_m(m, dtype, engine):
    rng = np.random.default_rng(m)
    X, T = (rng.integers(-4, 5, (m, k)).astype(dtype) for k in (3, 2))
    net = Network([3, 2], output="identity", initializer=np.ones(8), dtype=dtype)
    sums = np.concatenate(
        [(X.T @ (X.sum(axis=1, keepdims=True) + 1 - T)).ravel(), (X.sum(axis=1)[:, None] + 1 - T).sum(0)]
    )
    exact = (sums.astype("float64") / m).astype(dtype)
    found = net.gradient(X, T, engine=engine)
    np.testing.assert_allclose(found, exact, rtol=2 * np.finfo(dtype).eps, atol=0)
