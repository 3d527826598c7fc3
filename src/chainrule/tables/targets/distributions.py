"""Targets of numbers whose outputs say how sure they are: several quantiles, or a mean and a log variance.

quantiles       one output for each level q, each with the pinball cost of its own level; the answer is the middle one
normal numbers  mu and s = ln sigma²; the answer is mu

Every output is scaled as those of `Quantity`, and its target is the number itself. Quantiles may cross where there are
few rows; as a band and as quantiles they are sorted, which never makes them worse.

Source: Chernozhukov, Fernández-Val & Galichon, Quantile and probability curves without crossing, Econometrica 78, 2010.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.targets.kinds import KINDS, Quantity, TableTarget

__all__ = ["ALL_KINDS", "NormalNumbers", "Quantiles"]

_FARTHEST = 600.0  # of a log variance: the deviation is then 1e130


@dataclasses.dataclass(frozen=True)
class Quantiles(Quantity):
    """A column of numbers of which several quantiles are predicted; `levels` are their shares as texts, rising."""

    levels: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """The number of quantiles."""
        return len(self.levels)

    @property
    def parts(self) -> tuple[int, ...]:
        return (1,) * self.width

    @property
    def neurons(self) -> list[str]:
        return [f"{self.name} {level}" for level in self.levels]

    @property
    def middle(self) -> int:
        """The number of the quantile that is the answer: the nearest to the median, the lower of two."""
        return int(np.argmin([abs(float(level) - 0.5) for level in self.levels]))

    @property
    def as_truth(self) -> TableTarget:
        return dataclasses.replace(self, mean=0.0, scale=1.0)

    def encode_values(self, values: NDArray[np.float64], dtype: Any) -> NDArray[Any]:
        """The scaled numbers, (n, width), the same for every quantile."""
        return np.repeat(super().encode_values(values, dtype), self.width, axis=1)

    def decode(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """The middle quantile (n,) in the column's own units."""
        return self.in_units(outputs[:, self.middle])

    def quantiles(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """The quantiles (n, width), sorted, in the column's own units."""
        return self.in_units(np.sort(outputs, axis=1))

    def band(self, outputs: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """From the lowest to the highest quantile (conformalized quantile regression)."""
        return outputs.min(axis=1), outputs.max(axis=1), np.ones(len(outputs))


@dataclasses.dataclass(frozen=True)
class NormalNumbers(Quantity):
    """A column of numbers of which the mean and the log variance are predicted."""

    @property
    def width(self) -> int:
        """2, the mean and the log variance."""
        return 2

    @property
    def parts(self) -> tuple[int, ...]:
        return (2,)

    @property
    def neurons(self) -> list[str]:
        return [self.name, f"{self.name} log variance"]

    @property
    def as_truth(self) -> TableTarget:
        return dataclasses.replace(self, mean=0.0, scale=1.0)

    def encode_values(self, values: NDArray[np.float64], dtype: Any) -> NDArray[Any]:
        """The scaled numbers, (n, 2), twice."""
        return np.repeat(super().encode_values(values, dtype), 2, axis=1)

    def deviation(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """The standard deviation (n,) in the column's own units: `scale exp(s / 2)`."""
        return self.scale * self._sigma(outputs)

    def band(self, outputs: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """The mean, with the deviation as the unit of distances."""
        return outputs[:, 0], outputs[:, 0], self._sigma(outputs)

    @property
    def deviation_parts(self) -> tuple[float, float]:
        """a and b of the deviation as `exp(a + b s)`."""
        return math.log(self.scale), 0.5

    @staticmethod
    def _sigma(outputs: NDArray[Any]) -> NDArray[np.float64]:
        return np.exp(np.clip(outputs[:, 1].astype(np.float64), -_FARTHEST, _FARTHEST) / 2)


ALL_KINDS: dict[str, type[TableTarget]] = {**KINDS, "quantiles": Quantiles, "normal numbers": NormalNumbers}
