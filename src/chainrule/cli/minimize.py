"""`chainrule minimize`: find the minimum of a formula from a starting point."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, Token

from chainrule.cli import values
from chainrule.cli.console import say, write_json
from chainrule.cli.options import AsJson
from chainrule.cli.signals import Interrupt
from chainrule.errors import SettingError
from chainrule.expressions import Expression, parse
from chainrule.optimizers import OPTIMIZERS
from chainrule.plots import check_picture
from chainrule.schedules import SCHEDULES
from chainrule.training.display import Display

if TYPE_CHECKING:
    from chainrule.descent import Descent
    from chainrule.descent.result import Result

__all__ = ["minimize"]


def _text(kind: Any, tokens: Sequence[Token]) -> str:
    return tokens[-1].value


def _choice(registry: Any, text: str) -> Parameter:
    names = f"[{', '.join(registry.names())}]"
    return Parameter(
        converter=values.choice(registry), n_tokens=1, negative="", metavar="NAME", help=f"{text} {names}",
        completer=lambda context: registry.names(),
    )  # fmt: skip


def minimize(
    formula: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    start: Annotated[
        str,
        Parameter(
            converter=_text,
            n_tokens=1,
            allow_leading_hyphen=True,
            metavar="VALUES",
            help="Starting point: -1,2 with the variables in alphabetical order, or x=-1,y=2.",
        ),
    ],
    optimizer: Annotated[
        Any,
        _choice(
            OPTIMIZERS,
            "Rule that updates the variables. Default: lbfgs, or adam with a learning rate or a schedule.",
        ),
    ] = None,
    learning_rate: Annotated[
        float | None, Parameter(negative="", help="Learning rate. Default: 0.1, or 1 for lbfgs.")
    ] = None,
    schedule: Annotated[
        Any, _choice(SCHEDULES, "How the learning rate changes; one step counts as one epoch.")
    ] = "constant",
    tolerance: Annotated[float, Parameter(help="Converged when no |dC/dv| exceeds this.")] = 1e-8,
    relative_tolerance: Annotated[
        float, Parameter(help="Converged also when no |dC/dv| max(|v|, 1) exceeds this share of |C|.")
    ] = 0.0,
    max_steps: Annotated[int, Parameter(help="Maximum number of updates.", converter=values.count())] = 100_000,
    plot: Annotated[
        Path | None, Parameter(negative="", help="Plot the path into this file: .png, .svg or .pdf.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Minimise a formula.

    Parameters
    ----------
    formula
        For example "(1-x)^2 + 100*(y-x^2)^2".
    """
    expression = parse(formula)
    if plot is not None:
        check_picture(plot)
    varies = schedule not in ("constant", {"name": "constant"})
    rule = _rule(optimizer or ("adam" if varies or learning_rate is not None else "lbfgs"), learning_rate)
    settings = {"optimizer": rule, "tolerance": tolerance, "max_steps": max_steps}
    settings["relative_tolerance"] = relative_tolerance
    result, code = _run(
        expression, _start(start, expression.names), as_json, schedule=schedule if varies else None, **settings
    )
    if plot is not None:
        result.plot(plot, names=expression.names)
    _report(result, expression.names, plot, as_json)
    return code or (0 if result.success else 1)


def _run(expression: Expression, v0: tuple[float, ...], as_json: bool, **settings: Any) -> tuple["Result", int]:
    """The result, and the exit code: 0, or that of the signal that stopped the descent."""
    from chainrule.descent import descend
    from chainrule.descent.result import result_of

    with Interrupt() as interrupt, Display(silent=as_json, lines=False, may_end=True, unit="step") as display:
        descent = descend(expression, v0, "complex", cancel=interrupt.signalled, **settings)
        interrupt.defer(lambda: _best_so_far(descent, expression.names))
        for event in descent:
            display.show(event)
    return result_of(descent), interrupt.code


def _best_so_far(descent: "Descent", names: tuple[str, ...]) -> str:
    """The last line of output when the formula takes too long to compute after a signal."""
    best = descent.best
    return f"stopped: {_point(names, best.theta)}: cost {best.cost:.6g}" if best else "stopped before the first step"


def _point(names: tuple[str, ...], values: Any) -> str:
    return ", ".join(f"{name} = {value:.10g}" for name, value in zip(names, values, strict=True))


def _rule(optimizer: Any, learning_rate: float | None) -> Any:
    document = {"name": optimizer} if isinstance(optimizer, str) else dict(optimizer)
    if learning_rate is not None:
        document["learning_rate"] = learning_rate
    elif not OPTIMIZERS.get(document["name"]).line_search:
        document.setdefault("learning_rate", 0.1)
    return OPTIMIZERS.get(document)


def _start(text: str, names: tuple[str, ...]) -> tuple[float, ...]:
    """The values of the variables, from "-1,2" or "x=-1,y=2"."""
    parts = values.words(text)
    if not any("=" in part for part in parts):
        if len(parts) != len(names):
            variables = ", ".join(names)
            raise SettingError(f"--start is {text!r}, but the variables are {variables}: give one value for each")
        return tuple(_finite(part) for part in parts)
    pairs = [_pair(part) for part in parts]
    by_name = dict(pairs)
    if len(by_name) < len(pairs):
        raise SettingError(f"--start is {text!r}, but each variable has one value: name it once")
    odd = [name for name in (*names, *by_name) if (name in by_name) != (name in names)]
    if odd:
        problem = "has no value for" if odd[0] in names else "has a value for"
        raise SettingError(f"--start {problem} {odd[0]!r}, but the variables are {', '.join(names)}")
    return tuple(_finite(by_name[name]) for name in names)


def _pair(part: str) -> tuple[str, str]:
    name, equals, value = part.partition("=")
    if not equals:
        raise SettingError(f"--start has {part!r} without a name: name all values, as in x=-1,y=2, or none")
    return name.strip(), value.strip()


def _finite(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SettingError(f"--start has {text!r}, but takes finite numbers: -1,2 or x=-1,y=2")
    return value


def _report(result: "Result", names: tuple[str, ...], plot: Path | None, as_json: bool) -> None:
    if as_json:
        point = dict(zip(names, map(float, result.x), strict=True))
        gradient = dict(zip(names, map(float, result.jac), strict=True))
        write_json({
            "event": "end", "success": result.success, "status": result.status, "message": result.message,
            "x": point, "cost": result.fun, "gradient": gradient, "steps": result.nit,
            "evaluations": result.nfev, "seconds": round(result.history.seconds, 3),
            "plot": None if plot is None else str(plot),
        })  # fmt: skip
        return
    from chainrule.descent.loop import SADDLE

    say(result.message)
    best = "" if result.success or result.status == SADDLE else " (the best point so far)"
    say(f"{_point(names, result.x)}: cost {result.fun:.6g}{best}")
    if plot is not None:
        say(f"path plotted in {plot}")
