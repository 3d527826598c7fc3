"""The inputs: what the network sees of a cell, one number or several."""

from __future__ import annotations

import abc
import dataclasses
import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RowError
from chainrule.tables.inputs.operations.readings import Cells
from chainrule.tables.inputs.operations.steps import Affine, Bend, Step
from chainrule.tables.profile.dates import CLOCK, clock_text, day_of_year, minute, time_text, weekday

__all__ = [
    "CUBE",
    "CYCLES",
    "INPUTS",
    "LENGTH",
    "SQUARE",
    "Bins",
    "Curve",
    "Cycle",
    "Input",
    "ManyHot",
    "Missing",
    "OneHot",
    "Other",
    "Powers",
    "Steps",
    "TextWeights",
    "TimeBins",
    "Values",
]

LENGTH = 3.0  # of the vector of a text's words
SQUARE, CUBE = 0.5 / math.sqrt(2), 0.5 / math.sqrt(6)  # half of what gives variance 1 under a normal distribution


class Input(abc.ABC):
    """One or several numbers that are computed from a cell."""

    @property
    @abc.abstractmethod
    def suffixes(self) -> list[str]:
        """What is behind the name of the column in the name of each number."""

    @property
    def width(self) -> int:
        """How many numbers there are."""
        return len(self.suffixes)

    @abc.abstractmethod
    def write(self, cells: Cells, out: NDArray[Any]) -> None:
        """Write the numbers of the cells (n,) into `out` (n, len(suffixes)), which holds zeros."""

    @property
    def entries(self) -> int:
        """How many of the numbers of one cell can be other than 0: all of them, or 1."""
        return self.width

    def write_entries(self, cells: Cells, values: NDArray[Any], places: NDArray[np.int32]) -> None:
        """Write these numbers into `values` (n, entries), which holds zeros.

        `places` (n, entries) holds those of the first numbers, and gets those of the numbers that are written.
        """
        self.write(cells, values)


@dataclasses.dataclass(frozen=True)
class Curve(Input):
    """A number after these steps, 0 where the cell is missing."""

    steps: tuple[Step, ...]

    @property
    def suffixes(self) -> list[str]:
        return [""]

    def write(self, cells: Cells, out: NDArray[Any]) -> None:
        """Raises RowError for a number so far out that the result is infinite, where no step bounds it."""
        values = cells.values
        with np.errstate(over="ignore"):
            for step in self.steps:
                values = step.of(values)
            out[:, 0] = values
        if not isinstance(self.steps[-1], Bend):
            self._require_finite(cells, out[:, 0])
        out[cells.missing, 0] = 0

    def _require_finite(self, cells: Cells, results: NDArray[Any]) -> None:
        far = np.isinf(results)
        if far.any():
            row = int(far.argmax())
            line = (
                "row {row} of column {name!r} is {value:g}, too far from the training data "
                "(mean {mean:g}, standard deviation {scale:g}): fix it, or leave the cell empty"
            )
            last = next(step for step in reversed(self.steps) if isinstance(step, Affine))
            values = {"value": cells.values[row], "mean": last.mean, "scale": last.scale}
            raise RowError(row, line, name=cells.name, **values)


@dataclasses.dataclass(frozen=True)
class Powers(Input):
    """The second and the third Hermite polynomial of a number z after these steps, 0 where the cell is missing.

    `(z^2 - 1) / (2 sqrt 2)` and `(z^3 - 3 z) / (2 sqrt 6)`: under a normal distribution they are uncorrelated with z
    and with each other. The last step bounds z.
    """

    steps: tuple[Step, ...]

    @property
    def suffixes(self) -> list[str]:
        return [" squared", " cubed"]

    def write(self, cells: Cells, out: NDArray[Any]) -> None:
        z = cells.values
        with np.errstate(over="ignore"):
            for step in self.steps:
                z = step.of(z)
        square = z * z
        out[:, 0] = SQUARE * (square - 1)
        out[:, 1] = CUBE * (z * (square - 3))
        out[cells.missing] = 0


@dataclasses.dataclass(frozen=True)
class Bins(Input):
    """For each bin between two edges its share that lies below the number: 0, 1, or `(x - low) / (high - low)`.

    All are 0 where the cell is missing. A linear function of these is any piecewise linear function with these edges.

    Source: Gorishniy, Rubachev & Babenko, "On embeddings for numerical features in tabular deep learning" (2022).
    """

    edges: tuple[float, ...]

    @property
    def suffixes(self) -> list[str]:
        return [f" above {low:.6g}" for low in self.edges[:-1]]

    @functools.cached_property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The lower end of each bin, and its width."""
        edges = np.array(self.edges)
        return edges[:-1], np.diff(edges)

    def write(self, cells: Cells, out: NDArray[Any]) -> None:
        low, width = self.bounds
        for k in range(len(low)):
            out[:, k] = np.clip((cells.values - low[k]) / width[k], 0, 1)
        out[cells.missing] = 0


@dataclasses.dataclass(frozen=True)
class TimeBins(Bins):
    """The same for times in a form, whose edges are in seconds since 1970."""

    form: str

    @property
    def suffixes(self) -> list[str]:
        shown = clock_text if self.form == CLOCK else time_text
        return [f" after {shown(low)}" for low in self.edges[:-1]]


@dataclasses.dataclass(frozen=True)
class Values(Input):
    """1 under the value that the number is, 0 under the others; all 0 for any other number.

    A number that is a value rounded to float32 is this value: 0.1 is also 0.10000000149011612.

    - values: in rising order.
    """

    values: tuple[float, ...]

    @property
    def suffixes(self) -> list[str]:
        short = [f"={value:.10g}" for value in self.values]
        return short if len(set(short)) == len(short) else [f"={value!r}" for value in self.values]

    @property
    def width(self) -> int:
        return len(self.values)

    @functools.cached_property
    def sorted(self) -> NDArray[np.float64]:
        """The values, (width,)."""
        return np.array(self.values)

    @functools.cached_property
    def rounded(self) -> NDArray[np.float64]:
        """The values, (width,), rounded to float32 where this gives no whole number and no other value.

        >>> Values((0.1, 0.5, 16777217.0)).rounded.tolist()
        [0.10000000149011612, 0.5, 16777217.0]
        """
        values = self.sorted
        with np.errstate(over="ignore"):
            rounded = values.astype(np.float32).astype(np.float64)
        is_other = (rounded == np.trunc(rounded)) | np.isin(rounded, values)
        is_other[1:] |= rounded[1:] == rounded[:-1]
        return np.where(is_other, values, rounded)

    @functools.cached_property
    def _known(self) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """The numbers that are a value, in rising order, and the place of the value that each of them is."""
        numbers = np.concatenate([self.sorted, self.rounded])
        order = np.argsort(numbers, kind="stable")
        return numbers[order], order % self.width

    def write(self, cells: Cells, out: NDArray[Any]) -> None:
        is_one, place = self._places(cells)
        out[np.flatnonzero(is_one), place[is_one]] = 1

    @property
    def entries(self) -> int:
        return 1

    def write_entries(self, cells: Cells, values: NDArray[Any], places: NDArray[np.int32]) -> None:
        values[:, 0], place = self._places(cells)
        places[:, 0] += place.astype(np.int32)

    def _places(self, cells: Cells) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
        """Which of the cells (n,) are one of the values, and which one that is."""
        numbers, places = self._known
        at = np.searchsorted(numbers[:-1], cells.values)
        return (numbers[at] == cells.values) & ~cells.missing, places[at]


@dataclasses.dataclass(frozen=True)
class Cycle(Input):
    """The sine and the cosine of the share of a cycle at which a time is, 0 where the cell is missing.

    - cycle: the `season` (the day in the year), the `weekday` or the `clock` (the minute in the day).
    - order: how many waves there are in the cycle; with 1, 2 and 3 a linear function of these is any of the weekday.
    """

    cycle: str
    order: int = 1

    @property
    def suffixes(self) -> list[str]:
        order = "" if self.order == 1 else f" {self.order}"
        return [f" {self.cycle}{order} {wave}" for wave in ("sin", "cos")]

    @property
    def length(self) -> float:
        """The length of a wave, in days or minutes."""
        return _LENGTHS[self.cycle][0] / self.order

    @property
    def waves(self) -> NDArray[np.float64]:
        """Sine and cosine (places, 2) at each place, from 0."""
        return _waves(self.length, _LENGTHS[self.cycle][1])

    def write(self, cells: Cells, out: NDArray[Any]) -> None:
        present = ~cells.missing
        out[present] = self.waves[_PLACES[self.cycle](cells.values[present])]


@dataclasses.dataclass(frozen=True)
class _OfWords(Input):
    """A number for each word."""

    words: tuple[str, ...]

    @property
    def suffixes(self) -> list[str]:
        return [f"={word}" for word in self.words]

    @property
    def width(self) -> int:
        return len(self.words)


@dataclasses.dataclass(frozen=True)
class OneHot(_OfWords):
    """1 under the cell's word, 0 under the others."""

    def write(self, cells: Cells, out: NDArray[Any]) -> None:
        rows = np.flatnonzero(cells.values >= 0)
        out[rows, cells.values[rows]] = 1

    @property
    def entries(self) -> int:
        return 1

    def write_entries(self, cells: Cells, values: NDArray[Any], places: NDArray[np.int32]) -> None:
        values[:, 0] = cells.values >= 0
        places[:, 0] += np.maximum(cells.values, 0)


@dataclasses.dataclass(frozen=True)
class ManyHot(Input):
    """1 under each of the cell's words, 0 under the others; with `other` one more is 1 where it has any other word."""

    words: tuple[str, ...]
    other: bool

    @property
    def suffixes(self) -> list[str]:
        return [*(f"={word}" for word in self.words), *[" other"] * self.other]

    def write(self, cells: Cells, out: NDArray[Any]) -> None:
        out[...] = cells.values.toarray()[:, : out.shape[1]]


@dataclasses.dataclass(frozen=True)
class TextWeights(_OfWords):
    """For each word or pair that a text has its weight `w`, as `LENGTH w / ||w||` over those that it has; else 0.

    - weights: greater for rarer words, all above 0.

    Source: Salton & Buckley, "Term-weighting approaches in automatic text retrieval" (1988): binary, with the inverse
    document frequency and the cosine normalisation.
    """

    weights: tuple[float, ...]

    @functools.cached_property
    def squares(self) -> NDArray[np.float64]:
        """The squares of the weights."""
        return np.square(self.weights)

    def write(self, cells: Cells, out: NDArray[Any]) -> None:
        rows, places = cells.values.nonzero()
        order = np.lexsort((places, rows))  # in which other languages add up, too
        order = order[places[order] < self.width]
        row, place = rows[order], places[order]
        length = np.sqrt(np.bincount(row, self.squares[place], len(out)))
        out[row, place] = LENGTH * np.array(self.weights)[place] / length[row]


@dataclasses.dataclass(frozen=True)
class Steps(Input):
    """For each word but the first: 1 where the cell's word is that one or a later one."""

    words: tuple[str, ...]

    @property
    def suffixes(self) -> list[str]:
        return [f">={word}" for word in self.words[1:]]

    def write(self, cells: Cells, out: NDArray[Any]) -> None:
        out[...] = cells.values[:, np.newaxis] > np.arange(len(self.words) - 1)


@dataclasses.dataclass(frozen=True)
class Other(Input):
    """1 where the cell has a word that is none of the words of its reading."""

    @property
    def suffixes(self) -> list[str]:
        return [" other"]

    def write(self, cells: Cells, out: NDArray[Any]) -> None:
        out[:, 0] = (cells.values < 0) & ~cells.missing


@dataclasses.dataclass(frozen=True)
class Missing(Input):
    """1 where the cell is missing."""

    @property
    def suffixes(self) -> list[str]:
        return [" missing"]

    def write(self, cells: Cells, out: NDArray[Any]) -> None:
        out[:, 0] = cells.missing


INPUTS: tuple[type[Input], ...] = (
    *(Curve, Powers, Bins, TimeBins, Values, Cycle),
    *(OneHot, ManyHot, TextWeights, Steps, Other, Missing),
)


_PLACES = {"season": day_of_year, "weekday": weekday, "clock": minute}
_LENGTHS = {"season": (365.25, 366), "weekday": (7.0, 7), "clock": (1440.0, 1440)}  # and the number of places
CYCLES = tuple(_PLACES)


@functools.cache
def _waves(length: float, places: int) -> NDArray[np.float64]:
    """Sine and cosine (places, 2) of the share of a cycle, computed one by one: no bit depends on the neighbours."""
    angles = [2 * math.pi * place / length for place in range(places)]
    return np.array([(math.sin(angle), math.cos(angle)) for angle in angles])
