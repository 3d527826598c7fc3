"""What the outputs of a network stand for, from its targets."""

from __future__ import annotations

import dataclasses
from typing import Any

from numpy.typing import NDArray

from chainrule.activations import Activation
from chainrule.architecture import Architecture
from chainrule.errors import SettingError
from chainrule.export.program import ClassOutput, LabelsOutput, NumberOutput, Output, Program
from chainrule.tables.targets import (
    Classes,
    ClassTarget,
    Labels,
    LabelTarget,
    LogQuantity,
    NormalNumbers,
    OrderedClasses,
    Outputs,
    Quantiles,
    Quantity,
    Target,
)
from chainrule.text import shown

__all__ = ["outputs_of", "program_of_network"]


def outputs_of(targets: Outputs, architecture: Architecture, divided: bool = False) -> tuple[Output, ...]:
    """The outputs of a network with these targets.

    - divided: whether probabilities are always divided by their sum; otherwise only those of elementwise activations.

    Raises SettingError for classes that are not texts, whole numbers, numbers or booleans.
    """
    return tuple(
        output
        for target, part in targets.slices
        for output in _outputs(target, part, _activation_at(architecture, part.start), divided)
    )


def program_of_network(architecture: Architecture, theta: NDArray[Any], digest: str = "") -> Program:
    """The program of a network: numbers in, and the numbers of the last layer as `output 1`, `output 2`, ...

    Raises SettingError for a network with an activation of one's own.
    """
    outputs = tuple(NumberOutput(f"output {k + 1}", k, k + 1, scaled=False) for k in range(architecture.sizes[-1]))
    return Program(architecture, theta, outputs, digest=digest)


def _activation_at(architecture: Architecture, neuron: int) -> Activation:
    """The activation of an output neuron, numbered from 0."""
    return next(block.activation for block in architecture.blocks if block.start <= neuron < block.stop)


def _outputs(target: Target, part: slice, sigma: Activation, divided: bool) -> list[Output]:
    """The outputs of a target: one; of numbers also each quantile, or the deviation, where the network has them."""
    first = part.start
    if isinstance(target, Quantiles):
        numbers = [("", target.middle), *((f" {level}", k) for k, level in enumerate(target.levels))]
        places = [(f"{target.name}{more}", first + k, first + k + 1) for more, k in numbers]
        return [NumberOutput(*place, target.mean, target.scale) for place in places]
    if isinstance(target, NormalNumbers):
        start, slope = target.deviation_parts
        mean = NumberOutput(target.name, first, first + 1, target.mean, target.scale)
        return [mean, NumberOutput(f"{target.name} deviation", first + 1, part.stop, start, slope, logarithm=True)]
    return [_output(target, part, sigma, divided)]


def _output(target: Target, part: slice, sigma: Activation, divided: bool) -> Output:
    place = target.name, part.start, part.stop
    if isinstance(target, Quantity):
        return NumberOutput(*place, target.mean, target.scale, isinstance(target, LogQuantity))
    if isinstance(target, LabelTarget):
        return LabelsOutput(*place, target.words, target.separator)
    assert isinstance(target, ClassTarget), "a target has classes, labels or numbers"
    ordered = isinstance(target, OrderedClasses)
    single = isinstance(target, Labels) and target.yes_or_no
    probable = sigma.range.low >= 0 and sigma.range.high <= 1
    shared = (divided or sigma.elementwise) and not single and not ordered
    output = ClassOutput(*place, _classes(target), single, shared, probable, target.texts, ordered)
    if not isinstance(target, Classes) or target.threshold is None:
        return output
    return dataclasses.replace(output, threshold=target.threshold, of_first=target.of_first)


def _classes(target: ClassTarget) -> tuple[Any, ...]:
    classes: list[Any] = target.values.tolist()
    if len({type(value) for value in classes}) > 1 or not isinstance(classes[0], str | int | float | bool):
        raise SettingError(
            f"{target.name!r} has classes such as {shown(classes[0])}: only texts, numbers and booleans can be exported"
        )
    return tuple(classes)
