"""Columns of dates and times: the days since 1970, and the place in the year, the week and the day."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RowError
from chainrule.tables.columns import words_of
from chainrule.tables.inputs.transforms.base import Transform, flagged
from chainrule.tables.inputs.transforms.numbers import Scaled
from chainrule.tables.profile.dates import CLOCK, DAY, minute, times_in, weekday

__all__ = ["PARTS", "Times"]

PARTS = ("days", "season", "weekday", "clock")


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
    def features(self) -> list[str]:
        """The column, `column season sin`, `column season cos`, ..., and the flag."""
        cycles = [f"{self.name} {part} {wave}" for part in self.parts if part != "days" for wave in ("sin", "cos")]
        return [self.name] * ("days" in self.parts) + cycles + [f"{self.name} missing"] * self.missing

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

    def fill(self, column: Any, out: NDArray[Any]) -> None:
        """Raises DataError for a cell that is not a time of this form."""
        seconds, wrong = times_in(column, self.form, self.name)
        if wrong >= 0:
            raise self._refused(wrong, str(words_of(column, self.name)[wrong].as_py()))
        present, start = ~np.isnan(seconds), 0
        for part in self.parts:
            values = self._part(part, seconds[present])
            stop = start + values.shape[1]
            out[present, start:stop] = values
            start = stop
        if self.missing:
            out[:, -1] = ~present

    def _part(self, part: str, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """The inputs of a part of these times, (k, 1) or (k, 2)."""
        if part == "days":
            days = Scaled(self.name, False, self.mean, self.scale, self.robust)
            return days.transformed(seconds / DAY, np.float64)[:, np.newaxis]
        if part == "season":
            return _cycle(365.25, 366)[_day_of_year(seconds)]
        return _cycle(7, 7)[weekday(seconds)] if part == "weekday" else _cycle(1440, 1440)[minute(seconds)]

    def _refused(self, row: int, word: str) -> RowError:
        line = (
            "column {name!r} holds times ({form}), but {word!r} came in row {row}: "
            "write a time of that form, or leave the cell empty"
        )
        return RowError(row, line, name=self.name, form=self.form, word=word)


def _day_of_year(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """The days since the first of January."""
    days = np.floor(seconds / DAY).astype("datetime64[D]")
    return (days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)


@functools.cache
def _cycle(length: float, places: int) -> NDArray[np.float64]:
    """Sine and cosine (places, 2) of the share of a cycle, computed one by one: no bit depends on the neighbours."""
    angles = [2 * math.pi * place / length for place in range(places)]
    return np.array([(math.sin(angle), math.cos(angle)) for angle in angles])
