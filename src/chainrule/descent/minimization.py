"""`minimize`: from a function and a point to start from to a minimum; the same as a method of SciPy's `minimize`."""

import inspect
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.descent.loop import Descent, Settings
from chainrule.descent.problem import Problem
from chainrule.errors import SettingError
from chainrule.optimizers import OPTIMIZERS, SGD, Clip, Optimizer
from chainrule.random import as_seed
from chainrule.registry import require
from chainrule.schedules import SCHEDULES, Constant
from chainrule.training import Event

if TYPE_CHECKING:
    from chainrule.descent.result import Result

__all__ = ["descend", "minimize", "scipy_method"]

_DEFAULT = SGD(0.1)

_OPTIONS = (
    *("gradient", "optimizer", "tolerance", "max_steps", "schedule", "clip"),
    *("examples", "batch_size", "seed", "cancel"),
)


def minimize(
    f: Callable[..., Any],
    v0: Any,
    gradient: Any = None,
    optimizer: Any = _DEFAULT,
    tolerance: float = 1e-8,
    max_steps: int = 100_000,
    *,
    schedule: Any = None,
    clip: Clip | None = None,
    examples: int | None = None,
    batch_size: int | None = None,
    seed: int | None = 0,
    callback: Callable[[Event], Any] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> "Result":
    """Minimise f by gradient descent from v0: v ← v - eta dC/dv, or by another rule, until max|dC/dv| <= tolerance.

    - f: the function, f(v) -> C for an array v of any shape, f(*v) -> C for a tuple of arrays and numbers.
    - v0: the point to start from, an array or a tuple; `x` in the result has the same form.
    - gradient: a function of the same arguments for dC/dv; True where f returns (C, dC/dv); "complex", "central" or
      "jax" for that method; None for a complex step where f is analytic, central differences elsewhere.
    - optimizer: the rule, by name, as a document or as an object; its learning rate is that of the first update.
    - tolerance: the descent has converged when no element of |dC/dv| is above it; from 0.
    - max_steps: the most updates.
    - schedule: what the learning rate is multiplied with, by name, as a document or as an object; None for nothing. Its
      epoch is one update, or one pass over the examples.
    - clip: a `Clip` with bounds for the gradient, or None.
    - examples: n, where C is the mean of n costs; f(v, rows) then gives the costs (m,) of those rows, or their mean.
      The gradient over all examples is computed once an epoch. None where f has no examples.
    - batch_size: examples of an update; None for 32, or for all where the rule is made for that.
    - seed: what fixes the order of the examples; None draws one.
    - callback: a function that is called with each event, or None.
    - cancel: a function that is called before each update; the descent stops where it returns True.

    >>> result = cr.minimize(lambda x, y: (1 - x)**2 + 100 * (y - x**2)**2, (-1.0, 2.0), optimizer="lbfgs")
    >>> result.success, [float(round(x, 6)) for x in result.x], result.gradient
    (True, [1.0, 1.0], 'complex step')

    Returns SciPy's OptimizeResult with the path and the history; success is False, with the best point seen, after
    max_steps, where the cost is not finite, where it falls no further, and when cancelled; message says which.

    Raises SettingError where a setting is out of its range, and where f does not return one real number;
    UnknownNameError where there is no such optimizer or schedule.

    Source: Cauchy, Méthode générale pour la résolution des systèmes d'équations simultanées, 1847; for the stochastic
    form Robbins & Monro, A stochastic approximation method, Annals of Mathematical Statistics 22, 1951.
    """
    from chainrule.descent.result import result_of

    require(callback is None or callable(callback), "callback", callback, "a function, or None")
    descent = descend(
        f, v0, gradient, optimizer, tolerance, max_steps,
        schedule=schedule, clip=clip, examples=examples, batch_size=batch_size, seed=seed, cancel=cancel,
    )  # fmt: skip
    for event in descent:
        if callback is not None:
            callback(event)
    return result_of(descent)


def descend(
    f: Callable[..., Any],
    v0: Any,
    gradient: Any = None,
    optimizer: Any = _DEFAULT,
    tolerance: float = 1e-8,
    max_steps: int = 100_000,
    *,
    schedule: Any = None,
    clip: Clip | None = None,
    examples: int | None = None,
    batch_size: int | None = None,
    seed: int | None = 0,
    cancel: Callable[[], bool] | None = None,
) -> Descent:
    """The same as a `Descent`, an iterator of events: a program can follow it, and leave it at any event.

    - f, v0, gradient, optimizer, tolerance, max_steps: as in `minimize`.
    - schedule, clip, examples, batch_size, seed, cancel: as in `minimize`.

    >>> from chainrule.descent import descend
    >>> descent = descend(lambda v: v @ v, [3.0, 4.0], optimizer=cr.SGD(0.25), max_steps=2)
    >>> [(type(event).__name__, descent.v.tolist()) for event in descent][1:3]
    [('EpochEnd', [1.5, 2.0]), ('EpochEnd', [0.75, 1.0])]

    Raises SettingError and UnknownNameError where `minimize` does.
    """
    rule = OPTIMIZERS.get(optimizer)
    number = isinstance(tolerance, int | float | np.floating) and not isinstance(tolerance, bool)
    require(number and 0 <= tolerance < math.inf, "tolerance", tolerance, "a number from 0")
    _whole("max_steps", max_steps, 0)
    require(clip is None or isinstance(clip, Clip), "clip", clip, "a Clip, or None")
    require(
        clip is None or clip.example == math.inf,
        "example of clip",
        clip and clip.example,
        "left out: it is for networks",
    )
    require(cancel is None or callable(cancel), "cancel", cancel, "a function, or None")
    settings = Settings(
        optimizer=rule,
        schedule=Constant() if schedule is None else SCHEDULES.get(schedule),
        clip=clip or Clip(),
        tolerance=float(tolerance),
        max_steps=max_steps,
        batch_size=_batch_size(examples, batch_size, rule),
        seed=as_seed(seed),
    )
    if rule.line_search and (clip, schedule) != (None, None):
        raise SettingError(f"{rule.name} finds its steps by a line search: it takes no schedule and no clip")
    return Descent(Problem(f, v0, gradient, examples), settings, cancel)


def _whole(what: str, value: Any, least: int) -> None:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    require(whole and value >= least, what, value, f"a whole number from {least}")


def _batch_size(examples: int | None, asked: int | None, rule: Optimizer) -> int:
    if examples is None:
        require(asked is None, "batch_size", asked, "left out unless `examples` says how many there are")
        return 1
    _whole("examples", examples, 1)
    if asked is None:
        return examples if rule.full_batch else min(32, examples)
    _whole("batch_size", asked, 1)
    if rule.line_search and asked < examples:
        raise SettingError(f"{rule.name} takes all {examples} examples for a step: leave batch_size out")
    return min(asked, examples)


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

    - fun, x0, args: the function fun(x, *args), and where x starts.
    - jac: a function jac(x, *args) for dC/dx; True where fun returns (C, dC/dx); None as for `gradient` of `minimize`.
    - hess, hessp: not used.
    - bounds, constraints: refused.
    - callback: callback(x), or callback(intermediate_result) where its only argument has that name; called after each
      update (each pass over the examples). It may raise StopIteration to end the descent.
    - tol: the tolerance of `minimize`.

    Options are the settings of `minimize`, and SciPy's maxiter (max_steps) and disp (print the message).

    >>> from scipy.optimize import minimize
    >>> found = minimize(lambda x: ((x - 2) ** 2).sum(), [0.0, 1.0], method=cr.scipy_method, tol=1e-6)
    >>> bool(found.success), found.x.round(4)
    (True, array([2., 2.]))

    Raises SettingError where there are bounds or constraints, where an option is not a setting of `minimize`, and where
    `minimize` does.
    """
    from chainrule.descent.result import result_of
    from chainrule.training import EpochEnd

    if bounds is not None or (constraints is not None and np.size(constraints)):
        raise SettingError(
            "gradient descent takes no bounds and no constraints: leave them out, or use L-BFGS-B or SLSQP"
        )
    options, shows = _settings(options, tol)
    options.setdefault("gradient", (lambda *v: jac(*v, *args)) if callable(jac) else jac or None)
    told, stop = _telling(callback), list[bool]()
    asked = options.pop("cancel", None) or (lambda: False)
    descent = descend(lambda *v: fun(*v, *args), x0, cancel=lambda: bool(stop) or asked(), **options)
    for event in descent:
        if isinstance(event, EpochEnd):
            try:
                told(descent)
            except StopIteration:
                stop.append(True)
    result = result_of(descent)
    if shows:
        print(result.message)  # noqa: T201 - what SciPy's disp means
    return result


def _settings(options: dict[str, Any], tol: float | None) -> tuple[dict[str, Any], bool]:
    """SciPy's options as settings of `minimize`, and whether to print the message."""
    found = dict(options)
    shows = bool(found.pop("disp", False))
    for name, value in (("max_steps", found.pop("maxiter", None)), ("tolerance", tol)):
        if value is not None:
            found.setdefault(name, value)
    for name in found:
        require(name in _OPTIONS, "an option", name, f"one of {', '.join((*_OPTIONS, 'maxiter', 'disp'))}")
    return found, shows


def _telling(callback: Callable[..., Any] | None) -> Callable[[Descent], Any]:
    """What calls SciPy's callback in the form that it takes."""
    if callback is None:
        return lambda descent: None
    if list(inspect.signature(callback).parameters) != ["intermediate_result"]:
        return lambda descent: callback(descent.v)
    from scipy.optimize import OptimizeResult

    return lambda descent: callback(
        intermediate_result=OptimizeResult(x=descent.v, fun=descent.history.cost[-1], nit=descent.steps)
    )
