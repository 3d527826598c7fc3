"""Schedules: factors for the learning rate of each update, one class for each schedule.

Updates k are numbered from 0 over the whole training; an epoch has P updates, the training N. tau = k / P is the time
in epochs, a whole number at the start of an epoch. A schedule has no state: its factors depend only on k, those of
`Plateau` also on the watched values. So a cut between two updates changes no bit, and resuming needs no extra state.
`follow` is for a loop: it does not read all watched values again in each call.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np

from chainrule.arrays import Array
from chainrule.fields import Whole
from chainrule.own_functions import in_no_file, label_of, require_call, result_of
from chainrule.registry import Entry, Registry, is_finite, require

__all__ = [
    "SCHEDULES",
    "Constant",
    "Cosine",
    "CustomSchedule",
    "Cyclic",
    "ExponentialDecay",
    "InverseScaling",
    "OneCycle",
    "Plateau",
    "Schedule",
    "StepDecay",
    "WarmRestarts",
]


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

        >>> factors, watched = Plateau(factor=0.5, patience=1).follow(), []
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


def _updates(first: int, count: int) -> Array:
    return np.arange(first, first + count, dtype=np.float64)


def _each(function: Callable[[float], float], values: Array) -> Array:
    """Apply a function to each value. cos and pow of NumPy may round differently at different positions of an array."""
    return np.array([function(value) for value in values.tolist()], dtype=np.float64)


def _half_cosine(share: Array) -> Array:
    """(1 + cos(pi share)) / 2: from 1 at share 0 to 0 at share 1, constant outside."""
    return _each(lambda x: (1 + math.cos(math.pi * x)) / 2, np.clip(share, 0.0, 1.0))


@SCHEDULES.register
@dataclasses.dataclass(frozen=True)
class Constant(Schedule):
    """1: a constant learning rate.

    >>> Constant().factors(0, 3, per_epoch=2, total=8, watched=[])
    array([1., 1., 1.])
    """

    name = "constant"

    def factors(self, first: int, count: int, per_epoch: int, total: int, watched: Sequence[float]) -> Array:
        return np.ones(count)


@SCHEDULES.register
@dataclasses.dataclass(frozen=True)
class StepDecay(Schedule):
    """factor^⌊tau / every⌋: times `factor` after each `every` epochs.

    - factor: above 0, at most 1.
    - every: epochs between two reductions, above 0, may be a fraction.

    >>> StepDecay(factor=0.5, every=2).factors(0, 8, per_epoch=2, total=8, watched=[])
    array([1. , 1. , 1. , 1. , 0.5, 0.5, 0.5, 0.5])

    Raises SettingError where factor or every is out of its range.

    Source: Krizhevsky, Sutskever & Hinton, ImageNet classification with deep convolutional neural networks, NIPS 2012,
    section 5. For a whole number of epochs it is PyTorch's StepLR.
    """

    name = "step"
    factor: float = 0.5
    every: float = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 < self.factor <= 1, "factor of step", self.factor, "above 0, at most 1")
        require(self.every > 0, "every of step", self.every, "a number of epochs above 0")

    def factors(self, first: int, count: int, per_epoch: int, total: int, watched: Sequence[float]) -> Array:
        steps = np.floor(_updates(first, count) / (per_epoch * self.every) + 1e-9)  # against rounding at a border
        return _each(lambda n: math.pow(self.factor, n), steps)


@SCHEDULES.register
@dataclasses.dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """factor^tau: times `factor` (above 0, at most 1) for each epoch, spread over its updates.

    >>> ExponentialDecay(factor=0.25).factors(0, 4, per_epoch=2, total=8, watched=[])
    array([1.   , 0.5  , 0.25 , 0.125])

    Raises SettingError where factor is not above 0 and at most 1.

    Source: at the start of each epoch it is PyTorch's ExponentialLR, between them Keras's ExponentialDecay.
    StepDecay(factor, every=1) falls only at the end of each epoch.
    """

    name = "exponential"
    factor: float = 0.95

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 < self.factor <= 1, "factor of exponential", self.factor, "above 0, at most 1")

    def factors(self, first: int, count: int, per_epoch: int, total: int, watched: Sequence[float]) -> Array:
        return _each(lambda tau: math.pow(self.factor, tau), _updates(first, count) / per_epoch)


@SCHEDULES.register
@dataclasses.dataclass(frozen=True)
class InverseScaling(Schedule):
    """1 / (k + 1)^power, with k in updates; power is from 0.

    For a power above 1/2 and at most 1, the sum of the rates is infinite, but not the sum of their squares: descent
    along noisy gradients then converges, if the noise is bounded and the cost strongly convex.

    >>> InverseScaling().factors(0, 4, per_epoch=2, total=8, watched=[]).round(3)
    array([1.   , 0.707, 0.577, 0.5  ])

    Raises SettingError where power is below 0.

    Source: Robbins & Monro, A stochastic approximation method, Annals of Mathematical Statistics 22, 1951. The name is
    from scikit-learn, whose networks count examples and change the rate only at the end of each epoch.
    """

    name = "inverse_scaling"
    power: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.power >= 0, "power of inverse_scaling", self.power, "at least 0")

    def factors(self, first: int, count: int, per_epoch: int, total: int, watched: Sequence[float]) -> Array:
        return _each(lambda k: math.pow(k + 1, -self.power), _updates(first, count))


@SCHEDULES.register
@dataclasses.dataclass(frozen=True)
class Cosine(Schedule):
    """final + (1 - final) (1 + cos(pi (k - W) / (N - W))) / 2, after a warm-up of W = warmup P updates.

    While k < W the factor is (k + 1) / (W + 1): a straight line that does not start at 0.

    - warmup: epochs of the warm-up, at least 0, may be a fraction.
    - final: the factor at the end of the training, from 0 to 1.

    >>> Cosine(warmup=1).factors(0, 6, per_epoch=2, total=6, watched=[]).round(3)
    array([0.333, 0.667, 1.   , 0.854, 0.5  , 0.146])

    Raises SettingError where warmup is below 0 or final not from 0 to 1.

    Source: Loshchilov & Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017, eq. 5, without
    restarts; the warm-up of Goyal et al., Accurate, large minibatch SGD, 2017, section 2.2. Without warm-up it is
    PyTorch's CosineAnnealingLR, stepped at every update.
    """

    name = "cosine"
    looks_ahead: ClassVar[bool] = True
    warmup: float = 0.0
    final: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.warmup >= 0, "warmup of cosine", self.warmup, "a number of epochs from 0")
        require(0 <= self.final <= 1, "final of cosine", self.final, "from 0 to 1")

    def factors(self, first: int, count: int, per_epoch: int, total: int, watched: Sequence[float]) -> Array:
        k, W = _updates(first, count), self.warmup * per_epoch
        falling = self.final + (1 - self.final) * _half_cosine((k - W) / max(total - W, 1.0))
        return np.where(k < W, (k + 1) / (W + 1), falling)


@SCHEDULES.register
@dataclasses.dataclass(frozen=True)
class OneCycle(Schedule):
    """Rises to 1 along half a cosine for a share `rise` of the training, then falls along half a cosine.

    The peak is the learning rate itself, at update rise N - 1.

    - rise: the share of the training before the peak, from 0 to below 1.
    - start: the factor of the first update, from 0 to 1.
    - final: the factor of the last update, from 0 to 1.

    >>> OneCycle(rise=0.5, start=0.2).factors(0, 6, per_epoch=2, total=6, watched=[]).round(3)
    array([0.2 , 0.6 , 1.  , 0.75, 0.25, 0.  ])

    Raises SettingError where an argument is out of its range.

    Source: Smith & Topin, Super-convergence: very fast training of neural networks using large learning rates, 2018,
    in the form and with the defaults of PyTorch's OneCycleLR. The momentum does not change.
    """

    name = "one_cycle"
    looks_ahead: ClassVar[bool] = True
    rise: float = 0.3
    start: float = 0.04
    final: float = 4e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.rise < 1, "rise of one_cycle", self.rise, "a share from 0 to below 1")
        require(0 <= self.start <= 1, "start of one_cycle", self.start, "from 0 to 1")
        require(0 <= self.final <= 1, "final of one_cycle", self.final, "from 0 to 1")

    def factors(self, first: int, count: int, per_epoch: int, total: int, watched: Sequence[float]) -> Array:
        k, peak, last = _updates(first, count), max(self.rise * total - 1, 0.0), total - 1
        rising = 1 + (self.start - 1) * _half_cosine(k / (peak or 1.0))
        falling = self.final + (1 - self.final) * _half_cosine((k - peak) / max(last - peak, 1e-9))
        return np.where(k < peak, rising, falling)


@SCHEDULES.register
@dataclasses.dataclass(frozen=True)
class Cyclic(Schedule):
    """Rises on a straight line from `lowest` to 1 and falls back, again and again: a triangle of `period` epochs.

    The height of the triangles, 1 - lowest, is multiplied by `shrink` after each of them.

    - period: epochs of a triangle, above 0, may be a fraction.
    - lowest: the factor at the feet of a triangle, from 0 to 1.
    - shrink: above 0, at most 1.

    >>> Cyclic(period=2, lowest=0.2).factors(0, 5, per_epoch=2, total=9, watched=[])
    array([0.2, 0.6, 1. , 0.6, 0.2])

    Raises SettingError where an argument is out of its range.

    Source: Smith, Cyclical learning rates for training neural networks, WACV 2017, section 3: "triangular", with
    shrink 0.5 "triangular2". It is PyTorch's CyclicLR; the learning rate is its max_lr. The momentum does not change.
    """

    name = "cyclic"
    period: float = 4.0
    lowest: float = 0.1
    shrink: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.period > 0, "period of cyclic", self.period, "a number of epochs above 0")
        require(0 <= self.lowest <= 1, "lowest of cyclic", self.lowest, "from 0 to 1")
        require(0 < self.shrink <= 1, "shrink of cyclic", self.shrink, "above 0, at most 1")

    def factors(self, first: int, count: int, per_epoch: int, total: int, watched: Sequence[float]) -> Array:
        cycles = _updates(first, count) / (per_epoch * self.period)
        done = np.floor(cycles + 1e-9)  # against rounding at a border
        height = (1 - self.lowest) * _each(lambda n: math.pow(self.shrink, n), done)
        return self.lowest + height * (1 - np.abs(2 * np.clip(cycles - done, 0.0, 1.0) - 1))


@SCHEDULES.register
@dataclasses.dataclass(frozen=True)
class WarmRestarts(Schedule):
    """Falls from 1 to `final` along half a cosine, then starts again: SGDR.

    The first fall takes `first` epochs, each later one `growth` times as long as the one before.

    - first: epochs of the first fall, above 0, may be a fraction.
    - growth: at least 1.
    - final: the factor at the end of a fall, from 0 to 1.

    >>> WarmRestarts(first=1, growth=2).factors(0, 7, per_epoch=2, total=9, watched=[]).round(3)
    array([1.   , 0.5  , 1.   , 0.854, 0.5  , 0.146, 1.   ])

    Raises SettingError where an argument is out of its range.

    Source: Loshchilov & Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017, eq. 5. With a whole
    `growth` it is PyTorch's CosineAnnealingWarmRestarts, stepped at every update.
    """

    name = "warm_restarts"
    first: float = 10.0
    growth: float = 1.0
    final: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.first > 0, "first of warm_restarts", self.first, "a number of epochs above 0")
        require(self.growth >= 1, "growth of warm_restarts", self.growth, "at least 1")
        require(0 <= self.final <= 1, "final of warm_restarts", self.final, "from 0 to 1")

    def factors(self, first: int, count: int, per_epoch: int, total: int, watched: Sequence[float]) -> Array:
        shares = _each(self._share, _updates(first, count) / (per_epoch * self.first))
        return self.final + (1 - self.final) * _half_cosine(shares)

    def _share(self, time: float) -> float:
        """How much of the current fall is over, from a time in units of the first fall."""
        if self.growth - 1 < 1e-12:
            return time - math.floor(time + 1e-9)
        done = math.floor(math.log1p(time * (self.growth - 1)) / math.log(self.growth) + 1e-9)
        length = math.pow(self.growth, done)
        return (time - (length - 1) / (self.growth - 1)) / length


@SCHEDULES.register
@dataclasses.dataclass(frozen=True)
class Plateau(Schedule):
    """Multiplies by `factor` when the watched value has not improved on its best for `patience` epochs in a row.

    The count of epochs then starts again.

    - factor: the factor of the learning rate, above 0, at most 1.
    - patience: epochs to wait, a whole number from 1.
    - min_delta: an improvement must be larger than this, at least 0, in the unit of the watched value.
    - lowest: the lowest product of the factors, from 0 to 1.

    >>> Plateau(factor=0.5, patience=2).factors(8, 2, per_epoch=2, total=20, watched=[3.0, 2.0, 2.5, 2.0])
    array([0.5, 0.5])

    Raises SettingError where an argument is out of its range.

    Source: PyTorch's ReduceLROnPlateau, which waits for one epoch more, and Keras's ReduceLROnPlateau.
    """

    name = "plateau"
    factor: float = 0.1
    patience: int = 10
    min_delta: float = 0.0
    lowest: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 < self.factor <= 1, "factor of plateau", self.factor, "above 0, at most 1")
        require(self.min_delta >= 0, "min_delta of plateau", self.min_delta, "at least 0")
        require(0 <= self.lowest <= 1, "lowest of plateau", self.lowest, "from 0 to 1")
        object.__setattr__(self, "patience", Whole(1).clean("patience of plateau", self.patience))

    def factors(self, first: int, count: int, per_epoch: int, total: int, watched: Sequence[float]) -> Array:
        return self.follow()(first, count, per_epoch, total, watched)

    def follow(self) -> Factors:
        best, waited, falls = math.inf, 0, [0]  # falls[e]: the number of reductions after e epochs

        def factors(first: int, count: int, per_epoch: int, total: int, watched: Sequence[float]) -> Array:
            nonlocal best, waited
            for value in watched[len(falls) - 1 :]:
                best, waited = (value, 0) if value < best - self.min_delta else (best, waited + 1)
                falls.append(falls[-1] + (waited >= self.patience))
                waited = 0 if waited >= self.patience else waited
            epochs = np.minimum(np.arange(first, first + count) // per_epoch, len(watched))
            after = np.array([falls[epoch] for epoch in epochs.tolist()], dtype=np.float64)
            return np.maximum(self.lowest, _each(lambda n: math.pow(self.factor, n), after))

        return factors
