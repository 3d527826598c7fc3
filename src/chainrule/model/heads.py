"""The head of a target: its output activation and its cost, and the scale that the outputs can reach.

ordered   sigmoid + binary_cross_entropy for each class but the lowest, each output a probability of its own
labels    the same for each label
classes   softmax + cross_entropy, or any outputs from 0 to 1, which are divided by their sum where it is not 1
numbers   identity + quadratic, standardised. Outputs that are never negative (exp, softplus, relu) keep 0 where it is:
          y / mean y, which changes only the unit of the Poisson cost and no prediction. Bounded outputs (sigmoid, tanh)
          take y as it is, which must then lie within the bounds.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.costs import CANONICAL, COSTS, Cost, partner
from chainrule.costs.entries import Quantile
from chainrule.errors import DataError, SettingError
from chainrule.tables.targets import NormalNumbers, Outputs, Quantiles, Quantity, Targets, shares

__all__ = [
    "Head",
    "as_predictions",
    "block_heads",
    "check_reach",
    "choose",
    "distributed",
    "divides",
    "heads_for",
    "member_of",
    "scaled_for",
    "suits",
]

Scaling = Literal["standard", "mean", "none"]

_OUTPUTS = {cost: output for output, cost in CANONICAL}
_YES_OR_NO = ("sigmoid", "binary_cross_entropy")
_DEFAULT = {
    "classes": ("softmax", "cross_entropy"),
    "ordered": _YES_OR_NO,
    "labels": _YES_OR_NO,
    "numbers": ("identity", "quadratic"),
}
_ONLY = {
    "cross_entropy": "classes",
    "poisson": "numbers",
    "quantile": "numbers",
    "gaussian": "numbers",
}  # costs for one kind of target


@dataclasses.dataclass(frozen=True)
class Head:
    """The head of a block of outputs: its activation and its cost."""

    output: Activation
    cost: Cost

    @property
    def scaling(self) -> Scaling:
        """How numbers are scaled to targets that these outputs can reach."""
        low, high = self.output.range.low, self.output.range.high
        if low == -math.inf and high == math.inf:
            return "standard"
        return "mean" if low == 0 and high == math.inf else "none"


def choose(kind: str, output: Any = None, cost: Any = None) -> Head:
    """The head for targets of a kind: `classes`, `ordered`, `labels` or `numbers`.

    - output: an activation, or None for the one that suits the cost.
    - cost: a cost, or None for the one that suits the output.

    >>> head = choose("numbers", cost="poisson")
    >>> head.output.name, head.scaling
    ('exp', 'mean')
    >>> choose("classes", output="sigmoid").cost.name
    'binary_cross_entropy'

    Raises SettingError where output and cost do not fit each other or the targets.
    """
    C = None if cost is None else COSTS.get(cost)
    sigma = ACTIVATIONS.get(_output_for(kind, C) if output is None else output)
    chosen = COSTS.get(_cost_for(kind, sigma)) if C is None else C
    _check(kind, sigma, chosen)
    return Head(sigma, chosen)


def heads_for(targets: Targets, output: Any = None, cost: Any = None) -> dict[str, Head]:
    """The head for each kind of target in the table.

    Raises SettingError where an output or a cost is set for targets of both kinds, which have none in common.
    """
    kinds = list(dict.fromkeys(block.kind for block in targets.blocks))
    if len(kinds) > 1 and (output is not None or cost is not None):
        kinds = [kind if kind in ("classes", "numbers") else f"{kind} targets" for kind in kinds]
        raise SettingError(f"the targets are {' and '.join(kinds)}, which share no output and no cost: leave both out")
    return {kind: choose(kind, output, cost) for kind in kinds}


def distributed(targets: Targets, heads: Mapping[str, Head], levels: Sequence[float]) -> Targets:
    """The targets, of which those of numbers have outputs that say how sure they are, if the head asks for it.

    - levels: the levels of the quantiles, or none.
    """
    gaussian = "numbers" in heads and heads["numbers"].cost.name == "gaussian"
    texts = tuple(repr(float(level)) for level in levels)

    def of(column: Any) -> Any:
        if not isinstance(column, Quantity) or not (gaussian or levels):
            return column
        fields: dict[str, Any] = {"name": column.name, "mean": column.mean, "scale": column.scale, "form": column.form}
        return NormalNumbers(**fields) if gaussian else Quantiles(**fields, levels=texts)

    return Targets(tuple(of(column) for column in targets.columns))


def block_heads(targets: Targets, heads: Mapping[str, Head]) -> list[Head]:
    """The head of each block of outputs; each quantile has a cost of its own level."""
    each: list[Head] = []
    for column in targets.columns:
        if isinstance(column, Quantiles):
            levels = [float(level) for level in column.levels]
            each += [Head(heads[column.kind].output, Quantile(q=level)) for level in levels]
    return each if each else [heads[block.kind] for block in targets.blocks]


def member_of(targets: Targets, heads: Mapping[str, Head], settings: Any, inputs: int) -> Architecture:
    """The network of one member for so many inputs, with hidden layers as settings say and the heads of the targets."""
    blocks = block_heads(targets, heads)
    output = [(head.output, block.width) for head, block in zip(blocks, targets.blocks, strict=True)]
    sizes = [inputs, *settings.hidden, targets.width]
    return Architecture.of(sizes, settings.activation, output, [head.cost for head in blocks])


def scaled_for(targets: Targets, heads: Mapping[str, Head]) -> Targets:
    """The standardised targets, rescaled to what these outputs can reach.

    Raises DataError where outputs that are never negative meet a target whose mean is not above 0.
    """
    return Targets(tuple(_rescaled(column, heads[column.kind]) for column in targets.columns))


def check_reach(targets: Outputs, heads: Mapping[str, Head], T: Array) -> None:
    """Raise DataError where targets T (n, n_L) are not standardised and lie outside the range of the outputs."""
    if "numbers" not in heads or heads["numbers"].scaling == "standard":
        return
    bounds = heads["numbers"].output.range
    for column, part in targets.slices:
        t = T[:, part]
        low, high = (column.decode(np.full((1, column.width), end))[0] for end in (t.min(), t.max()))
        if t.min() < bounds.low or t.max() > bounds.high:
            raise DataError(
                f"target {column.name!r} goes from {low:g} to {high:g}, but output {heads['numbers'].output.name!r} "
                f"gives {bounds}: choose output 'identity'"
            )


def as_predictions(targets: Outputs, outputs: Sequence[Activation], A: Array) -> Array:
    """The outputs A (n, n_L) of blocks with these activations, where those of classes are divided by their sum."""
    divided = _divided(targets, outputs)
    if not any(divided):
        return A
    parts = np.split(A, np.cumsum([block.width for block in targets.blocks])[:-1], axis=1)
    return np.concatenate([shares(part) if d else part for part, d in zip(parts, divided, strict=True)], axis=1)


def divides(targets: Outputs, outputs: Sequence[Activation]) -> bool:
    """Whether `as_predictions` divides any outputs of these activations."""
    return any(_divided(targets, outputs))


def _divided(targets: Outputs, outputs: Sequence[Activation]) -> list[bool]:
    """Whether the outputs of each block are divided by their sum."""
    return [block.kind == "classes" and sigma.elementwise for block, sigma in zip(targets.blocks, outputs, strict=True)]


def suits(kind: str, output: Activation) -> bool:
    """Whether predictions for targets of a kind can be read from outputs with this activation."""
    low, high = output.range.low, output.range.high
    if kind in ("ordered", "labels"):
        return output.elementwise and low >= 0 and high <= 1
    if kind == "classes":
        return low >= 0 and high <= 1
    ends_below_0 = -math.inf < low < 0 and high == math.inf  # such as elu: standardised numbers lie below that end
    return output.elementwise and not ends_below_0


def _output_for(kind: str, cost: Cost | None) -> str:
    """The name of the activation that suits a kind and a cost."""
    if cost is None or cost.name not in _OUTPUTS or cost.name == "quadratic":
        return _DEFAULT[kind][0]
    return _OUTPUTS[cost.name]


def _cost_for(kind: str, output: Activation) -> str:
    """The name of the cost that suits a kind and an activation."""
    return partner(output) if suits(kind, output) else _DEFAULT[kind][1]


def _check(kind: str, output: Activation, cost: Cost) -> None:
    """Raise SettingError where output and cost do not fit each other or the kind of target."""
    if _ONLY.get(cost.name, kind) != kind:
        raise SettingError(f"cost {cost.name!r} is for {_ONLY[cost.name]}, but the target holds {kind}: choose another")
    if not suits(kind, output):
        others = {"classes": "softmax or sigmoid", "numbers": "identity, exp, softplus, relu, sigmoid or tanh"}.get(
            kind, "sigmoid"
        )
        raise SettingError(f"output {output.name!r} does not suit {kind}: choose {others}")
    if cost.distribution and output.elementwise:
        raise SettingError(
            f"cost {cost.name!r} needs outputs that sum to 1, which those of {output.name!r} do not: "
            "choose output 'softmax', or cost 'binary_cross_entropy'"
        )
    if cost.name == "gaussian" and output.name != "identity":
        raise SettingError(f"cost 'gaussian' needs output 'identity', not {output.name!r}: leave the output out")
    if not output.range.inside(cost.outputs):
        raise SettingError(
            f"cost {cost.name!r} needs outputs in {cost.outputs}, but output {output.name!r} gives {output.range}: "
            "choose another of the two"
        )


def _rescaled(column: Any, head: Head) -> Any:
    """A target column with the scale that its head needs."""
    if not isinstance(column, Quantity) or head.scaling == "standard":
        return column
    if head.scaling == "none":
        return dataclasses.replace(column, mean=0.0, scale=1.0)
    if column.mean <= 0:
        raise DataError(
            f"target {column.name!r} has mean {column.mean:g}, but output {head.output.name!r} gives "
            f"{head.output.range}: choose output 'identity'"
        )
    return dataclasses.replace(column, mean=0.0, scale=column.mean)
