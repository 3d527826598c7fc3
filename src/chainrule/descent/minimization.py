"""`minimize` finds a minimum of a function from a starting point; `scipy_method` offers it to SciPy's `minimize`."""

import functools
import inspect
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.descent.loop import Descent, Settings
from chainrule.descent.problem import Problem
from chainrule.errors import SettingError
from chainrule.fields import Function, Special, Whole
from chainrule.optimizers import LBFGS, OPTIMIZERS, SGD, Clip, Optimizer
from chainrule.random import as_seed
from chainrule.registry import is_finite, require
from chainrule.schedules import SCHEDULES, Constant
from chainrule.training import Event

if TYPE_CHECKING:
    from chainrule.descent.result import Result

__all__ = ["descend", "minimize", "scipy_method"]

_CALLBACK = Function(1, "a function of an event", specials=(Special("none", None),))
_CANCEL = Function(0, "a function without arguments", specials=(Special("none", None),))

_OPTIONS = (
    *("gradient", "optimizer", "tolerance", "max_steps", "relative_tolerance", "schedule", "clip"),
    *("examples", "batch_size", "seed", "cancel"),
)


def minimize(
    f: Callable[..., Any],
    v0: Any,
    gradient: Any = None,
    optimizer: Any = None,
    tolerance: float = 1e-8,
    max_steps: int = 100_000,
    *,
    relative_tolerance: float = 0.0,
    schedule: Any = None,
    clip: Clip | None = None,
    examples: int | None = None,
    batch_size: int | None = None,
    seed: int | None = 0,
    callback: Callable[[Event], Any] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> "Result":
    """Minimise f along its gradient from v0 until max|dC/dv| <= tolerance: v ← v - eta dC/dv, or another rule.

    - f: the function, f(v) -> C for an array v of any shape, f(*v) -> C for a tuple of arrays and numbers.
    - v0: the starting point, an array or a tuple; `x` in the result has the same form.
    - gradient: a function of the same arguments that returns dC/dv; True if f returns (C, dC/dv); "complex", "central"
      or "jax" for that method; None for a complex step if f is analytic, else central differences. One that is given is
      compared with differences of f at v0, with 4 calls of f.
    - optimizer: the update rule, as a name, a document or an object; its learning rate is that of the first update.
      None for `LBFGS`, which needs no learning rate; for SGD(0.1) with a schedule, a clip or examples.
    - tolerance: converged when every element of |dC/dv| is at most this; a number from 0.
    - max_steps: the maximum number of updates.
    - relative_tolerance: converged also when |dC/dv_k| max(|v_k|, 1) is at most this share of |C| for every k; a number
      from 0, where 0 is for never.
    - schedule: the factors of the learning rate, as a name, a document or an object; None for a constant rate. One
      epoch of it is one update, or one pass over the examples.
    - clip: a `Clip` with bounds for the gradient, or None.
    - examples: n, if C is the mean of n costs; f(v, rows) then returns the costs (m,) of these rows, or their mean.
      The gradient over all examples is computed once in each epoch. None if f has no examples.
    - batch_size: the number of examples of an update; None for 32, or for all examples if the rule needs them.
    - seed: fixes the order of the examples; None draws a seed.
    - callback: a function that is called with each event, or None; the descent stops when it returns True.
    - cancel: a function that is called before each update; the descent stops when it returns True.

    >>> result = cr.minimize(lambda x, y: (1 - x)**2 + 100 * (y - x**2)**2, (-1.0, 2.0))
    >>> result.success, [float(round(x, 6)) for x in result.x], result.gradient
    (True, [1.0, 1.0], 'complex step')

    Returns SciPy's OptimizeResult with the path and the history. success is False after max_steps, after a cost that is
    not finite, where the cost falls without bound or no longer, and when cancelled; x is then the best point, message
    the reason.

    Raises SettingError where a setting is out of its range, and where f does not return one real number;
    UnknownNameError where there is no such optimizer or schedule.

    Source: Cauchy, Méthode générale pour la résolution des systèmes d'équations simultanées, 1847; for the stochastic
    form Robbins & Monro, A stochastic approximation method, Annals of Mathematical Statistics 22, 1951; for
    relative_tolerance Dennis & Schnabel, Numerical Methods for Unconstrained Optimization, 1983, section 7.2.
    """
    from chainrule.descent.result import result_of

    _CALLBACK.clean("callback", callback)
    _CANCEL.clean("cancel", cancel)
    ended: list[Event] = []  # the event at which the callback returned True
    descent = descend(
        f, v0, gradient, optimizer, tolerance, max_steps,
        relative_tolerance=relative_tolerance, schedule=schedule, clip=clip,
        examples=examples, batch_size=batch_size, seed=seed,
        cancel=lambda: bool(ended) or (cancel is not None and cancel()),
    )  # fmt: skip
    for event in descent:
        if callback is not None and callback(event):
            ended.append(event)
    return result_of(descent)


def descend(
    f: Callable[..., Any],
    v0: Any,
    gradient: Any = None,
    optimizer: Any = None,
    tolerance: float = 1e-8,
    max_steps: int = 100_000,
    *,
    relative_tolerance: float = 0.0,
    schedule: Any = None,
    clip: Clip | None = None,
    examples: int | None = None,
    batch_size: int | None = None,
    seed: int | None = 0,
    cancel: Callable[[], bool] | None = None,
) -> Descent:
    """`minimize` as a `Descent`, an iterator of events: a program can follow it, and stop at any event.

    - f, v0, gradient, optimizer, tolerance, max_steps: as in `minimize`.
    - relative_tolerance, schedule, clip, examples, batch_size, seed, cancel: as in `minimize`.

    >>> from chainrule.descent import descend
    >>> descent = descend(lambda v: v @ v, [3.0, 4.0], optimizer=cr.SGD(0.25), max_steps=2)
    >>> [(type(event).__name__, descent.v.tolist()) for event in descent][1:3]
    [('EpochEnd', [1.5, 2.0]), ('EpochEnd', [0.75, 1.0])]

    Raises SettingError and UnknownNameError where `minimize` does.
    """
    gradients_only = (schedule, clip, examples) != (None, None, None)  # which a line search does not go with
    rule = OPTIMIZERS.get((SGD(0.1) if gradients_only else LBFGS()) if optimizer is None else optimizer)
    if rule.by_matrix:
        raise SettingError(f"optimizer {rule.name} moves the matrices of a network, and v is one array: choose another")
    for name, value in (("tolerance", tolerance), ("relative_tolerance", relative_tolerance)):
        require(is_finite(value) and value >= 0, name, value, "a number from 0")
    Whole(0).clean("max_steps", max_steps)
    require(clip is None or isinstance(clip, Clip), "clip", clip, "a Clip, or None")
    require(
        clip is None or clip.example == math.inf,
        "example of clip",
        clip and clip.example,
        "left out: it is only for networks",
    )
    _CANCEL.clean("cancel", cancel)
    settings = Settings(
        optimizer=rule,
        schedule=Constant() if schedule is None else SCHEDULES.get(schedule),
        clip=clip or Clip(),
        tolerance=float(tolerance),
        relative_tolerance=float(relative_tolerance),
        max_steps=max_steps,
        batch_size=_batch_size(examples, batch_size, rule),
        seed=as_seed(seed),
    )
    if rule.line_search and (clip, schedule) != (None, None):
        raise SettingError(f"{rule.name} determines its steps by a line search: it takes no schedule and no clip")
    return Descent(Problem(f, v0, gradient, examples), settings, cancel)


def _batch_size(examples: int | None, batch_size: int | None, rule: Optimizer) -> int:
    if examples is None:
        require(batch_size is None, "batch_size", batch_size, "left out unless `examples` gives their number")
        return 1
    Whole(1).clean("examples", examples)
    if batch_size is None:
        return examples if rule.full_batch else min(32, examples)
    Whole(1).clean("batch_size", batch_size)
    if rule.line_search and batch_size < examples:
        raise SettingError(f"{rule.name} takes all {examples} examples for a step: leave batch_size out")
    return min(batch_size, examples)


def scipy_method(
    fun: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    jac: Any = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    callback: Callable[..., Any] | None = None,
    tol: float | None = None,
    **options: Any,
) -> "Result":
    """`minimize` for `scipy.optimize.minimize(fun, x0, jac=..., method=cr.scipy_method, options={"optimizer": ...})`.

    - fun, x0, args: the function fun(x, *args), and the start of x.
    - jac: a function jac(x, *args) that returns dC/dx; True if fun returns (C, dC/dx); None as for `gradient` of
      `minimize`.
    - hess, hessp: not used.
    - bounds, constraints: refused.
    - callback: callback(x), or callback(intermediate_result) if its only argument has that name; called after each
      update, or each pass over the examples. It may raise StopIteration to end the descent.
    - tol: the tolerance of `minimize`.
    - options: the settings of `minimize`, and SciPy's maxiter (max_steps) and disp (print the message).

    >>> from scipy.optimize import minimize
    >>> result = minimize(lambda x: ((x - 2) ** 2).sum(), [0.0, 1.0], method=cr.scipy_method, tol=1e-6)
    >>> bool(result.success), result.x.round(4)
    (True, array([2., 2.]))

    Raises SettingError for bounds or constraints and for an option that is not a setting of `minimize`, and everything
    that `minimize` raises.
    """
    from chainrule.descent.result import result_of
    from chainrule.training import EpochEnd

    if bounds is not None or (constraints is not None and np.size(constraints)):
        raise SettingError(
            "gradient descent takes no bounds and no constraints: leave them out, or use L-BFGS-B or SLSQP"
        )
    settings, prints = _settings(options, tol)
    settings.setdefault("gradient", (lambda *v: jac(*v, *args)) if callable(jac) else jac or None)
    call_back, stop = _with_descent(callback), list[bool]()
    cancelled = settings.pop("cancel", None) or (lambda: False)
    f = functools.update_wrapper(lambda *v: fun(*v, *args), fun)  # whose parameters name the variables
    descent = descend(f, x0, cancel=lambda: bool(stop) or cancelled(), **settings)
    for event in descent:
        if isinstance(event, EpochEnd):
            try:
                call_back(descent)
            except StopIteration:
                stop.append(True)
    result = result_of(descent)
    if prints:
        print(result.message)  # noqa: T201 - SciPy's disp
    return result


def _settings(options: dict[str, Any], tol: float | None) -> tuple[dict[str, Any], bool]:
    """SciPy's options as settings of `minimize`, and whether to print the message."""
    settings = dict(options)
    prints = bool(settings.pop("disp", False))
    for name, value in (("max_steps", settings.pop("maxiter", None)), ("tolerance", tol)):
        if value is not None:
            settings.setdefault(name, value)
    for name in settings:
        require(name in _OPTIONS, "an option", name, f"one of {', '.join((*_OPTIONS, 'maxiter', 'disp'))}")
    return settings, prints


def _with_descent(callback: Callable[..., Any] | None) -> Callable[[Descent], Any]:
    """A function of a descent that calls SciPy's callback with the argument that the callback takes."""
    if callback is None:
        return lambda descent: None
    if list(inspect.signature(callback).parameters) != ["intermediate_result"]:
        return lambda descent: callback(descent.v)
    from scipy.optimize import OptimizeResult

    return lambda descent: callback(
        intermediate_result=OptimizeResult(x=descent.v, fun=descent.history.cost[-1], nit=descent.steps)
    )
