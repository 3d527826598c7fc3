"""Gradient descent on any function: what is found, how the gradient was, when it stops, and the same bits again."""

import pickle
import re

import numpy as np
import pytest
import scipy.optimize

import chainrule as cr
from chainrule.descent.path import Path
from chainrule.errors import SettingError
from chainrule.optimizers import OPTIMIZERS


def rosenbrock(x, y):
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def rosenbrock_gradient(x, y):
    return -2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)


def bowl(v):
    return np.sum((v - 3) ** 2)


def rules_for_a_bowl():
    """Every rule, with a rate of its own where its steps shrink or keep their length. muon moves matrices only."""
    rates = {"adagrad": cr.Adagrad(1.0), "lion": cr.Lion(2e-4)}
    return [pytest.param(rates.get(name, name), id=name) for name in OPTIMIZERS.names() if name != "muon"]


@pytest.mark.parametrize("optimizer", rules_for_a_bowl())
def test_every_rule_finds_the_bottom_of_a_bowl(optimizer):
    found = cr.minimize(bowl, np.full((2, 2), 2.5), optimizer=optimizer, tolerance=1e-3, max_steps=20_000)
    assert found.success, found.message
    assert np.abs(found.x - 3).max() <= 0.5e-3 + 1e-12  # dC/dv = 2 (v - 3)
    assert found.x.shape == (2, 2)
    assert found.jac.shape == (2, 2)
    assert found.path.shape == (len(found.path_steps), 2, 2)


def test_gradient_descent_is_the_update_of_the_page_step_by_step():
    found = cr.minimize(
        lambda v: v * v, 1.0, gradient=lambda v: 2 * v, optimizer=cr.SGD(0.25), max_steps=4, tolerance=0
    )
    assert found.path.tolist() == [1.0, 0.5, 0.25, 0.125, 0.0625]  # v - 0.25 * 2 v, exact in binary
    assert found.path_steps == [0, 1, 2, 3, 4]
    assert found.history.cost == [0.25, 0.0625, 0.015625, 0.00390625]
    assert (found.nit, found.nfev, found.njev) == (4, 9, 5)  # 4 calls of f compare the given gradient


@pytest.mark.parametrize(
    ("gradient", "words"),
    [
        (None, "complex step"),
        ("complex", "complex step"),
        ("central", "central differences"),
        ("jax", "jax"),
        (rosenbrock_gradient, "given"),
    ],
)
def test_rosenbrock_from_every_kind_of_gradient(gradient, words):
    found = cr.minimize(rosenbrock, (-1.0, 2.0), gradient, "lbfgs", tolerance=1e-6)
    assert found.success
    assert found.gradient == words
    assert words in found.message
    assert np.allclose(found.x, 1.0, rtol=0, atol=1e-5)
    assert np.allclose(found.jac, rosenbrock_gradient(*found.x), rtol=0, atol=1e-6)


def test_a_function_may_return_its_gradient_too():
    def both(v):
        return bowl(v), 2 * (v - 3)

    assert np.allclose(cr.minimize(both, [0.0, 1.0], True).x, 3)
    with pytest.raises(SettingError, match="pair"):
        cr.minimize(bowl, [0.0], True)


def test_what_is_not_analytic_gets_central_differences():
    found = cr.minimize(lambda v: np.sum(np.abs(v) ** 3) + abs(v[0]) ** 2, [1.0, -2.0], tolerance=1e-4)
    assert found.gradient == "central differences"
    assert found.success
    assert cr.minimize(lambda x: float(x) ** 2, 1.0).gradient == "central differences"  # takes no complex numbers


def test_a_tuple_of_arrays_and_numbers_comes_back_as_one():
    A = np.array([[1.0, 2.0], [3.0, 4.0]])
    found = cr.minimize(lambda M, c: ((M - A) ** 2).sum() + (c - 5) ** 2, (np.zeros((2, 2)), 0.0))
    M, c = found.x
    assert np.allclose(M, A)
    assert abs(c - 5) < 1e-8
    assert np.shape(c) == ()
    assert found.jac[0].shape == (2, 2)
    assert found.path.shape[1:] == (5,)


def test_without_jax_the_message_says_so(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jax", None)
    with pytest.raises(SettingError, match="pip install jax"):
        cr.minimize(bowl, [0.0], "jax")


def test_max_steps_gives_the_best_point_seen():
    found = cr.minimize(lambda v: v @ v, [1.0], optimizer=cr.SGD(0.3, momentum=0.9), max_steps=7, tolerance=0.0)
    assert not found.success
    assert found.status == 1
    assert "not converged after 7 steps" in found.message
    assert found.fun == found.path_costs.min() == found.x @ found.x


def test_what_diverges_says_so_and_keeps_the_best_point():
    found = cr.minimize(rosenbrock, (-1.0, 2.0), optimizer=cr.SGD(0.1))
    assert (found.success, found.status, found.history.stopped) == (False, 2, "diverged")
    assert "not finite" in found.message
    assert "smaller than 0.1" in found.message
    assert found.x == (-1.0, 2.0)
    assert found.fun == 104.0
    nowhere = cr.minimize(lambda v: np.log(v) + v, -1.0)
    assert nowhere.status == 2
    assert "after 0 steps: start at another point" in nowhere.message
    assert nowhere.x == -1.0


def test_numbers_of_python_that_overflow_are_as_infinite():
    found = cr.minimize(lambda v: float(v) ** 4 + 1e-300 * float(v) ** 6, 10.0, optimizer=cr.SGD(1.0))
    assert found.status == 2
    assert found.x == 10.0


def test_a_division_by_zero_of_python_is_as_infinite():
    found = cr.minimize(lambda v: 1 / float(v), 0.0)
    assert (found.status, found.fun) == (2, np.inf)
    assert "after 0 steps: start at another point" in found.message


def test_a_column_is_as_good_a_gradient_as_a_row():
    assert cr.minimize(bowl, [0.0, 1.0], lambda v: 2 * (v - 3).reshape(2, 1)).success


def test_cancelling_keeps_the_best_point():
    seen = []
    found = cr.minimize(bowl, [0.0], optimizer=cr.SGD(0.01), callback=seen.append, cancel=lambda: len(seen) > 5)
    assert (found.success, found.status) == (False, 3)
    assert "cancelled after" in found.message
    assert found.fun == found.path_costs.min()
    assert [type(event).__name__ for event in (seen[0], *seen[-2:])] == ["Started", "Stopped", "Finished"]


def test_a_callback_that_returns_true_ends_the_descent():
    found = cr.minimize(bowl, [0.0], optimizer=cr.SGD(0.01), callback=lambda event: True)
    assert (found.status, found.nit) == (3, 0)


def test_lbfgs_computes_each_point_once():
    seen = []

    def f(v):
        seen.append(v.tolist())
        return bowl(v)

    found = cr.minimize(f, [0.0, 1.0], lambda v: 2 * (v - 3), "lbfgs")
    assert found.success
    assert len(seen) == found.nfev == found.njev + 4 == len({tuple(v) for v in seen})


def test_lbfgs_ends_when_its_evaluations_are_used_up():
    found = cr.minimize(rosenbrock, (-1.0, 2.0), optimizer=cr.LBFGS(evaluations=9))
    assert (found.success, found.status, found.history.stopped) == (False, 4, "evaluations")
    assert "more than allowed, in" in found.message


def test_a_cost_that_falls_no_further_is_no_success():
    found = cr.minimize(lambda v: 1e8 + v @ v, [1e-3], optimizer="lbfgs", tolerance=1e-30, gradient="complex")
    assert found.success or (found.status == 4 and "no longer falls" in found.message)
    rough = cr.minimize(lambda x: abs(x - 1), 1.0, gradient=lambda x: 1.0, optimizer="lbfgs")  # a subgradient
    assert rough.status == 4
    assert not rough.success
    assert rough.x == 1.0


X = np.random.default_rng(0).normal(size=(40, 2))
T = X @ np.array([2.0, -1.0]) + 0.5


def errors(w, b, rows):
    return (X[rows] @ w + b - T[rows]) ** 2


def test_the_stochastic_form_reaches_the_minimum_of_the_mean():
    settings = {"examples": 40, "batch_size": 7, "tolerance": 1e-6, "optimizer": cr.SGD(0.1)}
    found = cr.minimize(errors, (np.zeros(2), 0.0), **settings)
    assert found.success
    assert found.gradient == "complex step"
    assert np.allclose(found.x[0], [2, -1], atol=1e-5)
    assert abs(found.x[1] - 0.5) < 1e-5
    assert found.nit % 6 == 0  # it looks at all examples after each pass of 6 batches
    assert found.path.tobytes() == cr.minimize(errors, (np.zeros(2), 0.0), **settings).path.tobytes()
    assert found.path.tobytes() != cr.minimize(errors, (np.zeros(2), 0.0), **settings, seed=1).path.tobytes()


def test_a_batch_of_all_examples_is_the_deterministic_form():
    rule = {"optimizer": cr.SGD(0.1), "max_steps": 20}
    whole = cr.minimize(errors, (np.zeros(2), 0.0), examples=40, batch_size=40, **rule)
    plain = cr.minimize(lambda w, b: errors(w, b, slice(None)).mean(), (np.zeros(2), 0.0), **rule)
    assert np.allclose(whole.path, plain.path, rtol=0, atol=1e-13)  # another order of the sum


def test_batches_are_those_of_a_trained_network():
    seen = []

    def cost(v, rows):
        seen.append(rows.tolist())
        return v**2

    cr.minimize(cost, 1.0, lambda v, rows: 2 * v, examples=5, batch_size=2, seed=3, max_steps=3, tolerance=0.0)
    order = cr.random.permutation(3, cr.random.Purpose.ORDER, 0, 5).tolist()
    assert [rows for rows in seen if len(rows) < 5] == [order[:2], order[2:4], order[4:]]


def test_max_steps_may_end_a_pass():
    found = cr.minimize(errors, (np.zeros(2), 0.0), examples=40, batch_size=7, max_steps=8)
    assert found.nit == 8
    assert found.path_steps == list(range(9))


@pytest.mark.parametrize("schedule", ["cosine", "plateau", {"name": "step", "every": 2.0}])
def test_a_schedule_counts_updates(schedule):
    found = cr.minimize(bowl, [0.0], optimizer=cr.SGD(0.1), schedule=schedule, max_steps=4, tolerance=0.0)
    expected = cr.schedules.SCHEDULES.get(schedule)
    factors = [expected.factors(k, 1, 1, 4, found.history.cost[:k])[0] for k in range(4)]
    assert found.history.rate == [0.1 * factor for factor in factors]


def test_clipping_bounds_each_step():
    found = cr.minimize(bowl, [1e6], optimizer=cr.SGD(0.1), clip=cr.Clip(norm=1.0), max_steps=3)
    assert np.allclose(np.diff(found.path[:, 0]), -0.1)


def test_the_path_is_thinned_evenly_with_both_ends():
    found = cr.minimize(bowl, [0.0], lambda v: 2 * (v - 3), cr.SGD(1e-7), max_steps=25_001)
    assert len(found.path) <= 10_000
    steps = np.diff(found.path_steps)
    assert found.path_steps[0] == 0
    assert found.path_steps[-1] == 25_001
    assert set(steps[:-1]) == {4}
    assert 1 <= steps[-1] <= 4
    assert found.path[0] == 0
    assert found.path[-1] == found.x


@pytest.mark.parametrize("count", range(1, 40))
def test_a_path_never_outgrows_its_bound(count):
    path = Path(most=8)
    for step in range(count):
        path.add(step, np.array([float(step)]), 0.0)
    assert len(path.steps) <= 8
    assert path.steps[0] == 0
    assert path.steps[-1] == count - 1
    assert path.points[:, 0].tolist() == path.steps


def test_scipy_takes_it_as_a_method():
    seen = []
    options = {"optimizer": cr.SGD(0.001, momentum=0.9)}
    fun = scipy.optimize.rosen
    found = scipy.optimize.minimize(
        fun, [-1.0, 2.0], jac=scipy.optimize.rosen_der, method=cr.scipy_method, tol=1e-7, options=options,
        callback=seen.append,
    )  # fmt: skip
    assert found.success
    assert np.allclose(found.x, 1, atol=1e-6)
    assert len(seen) == found.nit
    assert np.array_equal(seen[-1], found.x)
    shifted = scipy.optimize.minimize(lambda x, a: ((x - a) ** 2).sum(), [0.0], args=(4.0,), method=cr.scipy_method)
    assert np.allclose(shifted.x, 4.0)
    given = scipy.optimize.minimize(lambda x: (bowl(x), 2 * (x - 3)), [0.0], jac=True, method=cr.scipy_method)
    assert given.gradient == "given"
    assert np.allclose(given.x, 3.0)


def test_scipys_own_options_are_understood_and_others_refused(capsys):
    settings = {"maxiter": 1, "disp": True, "optimizer": cr.SGD(0.25)}
    found = scipy.optimize.minimize(bowl, [0.0], method=cr.scipy_method, options=settings)
    assert (found.nit, found.x.tolist()) == (1, [1.5])
    assert capsys.readouterr().out.startswith("not converged after 1 step: ")
    with pytest.raises(SettingError, match=r"an option is 'gtol', but must be one of gradient, .*maxiter"):
        scipy.optimize.minimize(bowl, [0.0], method=cr.scipy_method, options={"gtol": 1e-3})


def test_scipys_callback_may_stop_it():
    slow = {"optimizer": cr.SGD(0.1)}

    def stop(intermediate_result):
        if intermediate_result.nit == 3:
            raise StopIteration

    found = scipy.optimize.minimize(bowl, [0.0], method=cr.scipy_method, callback=stop, options=slow)
    assert found.nit == 3
    assert found.status == 3


@pytest.mark.parametrize("more", [{"bounds": [(0, 1)]}, {"constraints": {"type": "eq", "fun": bowl}}])
def test_scipys_bounds_and_constraints_are_refused(more):
    with pytest.raises(SettingError, match="no bounds and no constraints"):
        scipy.optimize.minimize(bowl, [0.0], method=cr.scipy_method, **more)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"f": 3}, "f is 3"),
        ({"v0": []}, "v0 is empty"),
        ({"v0": ()}, "v0 is empty"),
        ({"v0": ["a"]}, "real numbers"),
        ({"v0": [np.nan]}, "must be finite"),
        ({"v0": [[1.0], [1.0, 2.0]]}, "real numbers"),
        ({"f": lambda v: v, "v0": [1.0, 2.0]}, r"shape \(2,\), but must return one number"),
        ({"f": lambda v: None}, "None, but must return one number"),
        ({"f": lambda v: 1j * v[0]}, "a real number"),
        ({"gradient": "newton"}, "complex, central, jax"),
        ({"gradient": lambda v: np.zeros(3)}, "the gradient has shape"),
        ({"gradient": lambda v: v.T, "v0": np.zeros((2, 3))}, r"has shape \(3, 2\), but v0 has \(2, 3\)"),
        ({"gradient": lambda v: None}, "the gradient has None"),
        ({"gradient": lambda v: v + 1j}, "the gradient has array"),
        ({"v0": np.zeros((50, 2), object)}, "v0 has array"),
        ({"f": lambda v: [0] * 99}, r"\[0, 0, 0, 0, 0, 0, \.\.\.\]"),
        ({"f": lambda v, rows: v[[0, 0]], "examples": 3}, r"shape \(2,\), .* for each of the 3 rows"),
        ({"tolerance": True}, "tolerance is True"),
        ({"callback": 3}, "callback is 3"),
        ({"cancel": 3}, "cancel is 3"),
        ({"tolerance": -1}, "tolerance is -1"),
        ({"relative_tolerance": -1}, "relative_tolerance is -1"),
        ({"max_steps": 1.5}, "max_steps is 1.5"),
        ({"optimizer": "newton"}, "no optimizer 'newton'"),
        ({"optimizer": "lbfgs", "schedule": "cosine"}, "no schedule"),
        ({"batch_size": 3}, "batch_size is 3"),
        ({"examples": 9, "batch_size": 3, "optimizer": "lbfgs", "f": lambda v, rows: bowl(v)}, "all 9 examples"),
        ({"clip": 1.0}, "clip is 1.0"),
        ({"clip": cr.Clip(example=2.0)}, "example of clip is 2.0"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        cr.minimize(**{"f": bowl, "v0": [0.0], **arguments})
    assert "\n" not in str(error.value)


def test_a_result_can_be_shown_and_kept():
    found = cr.minimize(bowl, [0.0, 1.0])
    assert "path" not in repr(found)
    assert "success: True" in repr(found)
    again = pickle.loads(pickle.dumps(found))
    assert again.x.tolist() == found.x.tolist()
    assert again.history == found.history
    assert isinstance(found, scipy.optimize.OptimizeResult)


@pytest.mark.filterwarnings("ignore:invalid value", "ignore:divide by zero")
@pytest.mark.parametrize("outside", [np.nan, np.inf])
def test_lbfgs_comes_back_into_the_domain_of_a_logarithm(outside):
    def f(v):
        return v[0] - np.log(v[0]) if np.real(v[0]) > 0 else outside

    for start in (3.0, 5.0, 100.0, 1e-6):
        found = cr.minimize(f, [start], optimizer="lbfgs")
        assert found.success
        assert found.x[0] == pytest.approx(1, abs=1e-7)


@pytest.mark.filterwarnings("ignore:invalid value", "ignore:divide by zero")
def test_where_lbfgs_ends_at_the_border_of_the_domain_its_advice_can_be_followed():
    found = cr.minimize(lambda v: v[0] + 0 * np.sqrt(v[0]), [1.0], optimizer="lbfgs")
    assert (found.success, found.status) == (False, 4)
    assert re.match(
        r"the cost is not finite at the points after this one, .*start at another point, or try adam", found.message
    )
    outside = cr.minimize(lambda v: v[0] - np.log(v[0]), [-1.0], optimizer="lbfgs")
    assert "start at another point" in outside.message
