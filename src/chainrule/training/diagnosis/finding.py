"""What a rule reads of a history, and the finding that it gives."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

__all__ = ["Finding", "Record", "first_rate", "input_named", "probed"]


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


class Record(Protocol):
    """What rules read of a `History`, which imports them and so cannot be imported here."""

    cost: list[float]
    validation: list[float]
    rate: list[float]
    best_epoch: int
    stopped: Any
    probes: dict[str, list[float]]


def probed(history: Record, when: str, what: str) -> list[float]:
    """The numbers of the probe at the "start" or the "end"; empty where there was none."""
    return history.probes.get(f"{when} {what}", [])


def first_rate(history: Record) -> float | None:
    """The greatest learning rate of the training, None where it is not known."""
    return max([*history.rate, *probed(history, "start", "rate")], default=None)


def input_named(column: int, names: Sequence[str] | None) -> str:
    """An input column (from 0) in words.

    >>> input_named(2, None), input_named(0, ["age"])
    ('input 3 (X[:, 2])', "input 'age'")
    """
    return f"input {column + 1} (X[:, {column}])" if names is None else f"input {names[column]!r}"
