"""Every optimizer down a parabola, the valleys of Rosenbrock and Beale, and along the noisy gradients of a mean."""

import itertools

import numpy as np
import pytest
from scipy.optimize import check_grad

from chainrule.optimizers import OPTIMIZERS, ScheduleFree
from chainrule.schedules import InverseScaling

from .valleys import RATES, VALLEYS, descend, path, searches, steps_to, with_rate, words

# How near the lowest point is, and within how many steps each rule comes there and stays.
NEAR = {"parabola": 1e-3, "rosenbrock": 0.05, "beale": 0.05}
MOST = 8000

rules = pytest.mark.parametrize("rule", RATES, ids=words)


def test_every_optimizer_has_rates_here():
    assert {type(rule) for rule in RATES} == set(OPTIMIZERS.classes())


@pytest.mark.parametrize("name", VALLEYS)
def test_the_gradients_are_those_of_the_functions(name):
    valley = VALLEYS[name]
    for v in np.random.default_rng(0).normal(size=(20, 2)):
        assert check_grad(valley.f, valley.gradient, v) <= 1e-5 * (1 + abs(valley.gradient(v)).max())
    assert valley.f(valley.lowest) == 0
    assert valley.gradient(np.array(valley.lowest)).tolist() == [0, 0]


@pytest.mark.parametrize("name", VALLEYS)
@rules
def test_every_optimizer_comes_to_the_lowest_point(rule, name):
    rate = RATES[rule][list(VALLEYS).index(name)]
    points = list(itertools.islice(path(with_rate(rule, rate), VALLEYS[name]), MOST))
    distances = np.abs(np.array(points) - VALLEYS[name].lowest).max(axis=1)
    assert distances[-100:].max() <= NEAR[name] if len(points) == MOST else distances[-1] <= 1e-6


def centres():
    """C_i(v) = |v - c_i|^2 / 2 for 64 points c_i; the mean of all is lowest in the mean of the points."""
    return np.random.default_rng(1).normal([1.0, -2.0], 1.0, (64, 2))


def batches(rows, size, seed=2):
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(len(rows))
        yield from (rows[order[k : k + size]] for k in range(0, len(rows), size))


@rules
def test_every_optimizer_settles_in_the_mean_of_a_noisy_sum(rule):
    c, rate = centres(), RATES[rule][3]
    if rule.line_search:
        *_, last = searches(rule, lambda v: (((v - c) ** 2).sum() / 128, (v - c).mean(axis=0)), np.zeros(2))
        assert np.abs(last.theta - c.mean(axis=0)).max() <= 1e-4
        return
    drawn, fall = batches(c, len(c) if rule.full_batch else 8), InverseScaling(0.6)
    constant = rule.full_batch or isinstance(rule, ScheduleFree)  # which is the mean of its points
    factor = (lambda k: 1.0) if constant else lambda k: fall.factors(k, 1, 8, 1, [])[0]
    walk = descend(with_rate(rule, rate), lambda v: (v - next(drawn)).mean(axis=0), np.zeros(2), factor)
    points = np.array(list(itertools.islice(walk, 4000)))
    assert np.abs(points[-100:] - c.mean(axis=0)).max() <= 0.02


def test_without_a_falling_rate_the_noise_keeps_descent_away():
    """The check above can fail."""
    (rule, rates), c = next(iter(RATES.items())), centres()
    drawn = batches(c, 8)
    walk = descend(with_rate(rule, rates[3]), lambda v: (v - next(drawn)).mean(axis=0), np.zeros(2))
    points = np.array(list(itertools.islice(walk, 4000)))
    assert np.abs(points[-100:] - c.mean(axis=0)).max() > 0.05


def test_reaching_the_valley_means_staying_there():
    rule = with_rate(next(iter(RATES)), 0.1)
    assert steps_to(1e-3, rule, VALLEYS["parabola"], 1000) == next(
        k for k, v in enumerate(path(rule, VALLEYS["parabola"]), start=1) if VALLEYS["parabola"].f(v) <= 1e-3
    )
    assert steps_to(1e-3, with_rate(rule, 0.6), VALLEYS["parabola"], 1000) is None
