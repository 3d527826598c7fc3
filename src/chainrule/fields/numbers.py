"""Kinds of numbers: real ones and whole ones, alone or one for each layer."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.fields.kind import Kind
from chainrule.registry import is_finite, is_number, require

__all__ = ["MOST", "ByLayer", "Number", "Numbers", "Seconds", "Sizes", "Whole", "is_whole"]


MOST = 2**53  # of anything that is counted: float64 and int64 are exact up to here


def is_whole(value: Any, least: float = -math.inf) -> bool:
    """Whether a value is a whole number, and at least `least`."""
    return is_number(value) and isinstance(value, int | np.integer) and bool(value >= least)


@dataclasses.dataclass(frozen=True)
class Number(Kind):
    """A finite number from `low` to `high`; `above` and `below` leave the bound itself out.

    >>> Number(0, 1, below=True).allowed
    'a number from 0 to below 1'
    """

    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False

    def convert(self, name: str, value: Any) -> Any:
        require(is_finite(value) and self.contains(float(value)), name, value, self.allowed)
        return float(value)

    def contains(self, value: float) -> bool:
        """Whether a number lies within the bounds."""
        low = value > self.low if self.above else value >= self.low
        high = value < self.high if self.below else value <= self.high
        return math.isfinite(value) and low and high

    @property
    def words(self) -> str:
        start = "" if self.low == -math.inf else f" {'above' if self.above else 'from'} {self.low:g}"
        end = "" if self.high == math.inf else f" to {'below ' if self.below else ''}{self.high:g}"
        return f"{self.noun}{start}{end}"

    @property
    def noun(self) -> str:
        """What the number is."""
        return "a number"


@dataclasses.dataclass(frozen=True)
class Seconds(Number):
    """A duration in seconds; on the command line also with units, such as 90s, 10m, 1h30m."""

    @property
    def noun(self) -> str:
        return "a number of seconds"


@dataclasses.dataclass(frozen=True)
class Numbers(Number):
    """One number within the bounds, or a list with one for each hidden layer (then a tuple)."""

    def convert(self, name: str, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return tuple(super(Numbers, self).convert(name, each) for each in value)
        return super().convert(name, value)

    @property
    def words(self) -> str:
        return f"{super().words}, a list of these"


@dataclasses.dataclass(frozen=True)
class ByLayer(Number):
    """A mapping from numbers of layers to numbers within the bounds (then with texts as keys, in their order).

    >>> ByLayer(0).clean("rates", {3: 1, "2": 0.5})
    {'2': 0.5, '3': 1.0}
    """

    def convert(self, name: str, value: Any) -> dict[str, float]:
        require(isinstance(value, Mapping), name, value, self.allowed)
        for key in value:
            number = is_whole(key, 2) or (isinstance(key, str) and key.isascii() and key.isdigit() and int(key) >= 2)
            require(number, f"a layer of {name}", key, "its number, from 2")
        layers = {int(key): each for key, each in value.items()}
        convert = super().convert
        return {str(layer): convert(f"{name} of layer {layer}", layers[layer]) for layer in sorted(layers)}

    @property
    def words(self) -> str:
        return f"a mapping from numbers of layers to {super().words.removeprefix('a ').replace('number', 'numbers', 1)}"


@dataclasses.dataclass(frozen=True)
class Whole(Kind):
    """A whole number from `least`, at most 2^53."""

    least: int = 0

    def convert(self, name: str, value: Any) -> int:
        require(is_whole(value, self.least), name, value, self.allowed)
        require(value <= MOST, name, value, "at most 2^53")
        return int(value)

    @property
    def words(self) -> str:
        return f"a whole number from {self.least}"


@dataclasses.dataclass(frozen=True)
class Sizes(Kind):
    """Whole numbers from 1, one for each layer: a list, or one number for one layer (a tuple in any case)."""

    def convert(self, name: str, value: Any) -> tuple[int, ...]:
        sizes = [value] if is_whole(value) else value
        is_list = isinstance(sizes, Sequence) or (isinstance(sizes, np.ndarray) and sizes.ndim == 1)
        require(is_list and all(is_whole(size, 1) for size in sizes), name, value, self.allowed)
        require(all(size <= MOST for size in sizes), name, value, "at most 2^53")
        return tuple(int(size) for size in sizes)

    @property
    def words(self) -> str:
        return "whole numbers from 1"
