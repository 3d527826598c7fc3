"""Rules that draw the initial weights of a layer with n_in inputs and n_out neurons, one class for each rule."""

import dataclasses
import math

import numpy as np

from chainrule.arrays import Array
from chainrule.random import Purpose, normal, raw_words, uniform
from chainrule.registry import Entry, Registry, require

__all__ = ["INITIALIZERS", "Initializer"]


@dataclasses.dataclass(frozen=True)
class Initializer(Entry):
    """A rule for W (n_in, n_out) and b (n_out,) of a layer before training; biases are 0 unless a rule draws them."""

    def draw(self, seed: int, layer: int, n_in: int, n_out: int) -> tuple[Array, Array]:
        """W and b of layer `layer`, float64, from one stream of words: W row by row, then b."""
        words = raw_words(seed, Purpose.WEIGHTS, layer, n_in * n_out + n_out)
        W, b = words[: n_in * n_out].reshape(n_in, n_out), words[n_in * n_out :]
        return self.weights(W, n_in, n_out), self.biases(b, n_in, n_out)

    def weights(self, words: Array, n_in: int, n_out: int) -> Array:
        """The weights W from their words, shape (n_in, n_out)."""
        raise TypeError(f"{type(self).__name__} does not define weights")

    def biases(self, words: Array, n_in: int, n_out: int) -> Array:
        """The biases b from their words, shape (n_out,)."""
        return np.zeros(words.shape)


INITIALIZERS: Registry[Initializer] = Registry("initializer", Initializer)
_register = INITIALIZERS.register


def _between(words: Array, limit: float) -> Array:
    """Uniform in [-limit, limit)."""
    return limit * (2 * uniform(words) - 1)


@_register
@dataclasses.dataclass(frozen=True)
class GlorotUniform(Initializer):
    """W uniform in ±sqrt(6 / (n_in + n_out)): for tanh, sigmoid and softmax layers.

    Source: Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.
    """

    name = "glorot_uniform"

    def weights(self, words: Array, n_in: int, n_out: int) -> Array:
        return _between(words, math.sqrt(6 / (n_in + n_out)))


@_register
@dataclasses.dataclass(frozen=True)
class GlorotNormal(Initializer):
    """W normal with variance 2 / (n_in + n_out). Source: as `glorot_uniform`."""

    name = "glorot_normal"

    def weights(self, words: Array, n_in: int, n_out: int) -> Array:
        return normal(words) * math.sqrt(2 / (n_in + n_out))


@_register
@dataclasses.dataclass(frozen=True)
class HeUniform(Initializer):
    """W uniform in ±sqrt(6 / n_in): for relu and similar activations.

    Source: He, Zhang, Ren & Sun, Delving deep into rectifiers, ICCV 2015.
    """

    name = "he_uniform"

    def weights(self, words: Array, n_in: int, n_out: int) -> Array:
        return _between(words, math.sqrt(6 / n_in))


@_register
@dataclasses.dataclass(frozen=True)
class HeNormal(Initializer):
    """W normal with variance 2 / n_in. Source: as `he_uniform`."""

    name = "he_normal"

    def weights(self, words: Array, n_in: int, n_out: int) -> Array:
        return normal(words) * math.sqrt(2 / n_in)


@_register
@dataclasses.dataclass(frozen=True)
class LeCunUniform(Initializer):
    """W uniform in ±sqrt(3 / n_in), variance 1 / n_in: for selu.

    Source: LeCun, Bottou, Orr & Müller, Efficient BackProp, 1998.
    """

    name = "lecun_uniform"

    def weights(self, words: Array, n_in: int, n_out: int) -> Array:
        return _between(words, math.sqrt(3 / n_in))


@_register
@dataclasses.dataclass(frozen=True)
class LeCunNormal(Initializer):
    """W normal with variance 1 / n_in. Source: as `lecun_uniform`."""

    name = "lecun_normal"

    def weights(self, words: Array, n_in: int, n_out: int) -> Array:
        return normal(words) / math.sqrt(n_in)


@_register
@dataclasses.dataclass(frozen=True)
class Nielsen(Initializer):
    """W normal with variance 1 / n_in, b standard normal.

    Source: Nielsen, Neural Networks and Deep Learning, 2015, chapter 3 (`default_weight_initializer`).
    """

    name = "nielsen"

    def weights(self, words: Array, n_in: int, n_out: int) -> Array:
        return normal(words) / math.sqrt(n_in)

    def biases(self, words: Array, n_in: int, n_out: int) -> Array:
        return normal(words)


@_register
@dataclasses.dataclass(frozen=True)
class NielsenLarge(Initializer):
    """W and b standard normal: the first network of the book. Its sigmoids saturate in wide layers.

    Source: Nielsen, Neural Networks and Deep Learning, 2015, chapter 1 (`large_weight_initializer`).
    """

    name = "nielsen_large"

    def weights(self, words: Array, n_in: int, n_out: int) -> Array:
        return normal(words)

    def biases(self, words: Array, n_in: int, n_out: int) -> Array:
        return normal(words)


@_register
@dataclasses.dataclass(frozen=True)
class GlorotUniformBiases(Initializer):
    """W and b uniform in ±sqrt(factor / (n_in + n_out)); with factor 6, W is that of `glorot_uniform`.

    Raises SettingError where factor is not a finite number above 0.

    Source: the multi-layer perceptrons of scikit-learn, which use 2 instead of 6 for logistic layers.
    """

    name = "glorot_uniform_biases"
    factor: float = 6.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.factor > 0, f"factor of {self.name}", self.factor, "above 0")

    def weights(self, words: Array, n_in: int, n_out: int) -> Array:
        return _between(words, math.sqrt(self.factor / (n_in + n_out)))

    def biases(self, words: Array, n_in: int, n_out: int) -> Array:
        return self.weights(words, n_in, n_out)
