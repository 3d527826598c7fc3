"""Ends of a descent without a small gradient: a cost that falls without bound, the precision of the arithmetic."""

import json
import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import run

UNBOUNDED = {
    "a line": (lambda x: x, 1.0),
    "a flat line": (lambda x: 1e-6 * x, 1.0),
    "a steep line": (lambda x: 1e12 * x, 1e-3),
    "a line above 0": (lambda x: 1e9 + x, 1.0),
    "a line from 1e8": (lambda x: x, 1e8),
    "a line from 1e10": (lambda x: x, 1e10),
    "a line from 1e12": (lambda x: x, 1e12),
    "a line up": (lambda x: -x, -5.0),
    "a plane": (lambda x, y: 1e-3 * x - y, (1e7, 1e5)),
    "a plane of many variables": (np.sum, np.zeros(50)),
    "a plane and a valley": (lambda x, y: x + y**2, (1.0, 5.0)),
    "a slanted valley": (lambda x, y: (x - y) ** 2 + x, (1.0, 1.0)),
    "a slanted bowl": (lambda x, y, z: x + y + (x - y) ** 2 + 100 * (z - x) ** 2, (0.0, 0.0, 1.0)),
    "a cube": (lambda x: x**3, -1.0),
    "a cube beyond its hill": (lambda x: x**3 - 6 * x, -5.0),
    "a cube and a bowl": (lambda x, y: x**3 + y**2 + x * y, (-1.0, 1.0)),
    "a bowl upside down": (lambda x: -(x**2), 1.0),
    "a saddle": (lambda x, y: x**2 - y**2, (1.0, 0.1)),
    "a product": (lambda x, y: x * y, (1.0, 2.0)),
    "powers": (lambda x, y: x**4 - y**5, (1.0, 1.0)),
    "a power below 2": (lambda x: -(x**1.5), 1.0),
    "a power below 1": (lambda x: -(x**0.9), 1.0),
    "a root": (lambda x: -np.sqrt(x), 1.0),
    "a line and a logarithm": (lambda x: -x - np.log(x), 1.0),
    "a roof": (lambda x: -abs(x), 3.0),
    "a rough slope": (lambda x: x + np.sin(x), 1.0),
    "an exponential": (lambda x: -np.exp(x), 1.0),
    "a product with an exponential": (lambda x: -x * np.exp(x), 1.0),
}

BOUNDED = {  # functions whose minimum is far away, whose cost is large or negative, or that are scaled
    "from afar": (lambda x: (x - 3) ** 2, 1e8),
    "from further": (lambda x, y: (x - 3) ** 2 + 5 * (y + x) ** 2 - 1e3, (1e15, -1e12)),
    "far away": (lambda x: (x - 1e12) ** 2, 0.0),
    "far away and negative": (lambda x: x**2 - 2e12 * x, 0.0),
    "further away": (lambda x: x + 1e-20 * x**2, 0.0),
    "far away, two scales": (lambda x, y: x + y + 1e-20 * x**2 + 1e-18 * y**2, (0.0, 0.0)),
    "far away, both signs": (lambda x, y: (x - 1e9) ** 2 + 1e4 * (y + 1e9) ** 2 - 1e24, (0.0, 0.0)),
    "a far quartic": (lambda x: 1e-30 * x**4 - x, 0.0),
    "a far bend": (lambda x: np.exp(1e-9 * x) - 1e-3 * x, 0.0),
    "a far edge": (lambda x: 1e-6 * x - np.log(x), 1.0),
    "a valley from afar": (lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2, (1e3, -1e3)),
    "a large cost": (lambda x, y: 1e12 + (x - y) ** 2 + x**2, (1.0, 3.0)),
    "a very negative cost": (lambda v: 1e-10 * ((v - 1e15) ** 2).sum() - 1e25, np.zeros(5)),
    "scaled up": (lambda x, y: 1e40 * (x**2 - x + (y - x) ** 2), (3.0, 1.0)),
    "an asymptote": (lambda x: np.exp(-x), 0.0),
    "an asymptote, slowly reached": (lambda x: 1 / x, 1.0),
    "a rough bowl": (lambda x: 1e-6 * x**2 + np.cos(x), 1e3),
}


@pytest.mark.parametrize("case", UNBOUNDED)
def test_a_cost_that_falls_without_bound_is_named_soon(case):
    f, v0 = UNBOUNDED[case]
    result = cr.minimize(f, v0)
    assert (result.success, result.status, result.history.stopped) == (False, 6, "diverged"), result.message
    assert result.nit <= 150
    assert re.match(r"the cost falls without bound after \d+ steps: a step of \S+ still lowered it to ", result.message)
    assert result.fun == min(result.path_costs)


@pytest.mark.parametrize("case", BOUNDED)
def test_a_cost_with_a_far_minimum_does_not_fall_without_bound(case):
    f, v0 = BOUNDED[case]
    result = cr.minimize(f, v0)
    assert result.success, result.message


@pytest.mark.parametrize("seed", range(5))
def test_bowls_of_many_scales_do_not_fall_without_bound(seed):
    rng = np.random.default_rng(seed)
    curvature, slope = 10.0 ** rng.uniform(-20, 0, 10), rng.normal(size=10)
    assert cr.minimize(lambda v: slope @ v + curvature @ v**2, np.zeros(10), max_steps=200).status != 6


def test_other_rules_name_it_too():
    assert cr.minimize(lambda x: x**3, -1.0, optimizer=cr.SGD(0.1)).status == 6


@pytest.mark.parametrize(("formula", "start"), [("x", "1"), ("x^3", "-1")])
def test_the_command_line_ends_with_1_where_the_cost_falls_without_bound(formula, start, capsys):
    assert run(["minimize", formula, f"--start={start}"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("the cost falls without bound after ")
    assert out.endswith("(the best point so far)\n")
    assert run(["minimize", formula, f"--start={start}", "--json"]) == 1
    end = json.loads(capsys.readouterr().out)
    assert (end["success"], end["status"]) == (False, 6)


# ---- the precision of the arithmetic


def squares(seed, rows, columns, scale, noise):
    """Sum of squares, and its exact minimum."""
    rng = np.random.default_rng(seed)
    A, b = scale * rng.normal(size=(rows, columns)), noise * rng.normal(size=rows)
    best = np.linalg.lstsq(A, b, rcond=None)[0]
    return lambda v: ((A @ v - b) ** 2).sum(), ((A @ best - b) ** 2).sum()


@pytest.mark.parametrize("noise", [1.0, 1e4])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 100.0, 1e6])
@pytest.mark.parametrize(("rows", "columns"), [(200, 8), (50, 3)])
def test_a_sum_of_squares_converges_to_the_precision_of_its_cost(rows, columns, scale, noise):
    f, least = squares(rows, rows, columns, scale, noise)
    result = cr.minimize(f, np.zeros(columns))
    assert result.success, result.message
    assert result.fun <= least * (1 + 1e-12)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 100.0, 1e6])
def test_by_central_differences_it_converges_too_or_gets_advice(scale):
    """Differences of a large cost are so coarse that the curvature may be unknown."""
    f, least = squares(200, 200, 8, scale, 1e4)
    result = cr.minimize(f, np.zeros(8), "central")
    assert result.fun <= least * (1 + 1e-12)
    if not result.success:
        relative = float(re.search(r"a relative_tolerance of (\S+) would", result.message)[1])
        assert cr.minimize(f, np.zeros(8), "central", relative_tolerance=relative).success


def test_a_convergence_by_rounding_says_so():
    result = cr.minimize(squares(0, 1000, 20, 100.0, 1.0)[0], np.zeros(20))
    assert np.abs(result.jac).max() > 1e-8
    pattern = r"converged after \d+ steps to the precision of the arithmetic: max\|dC/dv\| is \S+ > 1e-08, but a"
    assert re.match(pattern, result.message)


def test_a_cost_scaled_up_converges_to_the_precision_of_the_point():
    result = cr.minimize(lambda x, y: 1e20 * ((1 - x) ** 2 + (y - x**2) ** 2), (-1.0, 2.0))
    assert result.success, result.message
    np.testing.assert_allclose(result.x, 1, rtol=1e-14)


@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_a_start_at_the_minimum_converges_to_the_precision_at_once(scale):
    f = squares(0, 300, 8, scale, 1.0)[0]
    first = cr.minimize(f, np.zeros(8))
    again = cr.minimize(f, first.x)
    assert again.success, again.message
    assert again.nit <= 3


def test_a_saddle_of_a_large_cost_is_not_a_minimum_by_rounding():
    assert cr.minimize(lambda x, y: 1e12 + x**2 + 0.3 * x**4 - y**2 + y**4, (1.0, 0.0)).status == 5


def test_a_cost_rougher_than_its_arithmetic_names_a_relative_tolerance_that_accepts_it():
    f = squares(0, 50, 3, 100.0, 1.0)[0]

    def rough(v):
        return float(np.float32(f(v)))

    def gradient(v):
        return np.array([(f(v + e) - f(v - e)) / 2e-3 for e in 1e-3 * np.eye(3)])

    result = cr.minimize(rough, np.zeros(3), gradient)
    assert (result.success, result.status) == (False, 4)
    advice = re.search(r"a relative_tolerance of (\S+) would accept this point", result.message)
    assert advice is not None, result.message
    assert cr.minimize(rough, np.zeros(3), gradient, relative_tolerance=float(advice[1])).success


def test_a_wrong_gradient_gets_no_advice():
    result = cr.minimize(lambda v: v @ v, np.ones(2), lambda v: 2 * v if v[0] > 0.9 else -2 * v)
    assert result.status == 4, result.message
    assert "relative_tolerance" not in result.message
