"""Makes an optimizer from the user's own update rule: checks it, and finds out how many slots it keeps."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.fields import Whole
from chainrule.optimizers.base import Optimizer, Slots
from chainrule.own_functions import in_no_file, label_of, require_call, result_of
from chainrule.registry import require

__all__ = ["CustomOptimizer"]

Update = Callable[[Array, Array, Slots, int, float], tuple[Array, Any]]

_SAMPLE = np.array([0.5, -1.0, 2.0])


@dataclasses.dataclass(frozen=True)
class CustomOptimizer(Optimizer):
    """Your own update rule, made by `CustomOptimizer.of`. A file stores only data, so no file can store it."""

    name = "custom"
    function: Update | None = None
    count: int = 0
    makes_slots: bool = True

    @classmethod
    def of(cls, function: Update, *, learning_rate: float = 0.01, slots: int | None = None) -> "CustomOptimizer":
        """An optimizer from a function (theta, gradient, slots, step, rate) -> theta, slots.

        - function: the parameters and the slots after one update. theta, gradient and each slot are arrays of one
          shape; step is the number of the update from 1, rate its learning rate. It may not draw random numbers.
        - learning_rate: the rate of the first update, above 0; a schedule multiplies it.
        - slots: how many arrays the rule keeps between updates; they are 0 at the start. None for a rule that gets
          () in the first update and returns the slots that it wants.

        >>> def heavy_ball(theta, gradient, slots, step, rate):
        ...     v = 0.9 * slots[0] - rate * gradient
        ...     return theta + v, (v,)
        >>> rule = cr.custom_optimizer(heavy_ball, slots=1, learning_rate=0.1)
        >>> bool((rule.update(np.ones(2), np.ones(2), (np.zeros(2),), 0.1, 1)[0] == 0.9).all())
        True

        Raises SettingError where the function takes other arguments, fails, returns something else, or returns other
        values for the same arguments.
        """
        what = f"your optimizer {label_of(function)}"
        require_call(function, what, "theta", "gradient", "slots", "step", "rate")
        count = 0 if slots is None else Whole(0).clean("slots", slots)
        given = (np.zeros(_SAMPLE.shape),) * count
        (moved, kept), again = _tried(function, what, given, 1), _tried(function, what, given, 1)
        pairs = zip((moved, *kept), (again[0], *again[1]), strict=True)
        if not all(np.array_equal(a, b, equal_nan=True) for a, b in pairs):
            raise SettingError(
                f"{what} returns other values for the same arguments, but must not: draw no random numbers in it"
            )
        if slots is not None and len(kept) != slots:
            raise SettingError(f"{what} returns {len(kept)} slots, but slots is {slots}: return as many as it gets")
        _tried(function, what, kept, 2)
        return cls(learning_rate, function, len(kept), slots is None)

    @property
    def slots(self) -> int:
        return self.count

    def update(self, theta: Array, g: Array, slots: Slots, eta: float, step: int) -> tuple[Array, Slots]:
        assert self.function is not None
        given = () if self.makes_slots and step == 1 else tuple(slot.copy() for slot in slots)
        moved, kept = _checked(
            self.function(theta.copy(), g, given, step, eta), f"your optimizer {label_of(self.function)}", theta
        )
        require(len(kept) == self.count, "the number of slots of your optimizer", len(kept), f"{self.count} every time")
        return moved, kept

    def document(self) -> dict[str, object]:
        raise in_no_file("optimizer", self.function or type(self))

    def __str__(self) -> str:
        return f"{label_of(self.function or type(self))} (your own, learning_rate={self.learning_rate})"


def _tried(function: Update, what: str, slots: Slots, step: int) -> tuple[Array, Slots]:
    """The result for a sample of parameters, checked."""
    slots = tuple(slot.copy() for slot in slots)
    given = f"theta of shape {_SAMPLE.shape} and {len(slots)} slots in update {step}"
    hint = "" if slots or step > 1 else "; if it takes slots that are 0 at first, use cr.custom_optimizer(..., slots=1)"
    result = result_of(lambda: function(_SAMPLE.copy(), _SAMPLE[::-1].copy(), slots, step, 0.1), what, given + hint)
    return _checked(result, what, _SAMPLE)


def _checked(result: Any, what: str, theta: Array) -> tuple[Array, Slots]:
    """theta and slots as arrays of the type of `theta`. Raises SettingError for anything else."""
    pair = isinstance(result, tuple | list) and len(result) == 2 and isinstance(result[1], tuple | list)
    require(pair, f"the return value of {what}", result, "(theta, slots), with a tuple of slots")
    arrays = [np.asarray(part) for part in (result[0], *result[1])]
    for array in arrays:
        right = array.shape == theta.shape and array.dtype.kind in "biuf"
        require(right, f"the return value of {what}", array, f"arrays of numbers of shape {theta.shape}")
    moved, *kept = (array.astype(theta.dtype) for array in arrays)
    return moved, tuple(kept)
