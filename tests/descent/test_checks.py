"""What a descent finds out by itself: a default that converges, a given gradient that is wrong, a saddle, names."""

import numpy as np
import pytest
import scipy.optimize

import chainrule as cr
from chainrule.descent import descend
from chainrule.descent.comparison import check_gradient
from chainrule.descent.curvature import falls_nearby
from chainrule.errors import SettingError
from chainrule.optimizers import Point

A = np.array([[4.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 100.0]])


def rosenbrock(x, y):
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def rosenbrock_gradient(x, y):
    return -2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)


# --- the default ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "v0", "minimum"),
    [
        (rosenbrock, (-1.0, 2.0), (1.0, 1.0)),
        (lambda x: -np.cos(x) + x**2 / 10, 2.0, 0.0),
        (lambda v: v @ v, [3.0, 4.0], [0.0, 0.0]),
        (lambda v: v @ A @ v / 2, np.ones(3), np.zeros(3)),
        (lambda v: np.sum((v - 3) ** 2), np.zeros((2, 2)), np.full((2, 2), 3.0)),
        (lambda v: 1e6 * (v[0] - 1) ** 2 + (v[1] + 2) ** 2, [5.0, 5.0], [1.0, -2.0]),
    ],
)
def test_the_default_converges_without_a_learning_rate(f, v0, minimum):
    result = cr.minimize(f, v0)
    assert result.success, result.message
    assert np.allclose(result.x, minimum, rtol=0, atol=1e-7)


@pytest.mark.parametrize("more", [{"schedule": "constant"}, {"clip": cr.Clip(norm=9.0)}, {"examples": 4}])
def test_the_default_takes_what_a_line_search_does_not(more):
    result = cr.minimize(lambda v, *rows: np.sum((v - 3) ** 2), np.zeros(2), **more)
    assert result.success
    assert result.history.rate[0] == 0.1


# --- a relative tolerance ---------------------------------------------------------------------------------------------


def test_a_relative_tolerance_ends_where_the_cost_is_large():
    settings = {"optimizer": cr.SGD(0.1), "max_steps": 500, "tolerance": 0}
    costs = {scale: cr.minimize(lambda v, c=scale: c + v @ v, [1.0, 2.0], relative_tolerance=1e-6, **settings)
             for scale in (1.0, 1e6)}  # fmt: skip
    assert all(result.success for result in costs.values())
    assert costs[1e6].nit < costs[1.0].nit
    for result in costs.values():
        here, before = (np.abs(2 * v).max() * max(1, np.abs(v).max()) for v in (result.path[-1], result.path[-2]))
        assert here <= 1e-6 * result.fun
        assert before > 1e-6 * result.path_costs[-2]
        assert "≤ 1e-06 of the cost" in result.message


def test_no_relative_tolerance_is_the_default():
    result = cr.minimize(lambda v: 1e9 + v @ v, [1.0], optimizer=cr.SGD(0.25), max_steps=9)
    assert (result.status, result.nit) == (1, 9)


# --- a gradient that is given -----------------------------------------------------------------------------------------

WRONG = {
    "sign": lambda x, y: (-rosenbrock_gradient(x, y)[0], rosenbrock_gradient(x, y)[1]),
    "order": lambda x, y: rosenbrock_gradient(x, y)[::-1],
    "factor": lambda x, y: (rosenbrock_gradient(x, y)[0], 2 * rosenbrock_gradient(x, y)[1]),
    "term": lambda x, y: (rosenbrock_gradient(x, y)[0] + 2 * (1 - x), rosenbrock_gradient(x, y)[1]),
    "zeros": lambda x, y: (0.0, 0.0),
    "place": lambda x, y: rosenbrock_gradient(x + 0.1, y),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("v0", [(-1.0, 2.0), (0.5, -3.0), (3.0, 1e-3)])
def test_a_wrong_gradient_is_refused_in_one_line(wrong, v0):
    with pytest.raises(
        SettingError, match=r"the gradient is wrong at v0: dC/d[xy] is .*, but differences of f give "
    ) as e:
        cr.minimize(rosenbrock, v0, WRONG[wrong])
    assert "\n" not in str(e.value)
    cr.minimize(rosenbrock, v0, rosenbrock_gradient, max_steps=1)  # the right one is taken


def test_the_wrong_element_is_named_with_both_numbers():
    def both(w, b):
        return np.sum(w**2) + 3 * b, (2 * w * [1, 1, -1], 3.0)

    message = r"dC/dw\[2\] is -8, but differences of f give 8: correct it, or leave gradient out"
    with pytest.raises(SettingError, match=message):
        cr.minimize(both, (np.array([1.0, 2.0, 4.0]), 1.0), True)
    with pytest.raises(SettingError, match=r"dC/dx\[1\] is 4, but"):
        scipy.optimize.minimize(lambda x: x @ x, [1.0, 1.0], jac=lambda x: 2 * x * [1, 2], method=cr.scipy_method)
    with pytest.raises(SettingError, match="slope along random directions"):
        cr.minimize(lambda v: v @ v, np.ones(2000), lambda v: -2 * v)


def test_examples_are_compared_by_some_of_them():
    calls = []

    def cost(v, rows):
        calls.append(len(rows))
        return (v - rows / 5000) ** 2

    right = {"gradient": lambda v, rows: np.mean(2 * (v - rows / 5000)), "examples": 5000, "max_steps": 1}
    cr.minimize(cost, 1.0, **right)
    assert sum(calls) < 5000 * 3 + 6 * 1024
    with pytest.raises(SettingError, match="dC/dv is"):
        cr.minimize(cost, 1.0, **{**right, "gradient": lambda v, rows: np.sum(2 * (v - rows / 5000))})


def float32(f):
    """f in float32, as a number of Python that does not show it."""
    return lambda v: float(f(v.astype(np.float32)))


RNG = np.random.default_rng(0)
FINE = {  # what differences alone could take for wrong: the function, the start, its gradient
    "float32": (float32(lambda v: np.sum(np.tanh(v) ** 2)), [0.3, -2.0], lambda v: 2 * np.tanh(v) / np.cosh(v) ** 2),
    "float32, far from 0": (float32(lambda v: 1e5 + np.sum(v)), [1.0, 2.0], np.ones_like),
    "a kink": (lambda v: np.sum(np.maximum(v, 0)), [0.0, 0.0], np.zeros_like),
    "a kink on one side": (lambda v: np.sum(np.abs(v)), [0.0, 1.0], lambda v: np.array([-1.0, 1.0])),
    "a minimum": (lambda v: np.sum(v**2), [0.0, 0.0], lambda v: 2 * v),
    "a minimum of a large cost": (lambda v: 1e9 + np.sum((v - 1) ** 2), [1.0, 1.0], lambda v: 2 * (v - 1)),
    "a flat place": (lambda v: float(np.floor(v[0])), [0.5], np.zeros_like),
    "a short wave": (lambda v: np.sum(np.sin(1e6 * v)), [0.1, 0.2], lambda v: 1e6 * np.cos(1e6 * v)),
    "the border of the domain": (lambda v: -np.sqrt(v[0]) + v[0], [1e-9], lambda v: 1 - 0.5 / np.sqrt(v)),
    "noise": (lambda v: v @ v + RNG.normal(), [1.0, 1.0], lambda v: 2 * v),
    "large values": (lambda v: np.sum((v / 1e8) ** 2), [1e8, 2e8], lambda v: 2 * v / 1e16),
    "small values": (lambda v: np.sum((v / 1e-8) ** 2), [1e-8, 2e-8], lambda v: 2 * v / 1e-16),
}


@pytest.mark.parametrize("case", FINE)
def test_a_right_gradient_is_taken_where_differences_are_hard(case):
    f, v0, gradient = FINE[case]
    assert cr.minimize(f, v0, gradient, max_steps=2).nit <= 2


@pytest.mark.parametrize("seed", range(40))
def test_right_and_wrong_gradients_of_random_functions(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 40))
    M, c, scale = rng.normal(size=(n, n)), rng.normal(size=n), 10.0 ** rng.integers(-4, 5)
    v0 = rng.normal(size=n) * 10.0 ** rng.integers(-2, 3)

    def f(v):
        return scale * (np.sum(np.cos(M @ v / n)) + np.sum(np.log1p((v - c) ** 2)))

    def g(v):
        return scale * (-M.T @ np.sin(M @ v / n) / n + 2 * (v - c) / (1 + (v - c) ** 2))

    here = Point(v0, f(v0), g(v0))
    check_gradient(f, here, str)
    k = int(np.argmax(np.abs(here.gradient)))
    for wrong in (-here.gradient, 1.1 * here.gradient, here.gradient * (1 - 1.5 * (np.arange(n) == k))):
        with pytest.raises(SettingError, match="wrong"):
            check_gradient(f, here._replace(gradient=wrong), str)


# --- saddles ----------------------------------------------------------------------------------------------------------

SADDLES = {
    "a saddle": (lambda x, y: x**2 - y**2, (0.0, 0.0)),
    "a saddle, reached": (lambda x, y: x**2 - y**2 + y**4, (1.0, 0.0)),
    "a maximum": (np.cos, 0.0),
    "the monkey's neighbour": (lambda x, y: x * y + x**3, (0.0, 0.0)),
    "a small one": (lambda x, y: 1e-9 * (x**2 - y**2), (1.0, 1.0)),
    "far out": (lambda x, y: (x - 1e6) ** 2 - (y + 1e6) ** 2, (1e6, -1e6)),
    "many variables": (lambda v: np.sum(v[:9] ** 2) - np.sum(v[9:] ** 2), np.zeros(18)),
}
MINIMA = {
    "a bowl": (lambda x, y: x**2 + 0.1 * y**2, (1.0, 1.0)),
    "a valley of minima": (lambda x, y: (x - y) ** 2, (1.0, 3.0)),
    "a ring of minima": (lambda x, y: (x**2 + y**2 - 1) ** 2, (2.0, 0.5)),
    "a flat bottom": (lambda x: x**4, 0.01),
    "a constant": (lambda x, y: 3.0 + 0 * x + 0 * y, (1.0, 1.0)),
    "a kink": (abs, 0.0),
    "a large cost": (lambda x, y: 1e12 + (x - y) ** 2, (1.0, 1.0)),
    "an edge": (lambda x, y: x * np.log(x) + y**2, (0.5, 0.5)),
}


@pytest.mark.parametrize("gradient", ["complex", "central"])
@pytest.mark.parametrize("case", SADDLES)
def test_a_point_that_is_not_a_minimum_is_named(case, gradient):
    f, v0 = SADDLES[case]
    rule = {} if gradient == "complex" else {"tolerance": 1e-6}
    result = cr.minimize(f, v0, gradient, optimizer=cr.SGD(0.25), **rule)
    assert (result.success, result.status, result.history.stopped) == (False, 5, "converged")
    assert result.message.startswith("a saddle point or a maximum after ")
    assert "start at another point" in result.message
    assert np.abs(np.ravel(result.jac)).max() <= 1e-6


@pytest.mark.parametrize("gradient", ["complex", "central", None])
@pytest.mark.parametrize("case", MINIMA)
def test_a_minimum_is_not_taken_for_a_saddle(case, gradient):
    f, v0 = MINIMA[case]
    result = cr.minimize(f, v0, gradient, optimizer="rprop" if case == "an edge" else cr.SGD(0.1), tolerance=1e-5)
    assert result.status in (0, 1), result.message


def test_curvature_is_found_in_random_directions():
    rng = np.random.default_rng(0)
    for n in range(1, 5):  # so few variables leave no direction out
        for least in (-1e-3, 1e-3):
            Q, _ = np.linalg.qr(rng.normal(size=(n, n)))
            H = Q @ np.diag([least, *rng.uniform(0.1, 1, n - 1)]) @ Q.T
            assert falls_nearby(lambda v, H=H: H @ v, np.zeros(n)) == (least < 0)
    assert not falls_nearby(lambda v: np.full(2, np.nan), np.zeros(2))


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "v0", "labels"),
    [
        (lambda price, area: price**2 + area**2, (1.0, 2.0), ("price", "area")),
        (lambda t: t**2, 1.0, ("t", "cost")),
        (lambda w: w @ w, [1.0, 2.0], ("w[0]", "w[1]")),
        (lambda W: np.sum(W**2), [[1.0], [2.0]], ("W[0, 0]", "W[1, 0]")),
        (lambda w, b: w[0] ** 2 + b**2, (np.ones(1), 2.0), ("w[0]", "b")),
        (lambda *v: v[0] ** 2 + v[1] ** 2, (1.0, 2.0), ("v1", "v2")),
        (abs, 1.0, ("x", "cost")),
    ],
)
def test_axes_are_called_as_the_variables(f, v0, labels):
    pytest.importorskip("matplotlib")
    axes = cr.minimize(f, v0, max_steps=3).plot().axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == labels


def test_axes_of_a_function_of_scipy_are_called_as_its_variables():
    pytest.importorskip("matplotlib")
    result = scipy.optimize.minimize(lambda q: q @ q, [1.0, 2.0], method=cr.scipy_method)
    assert result.plot().axes[0].get_xlabel() == "q[0]"


def test_a_descent_refuses_a_wrong_gradient_before_its_first_update():
    descent = descend(lambda v: v @ v, [1.0], lambda v: -v)
    next(descent)
    with pytest.raises(SettingError, match="wrong"):
        next(descent)
    assert descent.steps == 0
