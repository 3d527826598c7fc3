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
from chainrule.registry import Entry, Registry, require

__all__ = [
    "SCHEDULES",
    "Constant",
    "Cosine",
    "ExponentialDecay",
    "InverseScaling",
    "OneCycle",
    "Plateau",
    "Schedule",
    "StepDecay",
]


@dataclasses.dataclass(frozen=True)
class Schedule(Entry):
    """A rule for the learning rate over time; `looks_ahead` says whether it depends on the length of the training."""

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

SCHEDULES: Registry[Schedule] = Registry("schedule", Schedule)


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
