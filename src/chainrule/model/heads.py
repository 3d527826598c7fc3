"""Which output activation and cost a target takes, and how numbers are scaled so that the outputs can reach them.

classes   softmax + cross_entropy, or any outputs from 0 to 1; they are divided by their sum where that is not 1
numbers   identity + quadratic, standardised. Outputs that are never negative (exp, softplus, relu) keep 0 where it is:
          y / mean y, which changes no answer of the Poisson cost, only its unit. Bounded ones (sigmoid, tanh) take y as
          it is, which must then lie within the bounds.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.arrays import Array
from chainrule.costs import CANONICAL, COSTS, Cost, partner
from chainrule.errors import DataError, SettingError
from chainrule.tables.targets import Quantity, Targets

__all__ = ["Choice", "as_answers", "check_reach", "choices_for", "choose", "scaled_for", "shares", "suits"]

Scaling = Literal["standard", "mean", "none"]

_OUTPUTS = {cost: output for output, cost in CANONICAL}
_DEFAULT = {"classes": ("softmax", "cross_entropy"), "numbers": ("identity", "quadratic")}
_ONLY = {"cross_entropy": "classes", "poisson": "numbers", "quantile": "numbers"}  # costs that say so


@dataclasses.dataclass(frozen=True)
class Choice:
    """The activation and the cost of a block of outputs, and how its numbers are scaled."""

    output: Activation
    cost: Cost

    @property
    def scaling(self) -> Scaling:
        """How numbers become targets of these outputs."""
        return _scaling(self.output)


def choose(kind: str, output: Any = None, cost: Any = None) -> Choice:
    """The output activation and cost for targets of a kind, `classes` or `numbers`; None follows from the other.

    >>> found = choose("numbers", cost="poisson")
    >>> found.output.name, found.scaling
    ('exp', 'mean')
    >>> choose("classes", output="sigmoid").cost.name
    'binary_cross_entropy'

    Raises SettingError for two that do not fit each other or the targets.
    """
    C = None if cost is None else COSTS.get(cost)
    sigma = ACTIVATIONS.get(_output_for(kind, C) if output is None else output)
    chosen = COSTS.get(_cost_for(kind, sigma)) if C is None else C
    _check(kind, sigma, chosen)
    return Choice(sigma, chosen)


def choices_for(targets: Targets, output: Any = None, cost: Any = None) -> dict[str, Choice]:
    """The choice for each kind of target that is there.

    Raises SettingError for an output or cost where the targets are of both kinds, which have none in common.
    """
    kinds = list(dict.fromkeys(block.kind for block in targets.blocks))
    if len(kinds) > 1 and (output is not None or cost is not None):
        raise SettingError("the targets are classes and numbers, which share no output and no cost: leave both out")
    return {kind: choose(kind, output, cost) for kind in kinds}


def scaled_for(targets: Targets, choices: Mapping[str, Choice]) -> Targets:
    """The targets, standardised so far, as these outputs take them. Raises DataError for numbers that have no unit."""
    return Targets(tuple(_rescaled(column, choices[column.kind]) for column in targets.columns))


def check_reach(targets: Targets, choices: Mapping[str, Choice], T: Array) -> None:
    """Raise DataError for a target among T (n, n_L) that outputs which are not standardised cannot come near."""
    if "numbers" not in choices or choices["numbers"].scaling == "standard":
        return
    bounds = choices["numbers"].output.range
    for column, t in zip(targets.columns, T.T, strict=True):
        low, high = (column.decode(np.array([[end]]))[0] for end in (t.min(), t.max()))
        if t.min() < bounds.low or t.max() > bounds.high:
            raise DataError(
                f"target {column.name!r} goes from {low:g} to {high:g}, but output {choices['numbers'].output.name!r} "
                f"gives {bounds}: choose output 'identity'"
            )


def as_answers(targets: Targets, outputs: Sequence[Activation], A: Array) -> Array:
    """The outputs A (n, n_L) of blocks with these activations; those of classes sum to 1, or are made to."""
    made = [block.kind == "classes" and sigma.elementwise for block, sigma in zip(targets.blocks, outputs, strict=True)]
    if not any(made):
        return A
    parts = np.split(A, np.cumsum([block.width for block in targets.blocks])[:-1], axis=1)
    return np.concatenate([shares(part) if divide else part for part, divide in zip(parts, made, strict=True)], axis=1)


def suits(kind: str, output: Activation) -> bool:
    """Whether the answers for targets of a kind can be read off such outputs."""
    low, high = output.range.low, output.range.high
    if kind == "classes":
        return low >= 0 and high <= 1
    ends_below_0 = -math.inf < low < 0 and high == math.inf  # as elu: standardised numbers go below that end
    return output.elementwise and not ends_below_0


def _output_for(kind: str, cost: Cost | None) -> str:
    if cost is None or cost.name not in _OUTPUTS or cost.name == "quadratic":
        return _DEFAULT[kind][0]
    return _OUTPUTS[cost.name]


def _cost_for(kind: str, output: Activation) -> str:
    return partner(output) if suits(kind, output) else _DEFAULT[kind][1]


def _check(kind: str, output: Activation, cost: Cost) -> None:
    if _ONLY.get(cost.name, kind) != kind:
        raise SettingError(f"cost {cost.name!r} is for {_ONLY[cost.name]}, and the target holds {kind}: choose another")
    if not suits(kind, output):
        others = "softmax or sigmoid" if kind == "classes" else "identity, exp, softplus, relu, sigmoid or tanh"
        raise SettingError(f"output {output.name!r} does not suit {kind}: choose {others}")
    if cost.distribution and output.elementwise:
        raise SettingError(
            f"cost {cost.name!r} needs outputs that sum to 1, which those of {output.name!r} do not: "
            "choose output 'softmax', or cost 'binary_cross_entropy'"
        )
    if not output.range.inside(cost.outputs):
        raise SettingError(
            f"cost {cost.name!r} needs outputs in {cost.outputs}, but output {output.name!r} gives {output.range}: "
            "choose another of the two"
        )


def _scaling(output: Activation) -> Scaling:
    low, high = output.range.low, output.range.high
    if low == -math.inf and high == math.inf:
        return "standard"
    return "mean" if low == 0 and high == math.inf else "none"


def _rescaled(column: Any, choice: Choice) -> Any:
    if not isinstance(column, Quantity) or choice.scaling == "standard":
        return column
    if choice.scaling == "none":
        return dataclasses.replace(column, mean=0.0, scale=1.0)
    if column.mean <= 0:
        raise DataError(
            f"target {column.name!r} has mean {column.mean:g}, but output {choice.output.name!r} gives "
            f"{choice.output.range}: choose output 'identity'"
        )
    return dataclasses.replace(column, mean=0.0, scale=column.mean)


def shares(A: Array) -> Array:
    """Rows that sum to 1; a row of zeros says nothing, so that its classes are alike."""
    total = A.sum(axis=1, keepdims=True)
    return np.where(total > 0, A / np.where(total > 0, total, 1), A.dtype.type(1 / A.shape[1]))
