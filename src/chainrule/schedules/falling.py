"""Schedules that hold the rate or let it fall: by steps, by formulas of the time, after a rise, or on a plateau."""

import dataclasses
import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from chainrule.arrays import Array
from chainrule.fields import Whole
from chainrule.registry import require
from chainrule.schedules.base import Factors, Schedule, each, half_cosine, updates

__all__ = ["Constant", "Cosine", "ExponentialDecay", "InverseScaling", "OneCycle", "Plateau", "StepDecay"]


@dataclasses.dataclass(frozen=True)
class Constant(Schedule):
    """1: a constant learning rate.

    >>> Constant().factors(0, 3, per_epoch=2, total=8, watched=[])
    array([1., 1., 1.])
    """

    name = "constant"

    def factors(self, first: int, count: int, per_epoch: int, total: int, watched: Sequence[float]) -> Array:
        return np.ones(count)


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
        steps = np.floor(updates(first, count) / (per_epoch * self.every) + 1e-9)  # against rounding at a border
        return each(lambda n: math.pow(self.factor, n), steps)


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
        return each(lambda tau: math.pow(self.factor, tau), updates(first, count) / per_epoch)


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
        return each(lambda k: math.pow(k + 1, -self.power), updates(first, count))


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
        k, W = updates(first, count), self.warmup * per_epoch
        falling = self.final + (1 - self.final) * half_cosine((k - W) / max(total - W, 1.0))
        return np.where(k < W, (k + 1) / (W + 1), falling)


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
        k, peak, last = updates(first, count), max(self.rise * total - 1, 0.0), total - 1
        rising = 1 + (self.start - 1) * half_cosine(k / (peak or 1.0))
        falling = self.final + (1 - self.final) * half_cosine((k - peak) / max(last - peak, 1e-9))
        return np.where(k < peak, rising, falling)


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
            return np.maximum(self.lowest, each(lambda n: math.pow(self.factor, n), after))

        return factors
