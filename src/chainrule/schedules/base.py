"""What a schedule is, your own function as one, and what several of them compute with."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np

from chainrule.arrays import Array
from chainrule.own_functions import in_no_file, label_of, require_call, result_of
from chainrule.registry import Entry, Registry, is_finite, require

__all__ = ["SCHEDULES", "CustomSchedule", "Factors", "Schedule", "each", "half_cosine", "updates"]


@dataclasses.dataclass(frozen=True)
class Schedule(Entry):
    """A rule for the learning rate over time; `looks_ahead` says whether it depends on the length of the training.

    The base of all schedules, also of your own: a frozen dataclass with a `name`, and `factors`.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Halves(cr.Schedule):
    ...     name = "halves"
    ...
    ...     def factors(self, first, count, per_epoch, total, watched):
    ...         return 0.5 ** (np.arange(first, first + count) // per_epoch)
    >>> cr.fit(cr.Network([1, 1]), [[0.0]], [[1.0]], optimizer="sgd", schedule=Halves(), epochs=3).rate
    [0.01, 0.005, 0.0025]
    """

    looks_ahead: ClassVar[bool] = False

    def factors(self, first: int, count: int, per_epoch: int, total: int, watched: Sequence[float]) -> Array:
        """The factors of updates first .. first + count - 1, float64, shape (count,), each finite and at least 0.

        - first: the number of the first update, from 0.
        - count: the number of updates.
        - per_epoch: the updates of an epoch.
        - total: the updates of the whole training; later updates keep the last factor.
        - watched: one value for each finished epoch; lower is better.
        """
        raise TypeError(f"{type(self).__name__} does not define factors")

    def follow(self) -> "Factors":
        """`factors` for a loop whose `watched` only grows: the same bits, without reading all values in each call.

        >>> factors, watched = cr.Plateau(factor=0.5, patience=1).follow(), []
        >>> for value in (3.0, 2.0, 2.0):
        ...     watched.append(value)
        ...     print(factors(len(watched), 1, 1, 9, watched))
        [1.]
        [1.]
        [0.5]
        """
        return self.factors


Factors = Callable[[int, int, int, int, Sequence[float]], Array]  # the arguments of `Schedule.factors`


@dataclasses.dataclass(frozen=True)
class CustomSchedule(Schedule):
    """Your own function (update, per_epoch, total) -> factor, made by `CustomSchedule.of`.

    A file stores only data, so it cannot be stored in a file.
    """

    name = "custom"
    looks_ahead: ClassVar[bool] = True
    function: Callable[[int, int, int], float] = lambda update, per_epoch, total: 1.0

    @classmethod
    def of(cls, function: Callable[[int, int, int], float]) -> "CustomSchedule":
        """Check that the function gives a factor, a finite number from 0, for the number of an update from 0.

        >>> CustomSchedule.of(lambda update, per_epoch, total: 1 - update / total).factors(0, 4, 2, 4, [])
        array([1.  , 0.75, 0.5 , 0.25])

        Raises SettingError where it takes other arguments, fails or returns something else.
        """
        require_call(function, f"your schedule {label_of(function)}", "update", "per_epoch", "total")
        schedule = cls(function)
        result_of(lambda: schedule.factors(0, 2, 1, 2, []), f"your schedule {label_of(function)}", "2 updates")
        return schedule

    def factors(self, first: int, count: int, per_epoch: int, total: int, watched: Sequence[float]) -> Array:
        values = [self.function(k, per_epoch, total) for k in range(first, first + count)]
        for k, value in enumerate(values, start=first):
            what = f"the factor of your schedule {label_of(self.function)} for update {k}"
            require(is_finite(value) and value >= 0, what, value, "a finite number from 0")
        return np.array(values, dtype=np.float64)

    def document(self) -> dict[str, object]:
        raise in_no_file("schedule", self.function)

    def __str__(self) -> str:
        return f"{label_of(self.function)} (your own)"


SCHEDULES: Registry[Schedule] = Registry("schedule", Schedule, wrap=CustomSchedule.of)


def updates(first: int, count: int) -> Array:
    """The numbers of the updates."""
    return np.arange(first, first + count, dtype=np.float64)


def each(function: Callable[[float], float], values: Array) -> Array:
    """Apply a function to each value. cos and pow of NumPy may round differently at different positions of an array."""
    return np.array([function(value) for value in values.tolist()], dtype=np.float64)


def half_cosine(share: Array) -> Array:
    """(1 + cos(pi share)) / 2: from 1 at share 0 to 0 at share 1, constant outside."""
    return each(lambda x: (1 + math.cos(math.pi * x)) / 2, np.clip(share, 0.0, 1.0))
