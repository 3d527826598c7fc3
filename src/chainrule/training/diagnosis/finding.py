"""What a rule reads and what it finds."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

__all__ = ["Finding", "Told", "first_rate", "input_named", "seen"]


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that is wrong with a training: its `name`, what was seen in `words`, the `change` that mends it.

    `numbers` are what was seen, for programs.
    """

    name: str
    words: str
    change: str
    numbers: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The finding as plain data."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        return f"{self.name}: {self.words}: {self.change}"


class Told(Protocol):
    """What is read of a history."""

    cost: list[float]
    validation: list[float]
    rate: list[float]
    best_epoch: int
    stopped: Any
    looks: dict[str, list[float]]


def seen(told: Told, when: str, what: str) -> list[float]:
    """What a look at the "start" or the "end" found; empty if none was taken."""
    return told.looks.get(f"{when} {what}", [])


def first_rate(told: Told) -> float | None:
    """The greatest learning rate of the training, None where it is not known."""
    return max([*told.rate, *seen(told, "start", "rate")], default=None)


def input_named(column: int, names: Sequence[str] | None) -> str:
    """An input column (from 0) in words.

    >>> input_named(2, None), input_named(0, ["age"])
    ('input 3 (X[:, 2])', "input 'age'")
    """
    return f"input {column + 1} (X[:, {column}])" if names is None else f"input {names[column]!r}"
