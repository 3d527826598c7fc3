"""The inputs, for one cell: they write what `Input.write` does for it into a row of zeros."""

from __future__ import annotations

import bisect
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.tables.inputs.cells.texts import OddCellError
from chainrule.tables.inputs.cells.times import day_of_year
from chainrule.tables.inputs.operations import (
    CUBE,
    LENGTH,
    SQUARE,
    Affine,
    Asinh,
    Bend,
    Bins,
    Curve,
    Cycle,
    Input,
    ManyHot,
    Missing,
    OneHot,
    Other,
    Powers,
    Step,
    Steps,
    TextWeights,
    TimeBins,
    Values,
)
from chainrule.tables.profile.dates import DAY

__all__ = ["PLACES", "STEPS", "WRITERS", "Write"]

Write = Callable[[Any, Array], None]  # of what a reader gives, None where missing, into a row (n_1,)
Function = Callable[[float], float]


def _affine(step: Affine) -> Function:
    mean, scale = step.mean, step.scale
    return lambda x: (x - mean) / scale


def _asinh(step: Asinh) -> Function:
    arcsinh = np.arcsinh  # whose bits are not always those of math.asinh
    return lambda x: float(arcsinh(x))


def _bend(step: Bend) -> Function:
    c = step.bound
    return lambda z: z if abs(z) <= c else math.copysign(2 * c - c * c / abs(z), z)


STEPS: dict[type[Step], Callable[[Any], Function]] = {Affine: _affine, Asinh: _asinh, Bend: _bend}


def _curve(part: Curve, place: int, dtype: np.dtype[Any]) -> Write:
    function = functools.reduce(_then, (STEPS[type(step)](step) for step in part.steps))
    most = math.inf if isinstance(part.steps[-1], Bend) else float(np.finfo(dtype).max)

    def write(value: float | None, x: Array) -> None:
        if value is not None:
            result = function(value)
            if not -most < result < most and most < math.inf:
                raise OddCellError
            x[place] = result

    return write


def _powers(part: Powers, place: int, dtype: np.dtype[Any]) -> Write:
    function = functools.reduce(_then, (STEPS[type(step)](step) for step in part.steps))

    def write(value: float | None, x: Array) -> None:
        if value is not None:
            z = function(value)
            square = z * z
            x[place], x[place + 1] = SQUARE * (square - 1), CUBE * (z * (square - 3))

    return write


def _bins(part: Bins, place: int, dtype: np.dtype[Any]) -> Write:
    low, width = (array.tolist() for array in part.bounds)

    def write(value: float | None, x: Array) -> None:
        if value is None:
            return
        below = bisect.bisect_right(low, value) - 1
        if below >= 0:
            x[place : place + below] = 1
            x[place + below] = min((value - low[below]) / width[below], 1.0)

    return write


def _values(part: Values, place: int, dtype: np.dtype[Any]) -> Write:
    places = {value: place + k for known in (part.rounded.tolist(), part.values) for k, value in enumerate(known)}

    def write(value: float | None, x: Array) -> None:
        if value in places:
            x[places[value]] = 1

    return write


def _then(first: Function, second: Function) -> Function:
    return lambda x: second(first(x))


PLACES: dict[str, Callable[[float], int]] = {
    "season": day_of_year,
    "weekday": lambda seconds: (math.floor(seconds / DAY) + 3) % 7,
    "clock": lambda seconds: int(seconds % DAY // 60),
}


def _cycle(part: Cycle, place: int, dtype: np.dtype[Any]) -> Write:
    position, waves = PLACES[part.cycle], part.waves.tolist()

    def write(seconds: float | None, x: Array) -> None:
        if seconds is not None:
            x[place], x[place + 1] = waves[position(seconds)]

    return write


def _one_hot(part: OneHot, place: int, dtype: np.dtype[Any]) -> Write:
    def write(code: int | None, x: Array) -> None:
        if code is not None and code >= 0:
            x[place + code] = 1

    return write


def _many_hot(part: ManyHot, place: int, dtype: np.dtype[Any]) -> Write:
    places = {code: place + code for code in range(len(part.words))}
    if part.other:
        places[-1] = place + len(part.words)

    def write(codes: set[int] | None, x: Array) -> None:
        for code in codes or ():
            if code in places:
                x[places[code]] = 1

    return write


def _text_weights(part: TextWeights, place: int, dtype: np.dtype[Any]) -> Write:
    weights, squares = part.weights, part.squares.tolist()

    def write(codes: set[int] | None, x: Array) -> None:
        known, total = sorted(code for code in codes or () if code >= 0), 0.0
        for code in known:  # sum() has other bits since Python 3.12
            total += squares[code]
        length = math.sqrt(total)
        for code in known:
            x[place + code] = LENGTH * weights[code] / length

    return write


def _steps(part: Steps, place: int, dtype: np.dtype[Any]) -> Write:
    def write(code: int | None, x: Array) -> None:
        if code is not None and code > 0:
            x[place : place + code] = 1

    return write


def _other(part: Other, place: int, dtype: np.dtype[Any]) -> Write:
    def write(code: int | None, x: Array) -> None:
        if code is not None and code < 0:
            x[place] = 1

    return write


def _missing(part: Missing, place: int, dtype: np.dtype[Any]) -> Write:
    def write(value: Any, x: Array) -> None:
        if value is None:
            x[place] = 1

    return write


WRITERS: dict[type[Input], Callable[[Any, int, np.dtype[Any]], Write]] = {
    Curve: _curve,
    Powers: _powers,
    Bins: _bins,
    TimeBins: _bins,
    Values: _values,
    Cycle: _cycle,
    OneHot: _one_hot,
    ManyHot: _many_hot,
    TextWeights: _text_weights,
    Steps: _steps,
    Other: _other,
    Missing: _missing,
}
