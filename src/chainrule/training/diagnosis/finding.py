"""A finding, and what the rules that give findings read of a history."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

__all__ = ["Finding", "Record", "first_rate", "input_named", "probed"]


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that is wrong with a training: its `name`, the evidence in `words`, and the `change` that helps.

    `numbers` are the evidence for programs.
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


class Record(Protocol):
    """The fields of a `History` that rules read; the class itself imports them, so they cannot import it."""

    cost: list[float]
    validation: list[float]
    rate: list[float]
    best_epoch: int
    stopped: Any
    seconds: float
    probes: dict[str, list[float]]


def probed(history: Record, when: str, what: str) -> list[float]:
    """The numbers of the probe at the "start" or the "end"; empty if it did not run."""
    return history.probes.get(f"{when} {what}", [])


def first_rate(history: Record) -> float | None:
    """The greatest learning rate of the training; None if it is not known."""
    return max([*history.rate, *probed(history, "start", "rate")], default=None)


def input_named(column: int, names: Sequence[str] | None) -> str:
    """An input column (from 0) in words.

    >>> input_named(2, None), input_named(0, ["age"])
    ('input 3 (X[:, 2])', "input 'age'")
    """
    return f"input {column + 1} (X[:, {column}])" if names is None else f"input {names[column]!r}"
