"""Columns of dates and times: the days since 1970, and the place in the year, the week and the day.

times            days as a scaled number; sine and cosine of the place in the year, the week and the day
detailed times   with more waves in each of these cycles, and the square and the cube of the days
binned times     with bins of the days between quantiles; with or without the details
"""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import numpy as np

from chainrule.tables.inputs.operations import (
    CYCLES,
    Affine,
    Curve,
    Cycle,
    Input,
    Missing,
    Reading,
    Step,
    Time,
    TimeBins,
)
from chainrule.tables.inputs.transforms.base import Transform, flagged
from chainrule.tables.inputs.transforms.numbers import powers, scaled_steps
from chainrule.tables.profile.dates import CLOCK, DAY

__all__ = ["DETAILS", "PARTS", "POWERS", "WAVES", "BinnedTimes", "DetailedTimes", "Times"]

PARTS = ("days", *CYCLES)
POWERS = "powers"  # the square and the cube of the days
WAVES = {
    f"{cycle} {order}": Cycle(cycle, order)
    for cycle, most in (("season", 4), ("weekday", 3), ("clock", 4))
    for order in range(2, most + 1)
}
DETAILS = (POWERS, *WAVES)


@dataclasses.dataclass(frozen=True)
class Times(Transform):
    """Times in a form of `dates.FORMS`: days since 1970 as a scaled number, and places in cycles.

    A place in the year, in the week or in the day (`season`, `weekday`, `clock`: to the day, the day and the minute) is
    the sine and the cosine of its share of the cycle, so that its end meets its beginning.
    """

    kind: ClassVar[str] = "times"
    as_input: ClassVar[str] = "as times"
    form: str
    parts: tuple[str, ...]
    missing: bool
    mean: float
    scale: float
    robust: bool

    @property
    def detail(self) -> str:
        """The form, where the middle lies, the parts, and the flag."""
        whole = math.floor(self.mean)
        if self.form == CLOCK:
            middle, spread = f"{self.mean * 24:.3g} h", f"{self.scale * 24:.3g} h"
        else:
            middle, spread = str(np.datetime64(whole, "D")), f"{self.scale:.6g} days"
        shown = ", ".join(map(self._part_in_words, self.parts))
        return f"{self.form} around {middle} (deviation {spread}): {shown}{flagged(self.missing, '; ')}"

    def _part_in_words(self, part: str) -> str:
        return part

    @property
    def reading(self) -> Reading:
        return Time(self.form)

    @property
    def inputs(self) -> tuple[Input, ...]:
        parts = [Curve(self._steps) if part == "days" else Cycle(part) for part in self.parts]
        return (*parts, *self.beside, *[Missing()] * self.missing)

    @property
    def beside(self) -> tuple[Input, ...]:
        """What the network sees of a time beside the parts."""
        return ()

    @property
    def _steps(self) -> tuple[Step, ...]:
        return (Affine(0.0, DAY), *scaled_steps(self.mean, self.scale, self.robust))


@dataclasses.dataclass(frozen=True)
class DetailedTimes(Times):
    """Times with more: the square and the cube of the days (`POWERS`), and more waves in a cycle (`season 2`, ...).

    With two and three waves in the week, beside one, a linear model of these has a value of its own for each weekday.
    """

    kind: ClassVar[str] = "detailed times"
    as_input: ClassVar[str] = "as times in detail"
    details: tuple[str, ...] = ()

    @property
    def beside(self) -> tuple[Input, ...]:
        return tuple(powers(self._steps) if each == POWERS else WAVES[each] for each in self.details)

    def _part_in_words(self, part: str) -> str:
        words = ["square and cube"] if part == "days" and POWERS in self.details else []
        waves = sum(each.startswith(f"{part} ") for each in self.details)
        words += [f"{waves + 1} waves"] if waves else []
        words += self._bins_in_words if part == "days" else []
        return f"{part} ({', '.join(words)})" if words else part

    @property
    def _bins_in_words(self) -> list[str]:
        return []


@dataclasses.dataclass(frozen=True)
class BinnedTimes(DetailedTimes):
    """Times with bins of the days, whose `edges` are in seconds since 1970, and maybe with details."""

    kind: ClassVar[str] = "binned times"
    as_input: ClassVar[str] = "as times in detail, and in bins"
    edges: tuple[float, ...] = dataclasses.field(kw_only=True)

    @property
    def beside(self) -> tuple[Input, ...]:
        return (*super().beside, TimeBins(self.edges, self.form))

    @property
    def _bins_in_words(self) -> list[str]:
        return [f"{len(self.edges) - 1} bins"]
