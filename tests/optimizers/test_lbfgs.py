"""L-BFGS: the recursion of BFGS with the same pairs, the steps of SciPy's L-BFGS-B, and where it ends."""

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der

from chainrule.errors import SettingError
from chainrule.optimizers import LBFGS, OPTIMIZERS, Ending, Point
from chainrule.optimizers.lbfgs import MAX_POINTS, direction

START = np.array([-1.2, 1.0, 0.5])


def rosenbrock(theta):
    return rosen(theta), rosen_der(theta)


def parabola(A):
    return lambda theta: (theta @ A @ theta / 2, A @ theta)


def positive(rng, n, low=1.0, high=100.0):
    """A random symmetric matrix with eigenvalues from `low` to `high`."""
    Q, _ = np.linalg.qr(rng.normal(size=(n, n)))
    return (Q * np.geomspace(low, high, n)) @ Q.T


class Counted:
    """An objective that counts its calls and remembers the types of theta."""

    def __init__(self, f):
        self.f, self.calls, self.types = f, 0, set()

    def __call__(self, theta):
        self.calls += 1
        self.types.add(theta.dtype)
        return self.f(theta)


def descent(f, start, rule=None, most=2000, **search):
    """The points of a descent from the start on, the slots after each, and the ending, if it came to one."""
    rule = rule or LBFGS()
    theta = np.array(start)
    points, slots, ending = [Point(theta, *f(theta))], [(np.zeros_like(theta),) * rule.slots], None
    while len(points) <= most and ending is None:
        update = rule.search(f, points[-1], slots[-1], getattr(f, "calls", 0), **search)
        if isinstance(update, Ending):
            ending = update
        else:
            points.append(update[0])
            slots.append(update[1])
    return points, slots, ending


# ---- the recursion


def test_the_recursion_is_the_inverse_of_bfgs_from_the_same_pairs():
    """H+ = (1 - rho s yᵀ) H (1 - rho y sᵀ) + rho s sᵀ, from the scale of the newest pair, as a matrix."""
    rng = np.random.default_rng(0)
    A = positive(rng, 6)
    for count in range(1, 8):
        steps = rng.normal(size=(count, 6))
        pairs = [(s, A @ s + 0.1 * rng.normal(size=6)) for s in steps]
        assert all(s @ y > 0 for s, y in pairs)
        s, y = pairs[-1]
        H = np.eye(6) * (s @ y) / (y @ y)
        for s, y in pairs:
            V = np.eye(6) - np.outer(y, s) / (s @ y)
            H = V.T @ H @ V + np.outer(s, s) / (s @ y)
        g = rng.normal(size=6)
        np.testing.assert_allclose(direction(g, pairs), -H @ g, rtol=1e-10)


def test_without_pairs_it_is_the_direction_of_steepest_descent_of_length_1():
    np.testing.assert_allclose(direction(np.array([3.0, -4.0]), []), [-0.6, 0.8], rtol=1e-15)
    np.testing.assert_allclose(direction(np.array([3e300, -4e300]), []), [-0.6, 0.8], rtol=1e-15)


@pytest.mark.parametrize("memory", [1, 3, 10])
def test_the_slots_are_the_last_steps_and_changes_of_the_gradient_oldest_first(memory):
    points, slots, _ = descent(rosenbrock, START, LBFGS(memory=memory), most=8)
    for k in range(9):
        S, Y = np.zeros((2, memory, 3))
        for place, j in enumerate(range(k, max(k - memory, 0), -1), start=1):
            S[-place] = points[j].theta - points[j - 1].theta
            Y[-place] = points[j].gradient - points[j - 1].gradient
        assert np.array(slots[k]).tolist() == [*S.tolist(), *Y.tolist()]


def test_a_pair_without_positive_curvature_is_left_out():
    """Downhill ever more steeply: no point satisfies Wolfe's conditions, the lowest one that was tried is taken."""
    hill = Counted(lambda v: (-float(v[0] ** 2), -2 * v))
    points, slots, _ = descent(hill, [1.0], most=1)
    assert points[1].cost < points[0].cost
    assert not np.array(slots[1]).any()
    assert hill.calls <= 1 + MAX_POINTS


# ---- the steps


@pytest.mark.parametrize("memory", [1, 3, 10])
def test_the_steps_are_those_of_l_bfgs_b(memory):
    """SciPy computes the same in another way; rounding grows along the descent, so that only its first part agrees."""
    expected = []
    options = {"maxcor": memory, "gtol": 1e-5, "ftol": 0.0}
    theirs = minimize(
        rosenbrock, START, jac=True, method="L-BFGS-B", options=options, callback=lambda x: expected.append(x.copy())
    )
    f = Counted(rosenbrock)
    points, _, ending = descent(f, START, LBFGS(memory=memory))
    np.testing.assert_allclose([point.theta for point in points[1:11]], expected[:10], rtol=1e-6)
    np.testing.assert_allclose(points[-1].theta, 1, atol=1e-5)
    assert ending.reason == "converged"
    assert abs(len(points) - 1 - theirs.nit) <= 0.1 * theirs.nit + 1
    assert f.calls <= 1.1 * theirs.nfev + 1


@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_a_parabola_takes_about_n_steps(n):
    """With exact line searches it would take n; these are rougher, and the first step knows nothing of the scale."""
    rng = np.random.default_rng(n)
    A, start = positive(rng, n, 1.0, 10.0), rng.normal(size=n)
    points, _, ending = descent(parabola(A), start, LBFGS(memory=20, tolerance=1e-8))
    assert ending.reason == "converged"
    assert len(points) - 1 <= 2 * n + 6
    np.testing.assert_allclose(points[-1].theta, 0, atol=1e-8)


def test_every_step_lowers_the_cost():
    costs = [point.cost for point in descent(rosenbrock, START)[0]]
    assert all(after < before for before, after in itertools.pairwise(costs))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_theta_keeps_its_type_and_the_objective_sees_the_point_that_is_kept(dtype):
    f = Counted(lambda v: (float(rosen(v.astype(float))), rosen_der(v.astype(float)).astype(v.dtype)))
    points, slots, ending = descent(f, START.astype(dtype))
    assert f.types == {np.dtype(dtype)}
    assert {slot.dtype for slot in slots[-1]} == {np.dtype(dtype)}
    for point in points:
        cost, gradient = f(point.theta)
        assert (point.cost, point.gradient.tolist()) == (cost, gradient.tolist())
    assert ending.reason == "converged"
    np.testing.assert_allclose(points[-1].theta, 1, atol=1e-3 if dtype == "float32" else 1e-5)


def test_a_gradient_that_is_written_over_later_does_no_harm():
    buffer = np.empty(3)

    def f(theta):
        buffer[...] = rosen_der(theta)
        return rosen(theta), buffer

    rule, theta, slots = LBFGS(), START, (np.zeros(3),) * 20
    point = Point(theta, rosen(theta), rosen_der(theta))
    for expected in descent(rosenbrock, START, most=9)[0][1:]:
        point, slots = rule.search(f, point, slots)
        assert point.theta.tolist() == expected.theta.tolist()


def test_a_search_changes_nothing_that_it_is_given():
    points, slots, _ = descent(rosenbrock, START, most=5)
    before = [array.copy() for array in (*slots[-1], points[-1].theta, points[-1].gradient)]
    first, again = (LBFGS().search(rosenbrock, points[-1], slots[-1]) for _ in range(2))
    assert first[0].theta.tobytes() == again[0].theta.tobytes()
    for array, copy in zip((*slots[-1], points[-1].theta, points[-1].gradient), before, strict=True):
        assert array.tobytes() == copy.tobytes()


def test_where_the_pairs_lead_nowhere_they_are_forgotten():
    """C is finite along the gradient alone: along -H g no point is lower, so that the step is that of -g."""
    whole, rule = parabola(np.diag([1.0, 3.0])), LBFGS(memory=2)
    here = Point(np.ones(2), *whole(np.ones(2)))

    def along_the_gradient(v):
        step = v - 1
        aside = abs(np.linalg.det([step, here.gradient]))
        return whole(v) if aside <= 1e-6 * np.linalg.norm(step) else (np.inf, v)

    rough = Counted(along_the_gradient)
    pairs = tuple(np.array(slot) for slot in ([0.0, 0.0], [1.0, 0.0], [0.0, 0.0], [1.0, 0.2]))
    point, slots = rule.search(rough, here, pairs)
    assert point.theta.tolist() == rule.search(whole, here, (np.zeros(2),) * 4)[0].theta.tolist()
    assert MAX_POINTS // 2 < rough.calls <= 2 * MAX_POINTS
    assert not slots[0].any()
    assert slots[1].tolist() == (point.theta - 1).tolist()


# ---- the ends


def test_it_ends_at_the_tolerance():
    for tolerance in (1e-1, 1e-8):
        points, _, ending = descent(rosenbrock, START, LBFGS(tolerance=tolerance))
        largest = [abs(point.gradient).max() for point in points]
        assert largest[-1] <= tolerance < min(largest[:-1])
        assert ending == Ending("converged", f"converged: max|dC/dtheta| is {largest[-1]:.2g} ≤ {tolerance:g}")
        other = descent(rosenbrock, START, LBFGS(tolerance=1.0), tolerance=tolerance)[0]
        assert other[-1].theta.tolist() == points[-1].theta.tolist()


def test_it_ends_where_an_update_gains_too_little():
    whole = [point.cost for point in descent(rosenbrock, START)[0]]
    points, _, ending = descent(rosenbrock, START, LBFGS(reduction=1e-3))
    costs = [point.cost for point in points]
    assert costs == whole[: len(costs)]
    gains = [(before - after) / max(before, 1) for before, after in itertools.pairwise(whole)]
    assert gains[len(costs) - 1] <= 1e-3 < min(gains[: len(costs) - 1])
    assert (ending.reason, "lowers the cost only by" in ending.message) == ("converged", True)


def test_it_ends_once_the_cost_was_computed_too_often():
    f = Counted(rosenbrock)
    points, _, ending = descent(f, START, LBFGS(evaluations=9))
    assert ending == Ending("evaluations", f"the cost was computed {f.calls} times, which is more than allowed")
    assert 9 < f.calls <= 9 + MAX_POINTS
    f = Counted(rosenbrock)
    assert len(descent(f, START, LBFGS(evaluations=0))[0]) > len(points)


def test_at_the_bottom_there_is_no_update():
    f = Counted(rosenbrock)
    points, _, ending = descent(f, np.ones(3))
    assert (len(points), f.calls, ending.reason) == (1, 1, "converged")


def test_a_flat_cost_is_at_its_bottom():
    assert len(descent(lambda v: (5.0, np.zeros(3)), START, LBFGS(tolerance=0.0))[0]) == 1


def test_a_gradient_that_points_downhill_where_nothing_is_lower_ends_it():
    for wrong in (lambda v: (5.0, np.ones(3)), lambda v: (float(v @ v), -2 * v)):
        f = Counted(wrong)
        points, _, ending = descent(f, START)
        assert (len(points), ending.reason) == (1, "converged")
        assert "no longer falls" in ending.message
        assert f.calls <= 1 + MAX_POINTS


def test_a_rough_cost_ends_where_it_no_longer_falls():
    f = Counted(lambda v: (float(np.float32(rosen(v))), rosen_der(v.astype(np.float32))))
    points, _, ending = descent(f, START, LBFGS(tolerance=0.0))
    assert ending.reason == "converged"
    assert f.calls < 500
    np.testing.assert_allclose(points[-1].theta, 1, atol=1e-2)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_from_a_cost_or_gradient_that_is_not_finite_the_update_shows_it(bad):
    for point in (Point(START, bad, START), Point(START, 1.0, START * bad)):
        there, slots = LBFGS(memory=1).search(rosenbrock, point, (np.zeros(3),) * 2)
        assert not (np.isfinite(there.cost) and np.isfinite(there.theta).all())
        assert not np.array(slots).any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("steep", [1.0, 1e4])
def test_points_that_are_not_finite_are_kept_away_from(bad, steep):
    """-log x + x for x > 0, with the start near 0 or far up: a first step of length 1 leads where there is no cost."""

    def f(v):
        inside = bool((v > 0).all())
        return (float((v - np.log(np.where(v > 0, v, 1))).sum()) if inside else bad, 1 - 1 / np.where(v > 0, v, np.nan))

    points, _, ending = descent(f, np.array([1.5, 0.5 / steep]))
    assert ending.reason == "converged"
    np.testing.assert_allclose(points[-1].theta, 1, atol=1e-4)


def test_an_overflow_on_the_way_is_kept_away_from():
    def f(v):
        with np.errstate(all="ignore"):
            return float(np.exp(900 * v[0]) - v[0]), np.array([900 * np.exp(900 * v[0]) - 1])

    points, _, ending = descent(f, np.array([-0.5]))
    assert ending.reason == "converged"
    assert points[-1].theta[0] == pytest.approx(-np.log(900) / 900, rel=1e-4)


BORDERS = {  # costs that fall until they are no longer defined
    "flat": (lambda x: x, lambda x: 1.0, 1.0),
    "steeper and steeper": (np.sqrt, lambda x: 0.5 / np.sqrt(x), 1.0),
    "in sight of the next number": (lambda x: -np.sqrt(x) if x <= 4 else np.nan, lambda x: -0.5 / np.sqrt(x), 1.0),
}


@pytest.mark.parametrize("name", BORDERS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_search_that_ends_at_the_border_of_the_domain_says_so(name, bad):
    value, slope, start = BORDERS[name]

    def f(v):
        x = v[0]
        inside = x > 0 and np.isfinite(value(x))
        return (float(value(x)), np.array([slope(x)])) if inside else (bad, np.array([np.nan]))

    points, _, ending = descent(f, np.array([start]), LBFGS(tolerance=0.0))
    assert (ending.reason, ending.at_border) == ("converged", True)
    assert "no longer falls" not in ending.message
    assert points[-1].cost < points[0].cost


def test_a_search_that_ends_by_rounding_is_not_at_a_border():
    for f, start in [
        (lambda v: (float(1e6 * v[0] - np.log(v[0])), 1e6 - 1 / v) if v[0] > 0 else (np.inf, v), 3.0),
        (lambda v: (float(v[0]), np.ones(1)), 1e30),  # no step is long enough here
    ]:
        _, _, ending = descent(f, np.array([start]), LBFGS(tolerance=0.0))
        assert (ending.reason, ending.at_border) == ("converged", False)
        assert "no longer falls" in ending.message


def test_what_the_objective_raises_comes_out():
    def f(theta):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LBFGS().search(f, Point(START, *rosenbrock(START)), (np.zeros(3),) * 20)


# ---- the entry


def test_the_entry_says_what_it_is():
    assert OPTIMIZERS.get("lbfgs") == LBFGS() == OPTIMIZERS.get(LBFGS().document())
    assert (LBFGS.full_batch, LBFGS.line_search, LBFGS(memory=7).slots) == (True, True, 14)
    ends = {"tolerance": 1e-5, "reduction": 0.0, "evaluations": 0}
    assert LBFGS(memory=np.int64(3)).document() == {"name": "lbfgs", "learning_rate": 1.0, "memory": 3, **ends}
    with pytest.raises(SettingError, match="lbfgs has no single update"):
        LBFGS().update(START, START, (), 1.0, 1)


def test_a_rule_without_a_line_search_has_no_search():
    with pytest.raises(TypeError, match="SGD does not define search"):
        OPTIMIZERS.get("sgd").search(rosenbrock, Point(START, *rosenbrock(START)), ())


@pytest.mark.parametrize("setting", [{"memory": m} for m in (0, -1, 1.5, True, "3")] + [{"learning_rate": 0.1}])
def test_a_parameter_out_of_range_is_refused_in_one_line(setting):
    ((name, _),) = setting.items()
    with pytest.raises(SettingError, match=rf"^{name} of lbfgs is [^\n]*, but must be [^\n]*$"):
        LBFGS(**setting)
