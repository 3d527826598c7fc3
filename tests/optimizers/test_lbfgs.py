"""L-BFGS: the same iterates as SciPy's own callback, and a thread that never runs beside its caller nor outlives it."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der

from chainrule.errors import SettingError
from chainrule.optimizers import LBFGS, OPTIMIZERS, Ended, iterates

START = np.array([-1.2, 1.0, 0.5])


def rosenbrock(theta):
    return rosen(theta), rosen_der(theta)


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "chainrule-lbfgs"]


@pytest.fixture(autouse=True)
def _no_thread_is_left_over():
    assert threads() == []
    yield
    assert threads() == []


def run(descent):
    """The iterates, and what the generator returned."""
    found = []
    while True:
        try:
            found.append(next(descent))
        except StopIteration as end:
            return found, end.value


@pytest.mark.parametrize("memory", [1, 3, 10])
def test_the_iterates_are_those_that_scipy_calls_back_with(memory):
    expected = []
    options = {"maxcor": memory, "gtol": 1e-5, "ftol": 0.0}
    theirs = minimize(
        rosenbrock,
        START,
        jac=True,
        method="L-BFGS-B",
        options=options,
        callback=lambda intermediate_result: expected.append((intermediate_result.x.copy(), intermediate_result.fun)),
    )
    found, end = run(iterates(rosenbrock, START, memory))
    assert [(x.tolist(), cost) for x, cost in found] == [(x.tolist(), cost) for x, cost in expected]
    assert end == Ended(True, theirs.message, theirs.nfev)
    assert found[-1][0].tolist() == theirs.x.tolist()
    np.testing.assert_allclose(found[-1][0], 1, atol=1e-5)


def test_the_descent_ends_at_the_tolerance_asked_for():
    for tolerance in (1e-1, 1e-8):
        theta = run(iterates(rosenbrock, START, tolerance=tolerance))[0][-1][0]
        assert abs(rosen_der(theta)).max() <= tolerance


def test_a_descent_that_begins_at_the_bottom_has_no_iterates():
    found, end = run(iterates(rosenbrock, np.ones(3)))
    assert (found, end.success, end.evaluations) == ([], True, 1)


def test_theta_and_gradient_of_float32_are_computed_with_in_float64():
    seen = set()

    def f(theta):
        seen.add(theta.dtype)
        return np.float32(rosen(theta)), rosen_der(theta).astype(np.float32)

    (theta, cost), *_ = run(iterates(f, START.astype(np.float32)))[0]
    assert seen == {np.dtype(np.float64)}
    assert theta.dtype == np.float64
    assert type(cost) is float


def test_neither_the_start_nor_a_gradient_that_is_written_over_is_disturbed():
    buffer, start = np.empty(3), START.copy()

    def f(theta):
        buffer[...] = rosen_der(theta)
        theta_is = rosen(theta)
        theta[...] = np.nan
        return theta_is, buffer

    found, _ = run(iterates(f, start))
    assert start.tolist() == START.tolist()
    assert [x.tolist() for x, _ in found] == [x.tolist() for x, _ in run(iterates(rosenbrock, START))[0]]


def test_an_iterate_is_the_callers_own():
    undisturbed = [x.tolist() for x, _ in run(iterates(rosenbrock, START))[0]]
    for (theta, _), expected in zip(iterates(rosenbrock, START), undisturbed, strict=True):
        assert theta.tolist() == expected
        theta[...] = np.nan


def test_f_runs_in_the_thread_and_never_while_the_caller_runs():
    callers_turn, seen = [True], []

    def f(theta):
        seen.append((threading.current_thread().name, callers_turn[0]))
        time.sleep(0.001)
        return rosenbrock(theta)

    descent, turns = iterates(f, START), 0
    while turns < 8:
        callers_turn[0] = False
        next(descent)
        callers_turn[0] = True
        calls, turns = len(seen), turns + 1
        time.sleep(0.005)
        assert len(seen) == calls
    descent.close()
    assert set(seen) == {("chainrule-lbfgs", False)}


def test_f_runs_in_the_callers_context():
    def f(theta):
        return np.exp(1000 * theta).sum(), theta

    with np.errstate(over="ignore"):
        next(iterates(f, np.array([1.0])), None)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        next(iterates(f, np.array([1.0])))


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_closing_ends_the_thread_at_once(steps):
    descent = iterates(rosenbrock, START)
    for _ in range(steps):
        next(descent)
    assert len(threads()) == (steps > 0)
    descent.close()
    assert threads() == []
    assert list(descent) == []


def test_leaving_the_loop_or_dropping_the_generator_ends_the_thread():
    for _ in iterates(rosenbrock, START):
        break
    gc.collect()
    assert threads() == []
    descent = iterates(rosenbrock, START)
    next(descent)
    cycle = [descent]
    cycle.append(cycle)
    del descent, cycle
    gc.collect()
    assert threads() == []


def test_several_descents_can_be_taken_in_turns():
    alone = [x.tolist() for x, _ in run(iterates(rosenbrock, START))[0]]
    pairs = list(zip(iterates(rosenbrock, START), iterates(rosenbrock, START), strict=True))
    assert [x.tolist() for (x, _), _ in pairs] == [x.tolist() for _, (x, _) in pairs] == alone


class Odd(BaseException):
    """An exception that is no Exception."""


@pytest.mark.parametrize("kind", [ValueError, Odd, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("call", [1, 2, 7])
def test_what_f_raises_comes_out_in_the_caller(kind, call):
    calls = []

    def f(theta):
        calls.append(0)
        if len(calls) == call:
            raise kind("from f")
        return rosenbrock(theta)

    descent = iterates(f, START)
    with pytest.raises(kind, match="from f") as caught:
        run(descent)
    assert len(calls) == call
    assert caught.traceback[-1].name == "f"
    assert threads() == []


def test_a_warning_that_is_an_error_comes_out_in_the_caller():
    def f(theta):
        warnings.warn("from f", stacklevel=1)
        return rosenbrock(theta)

    with pytest.raises(UserWarning, match="from f"):
        next(iterates(f, START))


def test_what_the_caller_throws_in_comes_back_and_ends_the_thread():
    descent = iterates(rosenbrock, START)
    next(descent)
    with pytest.raises(Odd):
        descent.throw(Odd())
    assert threads() == []


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no way to interrupt oneself here")
def test_an_interrupt_while_f_works_lets_that_call_end_and_no_other_begin():
    calls = []

    def f(theta):
        calls.append("begun")
        if len(calls) == 5:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            time.sleep(0.1)
        calls.append("ended")
        return rosenbrock(theta)

    with pytest.raises(KeyboardInterrupt):
        run(iterates(f, START))
    assert threads() == []
    assert calls == ["begun", "ended"] * 3


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_cost_that_is_not_finite_ends_the_descent(bad):
    found, end = run(iterates(lambda theta: (bad, theta * bad), START))
    assert len(found) < 2
    assert end.evaluations < 50


def test_a_rough_f_ends_where_it_no_longer_falls():
    def f(theta):
        return float(np.float32(rosen(theta))), rosen_der(theta.astype(np.float32))

    found, end = run(iterates(f, START, tolerance=0.0))
    assert end.evaluations < 500
    np.testing.assert_allclose(found[-1][0], 1, atol=1e-2)


@pytest.mark.parametrize("leave", ["", "raise SystemExit(3)", "import os, signal; os.kill(os.getpid(), signal.SIGINT)"])
def test_a_program_ends_with_a_descent_still_open(leave):
    code = f"""
from chainrule.optimizers import iterates
elsewhere = {{}}
exec("def f(v): return float(v @ v), 2 * v", elsewhere)  # f keeps nothing alive: the descent is closed at the very end
descent = iterates(elsewhere.pop("f"), [3.0, 4.0])
next(descent)
{leave}
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ)
    )
    assert done.returncode == (3 if "3" in leave else -signal.SIGINT if leave else 0)
    assert ("KeyboardInterrupt" in done.stderr) == ("SIGINT" in leave)
    if "SIGINT" not in leave:
        assert done.stderr == ""


def test_the_entry_says_what_it_is():
    assert OPTIMIZERS.get("lbfgs") == LBFGS() == OPTIMIZERS.get(LBFGS().document())
    assert LBFGS().full_batch
    ends = {"tolerance": 1e-5, "reduction": 0.0, "evaluations": 0}
    assert LBFGS(memory=np.int64(3)).document() == {"name": "lbfgs", "learning_rate": 1.0, "memory": 3, **ends}
    with pytest.raises(SettingError, match="lbfgs has no single update"):
        LBFGS().update(START, START, (), 1.0, 1)


@pytest.mark.parametrize("setting", [{"memory": m} for m in (0, -1, 1.5, True, "3")] + [{"learning_rate": 0.1}])
def test_a_parameter_out_of_range_is_refused_in_one_line(setting):
    ((name, _),) = setting.items()
    with pytest.raises(SettingError, match=rf"^{name} of lbfgs is [^\n]*, but must be [^\n]*$"):
        LBFGS(**setting)
