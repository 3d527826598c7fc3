"""What a server needs of a model, an estimator or a network: its columns, its targets, its predictions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.tables.inputs import Encoder
from chainrule.tables.inputs.drift import Drift
from chainrule.tables.inputs.operations import Affine, Asinh, Curve, Items, Number, Reading, Step, Time, Values, Word
from chainrule.tables.inputs.transforms import Transform
from chainrule.tables.profile.dates import CLOCK, DAY
from chainrule.tables.sources import Source
from chainrule.tables.targets import ClassTarget, Target

__all__ = ["Column", "Goal", "Prediction", "Served", "columns_of", "goal_of", "in_columns", "number_columns"]

_DAYS = (-719_162, 2_932_896)  # of the years 1 to 9999, from 1970


class Column(NamedTuple):
    """A column of inputs.

    - kind: what a cell is: `number`, `word`, `time` or `presence`, of which only whether it is missing counts.
    - detail: what the model does with it, in words.
    - example: a cell, as JSON has it.
    """

    name: str
    kind: str
    detail: str
    example: Any


class Goal(NamedTuple):
    """A target: its classes, () for labels and numbers, and the names of the probabilities that a prediction has."""

    name: str
    classes: tuple[Any, ...]
    chances: tuple[str, ...]


class Prediction(NamedTuple):
    """The predictions of one target for some rows.

    - values: classes or numbers, (n,).
    - chances: the probabilities (n,) of classes by their text; empty if there are none, None for numbers.
    """

    name: str
    values: Array
    chances: dict[str, Array] | None

    def rows(self, rows: slice) -> Prediction:
        """The predictions of some of the rows."""
        chances = None if self.chances is None else {text: part[rows] for text, part in self.chances.items()}
        return Prediction(self.name, self.values[rows], chances)

    @staticmethod
    def joined(parts: Sequence[Prediction]) -> Prediction:
        """The predictions of one target for several blocks of rows as one."""
        first, values = parts[0], np.concatenate([part.values for part in parts])
        if first.chances is None:
            return Prediction(first.name, values, None)
        texts = first.chances
        return Prediction(
            first.name, values, {text: np.concatenate([_chance(p, text) for p in parts]) for text in texts}
        )


class Served(Protocol):
    """What a file has."""

    @property
    def kind(self) -> str:
        """What it is: `model`, the class of an estimator, `network`."""

    @property
    def columns(self) -> Sequence[Column]:
        """The columns that it takes, in order."""

    @property
    def goals(self) -> Sequence[Goal]:
        """Its targets."""

    def inputs(self, source: Source) -> list[str]:
        """The columns of a table that are inputs, in the order of `columns`. Raises DataError for others."""

    def predictions(self, source: Any, probabilities: bool = True) -> Iterator[list[Prediction]]:
        """The predictions of each target, for some rows of a table at a time. Raises DataError for a wrong cell."""

    def watch(self) -> None:
        """Compare the rows that come from now on with those of training."""

    def drift(self) -> Drift | None:
        """How they differ; None where nothing knows the rows of training."""


def columns_of(encoder: Encoder) -> list[Column]:
    """The columns that an encoder takes.

    >>> from chainrule.tables.sources import as_source
    >>> for column in columns_of(Encoder.fit(as_source({"carat": [0.2, 0.4, 1.2], "cut": ["Ideal", "Fair", "Fair"]}))):
    ...     print(column.name, column.kind, column.example)
    carat number 0.6
    cut word Fair
    """
    used = [transform for transform, _ in encoder.slices]
    curves = [next((part.steps for part in t.inputs if isinstance(part, Curve)), ()) for t in used]
    return [
        Column(t.name, _kind(t.reading), t.detail, _example(t.reading, _middle(steps), _values(t)))
        for t, steps in zip(used, curves, strict=True)
    ]


def number_columns(names: Sequence[str]) -> list[Column]:
    """Columns of numbers, as a network takes them."""
    return [Column(name, "number", "a number", 0.5) for name in names]


def goal_of(target: Target, name: str) -> Goal:
    """A target of a table or an array, by the name that it has in predictions."""
    if isinstance(target, ClassTarget):
        return Goal(name, tuple(target.values.tolist()), tuple(target.texts))
    return Goal(name, (), target.texts)


def in_columns(predictions: Sequence[Prediction]) -> dict[str, Array]:
    """Predictions as the columns of a table: each target, then the probabilities by `target=class`.

    Raises SettingError where two columns would have one name.
    """
    answers = {prediction.name: prediction.values for prediction in predictions}
    chances = {f"{p.name}={text}": part for p in predictions for text, part in (p.chances or {}).items()}
    duplicates = sorted(answers.keys() & chances.keys())
    if duplicates:
        line = f"two columns would be named {duplicates[0]!r}: add --no-probabilities"
        raise SettingError(f"{line}, or ask `chainrule serve` for JSON")
    return {**answers, **chances}


def _chance(prediction: Prediction, text: str) -> Array:
    assert prediction.chances is not None, "every block of a target of classes has them"
    return prediction.chances[text]


def _kind(reading: Reading) -> str:
    kinds = {Number: "number", Word: "word", Items: "word", Time: "time"}
    return next((name for kind, name in kinds.items() if isinstance(reading, kind)), "presence")


def _example(reading: Reading, middle: float, values: Sequence[float] = ()) -> Any:
    """A cell that suits a reading: near `middle`, which the network sees as 0, one of `values` if there are any."""
    if isinstance(reading, Number):
        return min(values, key=lambda value: abs(value - middle), default=float(f"{middle:.4g}"))
    if isinstance(reading, Word):
        return reading.words[0]
    if isinstance(reading, Items):
        return (reading.separator or " ").join(reading.words[:2])
    if not isinstance(reading, Time):
        return None
    if reading.form == CLOCK:
        return f"{int(middle // 3600) % 24:02d}:{int(middle // 60) % 60:02d}"
    return str(np.datetime64(min(max(int(middle // DAY), _DAYS[0]), _DAYS[1]), "D"))  # every form takes the year first


def _values(transform: Transform) -> list[float]:
    """The numbers that have an input of their own."""
    return [value for part in transform.inputs if isinstance(part, Values) for value in part.values]


def _middle(steps: Sequence[Step]) -> float:
    """The number that steps turn into 0, which `Bend` leaves as it is."""
    x = 0.0
    for step in reversed(steps):
        if isinstance(step, Affine):
            x = x * step.scale + step.mean
        elif isinstance(step, Asinh):
            x = math.sinh(max(-700.0, min(x, 700.0)))
    return x if math.isfinite(x) else 0.0
