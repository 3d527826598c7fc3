"""Columns of numbers: on their own scale or on a logarithmic one, and bounded.

    scaled        bent((x - mean) / scale, 5), which is linear for almost all rows; if a few lie far out, bent(..., 2)
    log           bent((asinh((x - origin) / unit) - mean) / scale, 3): a logarithm beyond `unit` from `origin`
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

from chainrule.errors import RowError
from chainrule.tables.columns import values_of
from chainrule.tables.inputs.transforms.base import Transform, flagged
from chainrule.tables.number_forms import PLAIN
from chainrule.tables.profile import standardised

__all__ = ["Log", "NumberColumn", "Numbers", "Scaled", "bent"]

Values = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class NumberColumn(Transform):
    """A column of numbers, written in a form of `number_forms`, of which `transformed` gives the inputs."""

    as_input: ClassVar[str] = "as numbers"
    missing: bool
    form: str = dataclasses.field(default=PLAIN, kw_only=True)

    @abc.abstractmethod
    def transformed(self, values: Values, dtype: Any) -> NDArray[Any]:
        """The inputs (n,) of values (n,), NaN where they are NaN."""

    @property
    def features(self) -> list[str]:
        """The column, and its flag."""
        return [self.name] + [f"{self.name} missing"] * self.missing

    def fill(self, column: Any, out: NDArray[Any]) -> None:
        """Raises DataError for a cell that is a word, or infinite."""
        self.write(values_of(column, self._refused, self.name, self.form), out)

    def write(self, values: Values, out: NDArray[Any]) -> None:
        """Write values (n,), NaN where missing, as `fill` does."""
        missing = np.isnan(values)
        out[:, 0] = self.transformed(values, out.dtype)
        out[missing, 0] = 0
        if self.missing:
            out[:, 1] = missing

    def _refused(self, row: int, word: str) -> RowError:
        line = (
            "column {name!r} holds numbers{form}, but {word!r} came in row {row}: write {what}, or leave the cell empty"
        )
        form, what = ("", "a number") if self.form == PLAIN else (f" written as {self.form}", "a number in this form")
        return RowError(row, line, name=self.name, form=form, word=word, what=what)

    @property
    def _written(self) -> str:
        """The end of a detail that names the form, if it is not plain."""
        return "" if self.form == PLAIN else f", written as {self.form}"


@dataclasses.dataclass(frozen=True)
class Scaled(NumberColumn):
    """Numbers on their own scale; `mean` and `scale` are the median and a robust deviation if a few lie far out."""

    kind: ClassVar[str] = "scaled"
    mean: float
    scale: float
    robust: bool

    @property
    def detail(self) -> str:
        """Centre, scale and flag."""
        centre, spread = ("median", "robust deviation") if self.robust else ("mean", "standard deviation")
        return f"{centre} {self.mean:.6g}, {spread} {self.scale:.6g}{self._written}{flagged(self.missing)}"

    def transformed(self, values: Values, dtype: Any) -> NDArray[Any]:
        with np.errstate(over="ignore"):
            return bent((values - self.mean) / self.scale, 2.0 if self.robust else 5.0).astype(dtype)


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
    def detail(self) -> str:
        """The distance from which on it is a logarithm, and the flag."""
        return f"logarithm beyond {self.unit:.6g} from {self.origin:.6g}{self._written}{flagged(self.missing)}"

    def transformed(self, values: Values, dtype: Any) -> NDArray[Any]:
        return bent((self.curve(values, self.origin, self.unit) - self.mean) / self.scale, 3.0).astype(dtype)

    @staticmethod
    def curve(values: Values, origin: float, unit: float) -> Values:
        """`asinh((x - origin) / unit)`."""
        with np.errstate(over="ignore"):
            return np.arcsinh((values - origin) / unit)


@dataclasses.dataclass(frozen=True)
class Numbers(NumberColumn):
    """Numbers standardised and not bent, as in files of version 0.1."""

    kind: ClassVar[str] = "numbers"
    mean: float
    scale: float

    @property
    def detail(self) -> str:
        """Mean, standard deviation and flag."""
        return f"mean {self.mean:.6g}, standard deviation {self.scale:.6g}{self._written}{flagged(self.missing)}"

    def transformed(self, values: Values, dtype: Any) -> NDArray[Any]:
        return standardised(values, self.mean, self.scale, dtype, self.name)


def bent(z: Values, c: float) -> Values:
    """`z` where |z| <= c, else `sign(z) (2 c - c^2 / |z|)`, which is smooth and lies between -2 c and 2 c; NaN stays.

    >>> bent(np.array([-1.0, 4.0, 8.0, np.inf]), 4.0)
    array([-1.,  4.,  6.,  8.])
    """
    far = np.abs(z) > c
    if not far.any():
        return z
    beyond = np.where(far, z, c)
    return np.where(far, np.copysign(2 * c - c * c / np.abs(beyond), beyond), z)
