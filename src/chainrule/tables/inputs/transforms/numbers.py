"""Columns of numbers: on their own scale or on a logarithmic one, and bounded.

    scaled        bent((x - mean) / scale, 5), which is linear for almost all rows; if a few lie far out, bent(..., 2)
    log           bent((asinh((x - origin) / unit) - mean) / scale, 3): a logarithm beyond `unit` from `origin`
    curved        as scaled, with Hermite polynomials of degree 2 and 3 of bent((x - mean) / scale, 2.5) beside it
    curved log    likewise of what is behind the logarithm
    binned        as scaled, with bins between quantiles beside it; `binned log` likewise
    curved binned, curved binned log    with both beside it
    coded         as scaled, with an input for each frequent value beside it; `coded log` likewise
    valued, valued log    with bins and such inputs beside it
    curved valued, curved valued log    with square, cube, bins and such inputs beside it
    bent(z, c)    z up to |z| = c, sign(z) (2 c - c^2 / |z|) beyond: smooth, rising, always between -2 c and 2 c

A missing cell is 0, and a second column flags missing cells if training had any. A number far outside those of
training, be it a slip or an accident of the split, moves the network no further than a few standard deviations do.

Sources: a smooth bound after robust scaling: Holzmüller, Grinsztajn & Steinwart, "Better by default: strong pre-tuned
MLPs and boosted trees on tabular data" (2024), whose x / sqrt(1 + (x / 3)^2) bends everything a little. asinh as a
logarithm that takes 0 and negative numbers: Burbidge, Magee & Robb, "Alternative transformations to handle extreme
values of the dependent variable" (1988).
"""

from __future__ import annotations

import abc
import dataclasses
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.arrow import pa
from chainrule.tables.inputs.operations import (
    Affine,
    Asinh,
    Bend,
    Bins,
    Cells,
    Curve,
    Input,
    Missing,
    Number,
    Powers,
    Step,
    Values,
)
from chainrule.tables.inputs.transforms.base import Transform, flagged
from chainrule.tables.number_forms import PLAIN

__all__ = [
    "Binned",
    "BinnedLog",
    "Coded",
    "CodedLog",
    "Curved",
    "CurvedBinned",
    "CurvedBinnedLog",
    "CurvedLog",
    "CurvedValued",
    "CurvedValuedLog",
    "Log",
    "NumberColumn",
    "Numbers",
    "Scaled",
    "Valued",
    "ValuedLog",
    "WithValues",
    "powers",
    "scaled_steps",
]

POWERS_BEND = 2.5  # of a number before its square and its cube, which are then below 10 and 25


@dataclasses.dataclass(frozen=True)
class NumberColumn(Transform):
    """A column of numbers, written in a form of `number_forms`, which go through `steps`."""

    as_input: ClassVar[str] = "as numbers"
    missing: bool
    form: str = dataclasses.field(default=PLAIN, kw_only=True)

    @property
    @abc.abstractmethod
    def steps(self) -> tuple[Step, ...]:
        """What happens to a number."""

    @property
    @abc.abstractmethod
    def scaling(self) -> str:
        """What happens to a number, in words."""

    @property
    def reading(self) -> Number:
        return Number(self.form)

    @property
    def inputs(self) -> tuple[Input, ...]:
        numbers = (Curve(self.steps), *self.beside)
        return (*numbers, Missing()) if self.missing else numbers

    @property
    def beside(self) -> tuple[Input, ...]:
        """What the network sees of a number beside the number itself."""
        return ()

    @property
    def detail(self) -> str:
        """Values, bins, scale, form and flag."""
        form = "" if self.form == PLAIN else f", written as {self.form}"
        return f"{self._counts}{self.scaling}{form}{flagged(self.missing)}"

    @property
    def _counts(self) -> str:
        """How many bins and values there are, if there are some: the first words of the detail."""
        return ""


@dataclasses.dataclass(frozen=True)
class Scaled(NumberColumn):
    """Numbers on their own scale; `mean` and `scale` are the median and a robust deviation if a few lie far out."""

    kind: ClassVar[str] = "scaled"
    mean: float
    scale: float
    robust: bool

    @property
    def scaling(self) -> str:
        centre, spread = ("median", "robust deviation") if self.robust else ("mean", "standard deviation")
        return f"{centre} {self.mean:.6g}, {spread} {self.scale:.6g}"

    @property
    def steps(self) -> tuple[Step, ...]:
        return scaled_steps(self.mean, self.scale, self.robust)


@dataclasses.dataclass(frozen=True)
class Log(NumberColumn):
    """Numbers over several orders of magnitude, on either side of `origin`."""

    kind: ClassVar[str] = "log"
    as_input: ClassVar[str] = "as numbers on a logarithmic scale"
    origin: float
    unit: float
    mean: float
    scale: float

    @property
    def scaling(self) -> str:
        return f"logarithm beyond {self.unit:.6g} from {self.origin:.6g}"

    @property
    def steps(self) -> tuple[Step, ...]:
        return (Affine(self.origin, self.unit), Asinh(), Affine(self.mean, self.scale), Bend(3.0))

    @staticmethod
    def curve(values: NDArray[np.float64], origin: float, unit: float) -> NDArray[np.float64]:
        """`asinh((x - origin) / unit)`."""
        with np.errstate(over="ignore"):
            return Asinh().of(Affine(origin, unit).of(values))


@dataclasses.dataclass(frozen=True)
class _WithPowers(NumberColumn):
    """With square and cube beside the number, before what else is there."""

    @property
    def beside(self) -> tuple[Input, ...]:
        return (powers(self.steps), *super().beside)


@dataclasses.dataclass(frozen=True)
class _WithBins(NumberColumn):
    """With bins beside the number, after what else is there."""

    edges: tuple[float, ...]

    @property
    def beside(self) -> tuple[Input, ...]:
        return (*super().beside, Bins(self.edges))

    @property
    def _counts(self) -> str:
        return f"{super()._counts}{len(self.edges) - 1} bins; "


@dataclasses.dataclass(frozen=True)
class WithValues(NumberColumn):
    """With an input for each frequent value beside the number, after what else is there."""

    values: tuple[float, ...]

    @property
    def beside(self) -> tuple[Input, ...]:
        return (*super().beside, Values(self.values))

    @property
    def _counts(self) -> str:
        return f"{len(self.values)} values; {super()._counts}"

    def read(self, column: Any) -> Cells:
        """The cells of `column`; one of float32 or float16 is the value that it is rounded from."""
        cells = super().read(column)
        if column.type not in (pa.float16(), pa.float32()):
            return cells
        return cells._replace(values=self.unrounded(cells.values, column.type.to_pandas_dtype()))

    def unrounded(self, cells: NDArray[np.float64], dtype: Any) -> NDArray[np.float64]:
        """The cells (n,), which were rounded to `dtype`: those that a value is rounded to are this value.

        >>> Coded("c", False, 0.0, 1.0, False, values=(0.1, 0.2)).unrounded(np.array([np.float32(0.1), 7]), np.float32)
        array([0.1, 7. ])
        """
        values = np.array(self.values)
        with np.errstate(over="ignore"):
            rounded = values.astype(dtype).astype(np.float64)
        place = np.searchsorted(rounded[:-1], cells)
        is_rounded = (rounded[place] == cells) & ~np.isin(cells, values)
        return np.where(is_rounded, values[place], cells)


@dataclasses.dataclass(frozen=True)
class Curved(_WithPowers, Scaled):
    """Numbers on their own scale, with square and cube."""

    kind: ClassVar[str] = "curved"
    as_input: ClassVar[str] = "as numbers with their squares and cubes"


@dataclasses.dataclass(frozen=True)
class CurvedLog(_WithPowers, Log):
    """Numbers on a logarithmic scale, with square and cube."""

    kind: ClassVar[str] = "curved log"
    as_input: ClassVar[str] = "as numbers on a logarithmic scale with their squares and cubes"


@dataclasses.dataclass(frozen=True)
class Binned(_WithBins, Scaled):
    """Numbers on their own scale, with bins."""

    kind: ClassVar[str] = "binned"
    as_input: ClassVar[str] = "as numbers in bins"


@dataclasses.dataclass(frozen=True)
class BinnedLog(_WithBins, Log):
    """Numbers on a logarithmic scale, with bins."""

    kind: ClassVar[str] = "binned log"
    as_input: ClassVar[str] = "as numbers on a logarithmic scale, in bins"


@dataclasses.dataclass(frozen=True)
class CurvedBinned(_WithPowers, Binned):
    """Numbers on their own scale, with square and cube and with bins."""

    kind: ClassVar[str] = "curved binned"
    as_input: ClassVar[str] = "as numbers with their squares and cubes, and in bins"


@dataclasses.dataclass(frozen=True)
class CurvedBinnedLog(_WithPowers, BinnedLog):
    """Numbers on a logarithmic scale, with square and cube and with bins."""

    kind: ClassVar[str] = "curved binned log"
    as_input: ClassVar[str] = "as numbers on a logarithmic scale with their squares and cubes, and in bins"


@dataclasses.dataclass(frozen=True)
class Coded(WithValues, Scaled):
    """Numbers on their own scale, with an input for each frequent value."""

    kind: ClassVar[str] = "coded"
    as_input: ClassVar[str] = "as numbers, and by value"


@dataclasses.dataclass(frozen=True)
class CodedLog(WithValues, Log):
    """Numbers on a logarithmic scale, with an input for each frequent value."""

    kind: ClassVar[str] = "coded log"
    as_input: ClassVar[str] = "as numbers on a logarithmic scale, and by value"


@dataclasses.dataclass(frozen=True)
class Valued(WithValues, Binned):
    """Numbers on their own scale, with bins and with an input for each frequent value."""

    kind: ClassVar[str] = "valued"
    as_input: ClassVar[str] = "as numbers in bins, and by value"


@dataclasses.dataclass(frozen=True)
class ValuedLog(WithValues, BinnedLog):
    """Numbers on a logarithmic scale, with bins and with an input for each frequent value."""

    kind: ClassVar[str] = "valued log"
    as_input: ClassVar[str] = "as numbers on a logarithmic scale, in bins, and by value"


@dataclasses.dataclass(frozen=True)
class CurvedValued(_WithPowers, Valued):
    """Numbers on their own scale, with square and cube, with bins and with an input for each frequent value."""

    kind: ClassVar[str] = "curved valued"
    as_input: ClassVar[str] = "as numbers with their squares and cubes, in bins, and by value"


@dataclasses.dataclass(frozen=True)
class CurvedValuedLog(_WithPowers, ValuedLog):
    """Numbers on a logarithmic scale, with square and cube, with bins and with an input for each frequent value."""

    kind: ClassVar[str] = "curved valued log"
    as_input: ClassVar[str] = "as numbers on a logarithmic scale with their squares and cubes, in bins, and by value"


@dataclasses.dataclass(frozen=True)
class Numbers(NumberColumn):
    """Numbers standardised and not bent, as in files of version 0.1."""

    kind: ClassVar[str] = "numbers"
    mean: float
    scale: float

    @property
    def scaling(self) -> str:
        return f"mean {self.mean:.6g}, standard deviation {self.scale:.6g}"

    @property
    def steps(self) -> tuple[Step, ...]:
        return (Affine(self.mean, self.scale),)


def powers(steps: tuple[Step, ...]) -> Powers:
    """Square and cube of a number that goes through these steps, the last of which bounds it."""
    return Powers((*steps[:-1], Bend(POWERS_BEND)))


def scaled_steps(mean: float, scale: float, robust: bool) -> tuple[Step, ...]:
    """The steps of a number that is scaled, and bent sooner if a few lie far out."""
    return (Affine(mean, scale), Bend(2.0 if robust else 5.0))
