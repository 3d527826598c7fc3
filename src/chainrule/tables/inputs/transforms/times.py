"""Columns of dates and times: the days since 1970, and the place in the year, the week and the day."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import numpy as np

from chainrule.tables.inputs.operations import CYCLES, Affine, Curve, Cycle, Input, Missing, Reading, Time
from chainrule.tables.inputs.transforms.base import Transform, flagged
from chainrule.tables.inputs.transforms.numbers import scaled_steps
from chainrule.tables.profile.dates import CLOCK, DAY

__all__ = ["PARTS", "Times"]

PARTS = ("days", *CYCLES)


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
        shown = ", ".join(self.parts)
        return f"{self.form} around {middle} (deviation {spread}): {shown}{flagged(self.missing, '; ')}"

    @property
    def reading(self) -> Reading:
        return Time(self.form)

    @property
    def inputs(self) -> tuple[Input, ...]:
        parts = [self._days if part == "days" else Cycle(part) for part in self.parts]
        return (*parts, Missing()) if self.missing else tuple(parts)

    @property
    def _days(self) -> Curve:
        return Curve((Affine(0.0, DAY), *scaled_steps(self.mean, self.scale, self.robust)))
