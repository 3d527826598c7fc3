"""How the answers of an exported program differ from those of the model."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.export.program import Answer, ClassOutput, LabelsOutput, NumberOutput, Output, Program
from chainrule.text import counted

__all__ = ["NEAR", "TOLERANCE", "Comparison", "compare"]

NEAR = 1e-5  # two probabilities that differ by less may change places
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}  # of numbers, in units of the target's scale, and of probabilities


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The differences of the answers for one target.

    - target, rows: its name, and how many rows were compared.
    - labels: rows whose class differs; None for numbers.
    - doubtful: those of them whose two best probabilities, or one and the threshold, are `NEAR` each other.
    - largest: the greatest difference of a probability, or of a number in units of the target's scale.
    - allowed: what rounding in the type of the network explains; infinite where nothing is expected.
    """

    target: str
    rows: int
    labels: int | None
    doubtful: int
    largest: float
    allowed: float

    def __add__(self, other: Comparison) -> Comparison:
        """The comparison of these rows and others."""
        labels = None if self.labels is None or other.labels is None else self.labels + other.labels
        rows, doubtful = self.rows + other.rows, self.doubtful + other.doubtful
        largest = max(self.largest, other.largest)
        return dataclasses.replace(self, rows=rows, labels=labels, doubtful=doubtful, largest=largest)

    @property
    def ok(self) -> bool:
        """Whether rounding explains all differences."""
        return self.allowed == math.inf or (self.labels in (None, self.doubtful) and self.largest <= self.allowed)

    def __str__(self) -> str:
        """One line.

        >>> print(Comparison("y", 1000, 2, 1, 3e-7, 1e-5))
        y: 1,000 rows, largest difference 3.0e-07 (allowed 1.0e-05), 2 labels differ (1 of them between equals)
        """
        line = f"{self.target}: {counted(self.rows, 'row')}, largest difference {self.largest:.1e}"
        line += f" (allowed {self.allowed:.1e})" if self.allowed < math.inf else ""
        if self.labels is None:
            return line
        line += f", {counted(self.labels, 'label')} differ{'s' if self.labels == 1 else ''}"
        return line + (f" ({self.doubtful} of them between equals)" if self.doubtful else "")


def compare(program: Program, ours: Mapping[str, Answer], theirs: Mapping[str, Answer]) -> list[Comparison]:
    """The differences for each target, of the answers of the library and of the exported program.

    >>> from chainrule.export import Answer, program_of_network
    >>> net = cr.Network([1, 1])
    >>> program = program_of_network(net.architecture, net.theta)
    >>> compare(program, {"output 1": Answer(np.array([1.0]))}, {"output 1": Answer(np.array([1.5]))})[0].largest
    0.5
    """
    allowed = TOLERANCE[program.dtype.name]
    return [_of(output, ours[output.name], theirs[output.name], allowed) for output in program.outputs]


def _of(output: Output, ours: Answer, theirs: Answer, allowed: float) -> Comparison:
    rows = len(ours.values)
    if isinstance(output, NumberOutput):
        return Comparison(output.name, rows, None, 0, _greatest(_scaled_difference(output, ours, theirs)), allowed)
    differs = np.asarray(ours.values != theirs.values, dtype=bool)
    if ours.probabilities is None or theirs.probabilities is None:
        return Comparison(output.name, rows, int(differs.sum()), 0, 0.0, allowed)
    doubtful = int((differs & (_margins(output, ours.probabilities) < NEAR)).sum())
    largest = _greatest(np.abs(ours.probabilities.astype(np.float64) - theirs.probabilities))
    return Comparison(output.name, rows, int(differs.sum()), doubtful, largest, allowed)


def _margins(output: Output, probabilities: NDArray[Any]) -> NDArray[np.float64]:
    """How far the answer of each row is from another one, by its probabilities."""
    if isinstance(output, LabelsOutput):
        nearest: NDArray[np.float64] = np.abs(probabilities - 0.5).min(axis=1)
        return nearest
    if isinstance(output, ClassOutput) and output.ordered:
        above = 1 - probabilities.cumsum(axis=1)[:, :-1]
        return np.asarray(np.abs(above - 0.5).min(axis=1))
    if isinstance(output, ClassOutput) and output.threshold is not None:
        beside: NDArray[np.float64] = np.abs(probabilities[:, output.decided].astype(np.float64) - output.threshold)
        return beside
    return _leads(probabilities)


def _leads(probabilities: NDArray[Any]) -> NDArray[np.float64]:
    """By how much the best probability of each row is above the second; infinite for a single class."""
    least = np.full((len(probabilities), 1), -np.inf)
    ranked: NDArray[np.float64] = np.sort(np.hstack([least, probabilities]), axis=1)
    return ranked[:, -1] - ranked[:, -2]


def _scaled_difference(output: NumberOutput, ours: Answer, theirs: Answer) -> NDArray[np.float64]:
    """The differences of numbers in units of their scale; of logarithms and bare outputs relative to the number."""
    a, b = ours.values.astype(np.float64), theirs.values.astype(np.float64)
    scale: Any = output.scale
    if output.logarithm or not output.scaled:
        scale = np.maximum(np.abs(a), 1.0 if not output.scaled else 0.0) * output.scale
    with np.errstate(invalid="ignore"):
        difference: NDArray[np.float64] = np.where(a == b, 0.0, np.abs(a - b) / scale)
    return difference


def _greatest(differences: NDArray[Any]) -> float:
    """The greatest difference; infinite where one is NaN."""
    return float(np.nan_to_num(differences, nan=np.inf).max(initial=0.0))
