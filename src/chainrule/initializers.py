"""Rules that draw the initial weights of a layer with n_in inputs and n_out neurons, one class for each rule."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.own_functions import in_no_file, label_of, require_call, result_of
from chainrule.random import Purpose, generator, normal, raw_words, uniform
from chainrule.registry import Entry, Registry, require

__all__ = ["INITIALIZERS", "CustomInitializer", "Initializer"]


@dataclasses.dataclass(frozen=True)
class Initializer(Entry):
    """A rule for W (n_in, n_out) and b (n_out,) of a layer before training; biases are 0 unless a rule draws them.

    The base of all initializers, also of your own: a frozen dataclass with a `name`, and `weights`.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Signs(cr.Initializer):
    ...     name = "signs"
    ...
    ...     def weights(self, words, n_in, n_out):
    ...         return np.where(words % 2, 1.0, -1.0)
    >>> cr.Network([2, 2], initializer=Signs(), seed=0).W[0]
    array([[ 1., -1.],
           [-1.,  1.]], dtype=float32)
    """

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


@dataclasses.dataclass(frozen=True)
class CustomInitializer(Initializer):
    """Your own function (n_in, n_out, generator) -> W, or W and b, made by `CustomInitializer.of`."""

    name = "custom"
    function: Callable[..., Any] | None = None

    @classmethod
    def of(cls, function: Callable[..., Any]) -> "CustomInitializer":
        """Check the function: it draws from the generator, and returns W (n_in, n_out), or W and b (n_out,).

        The generator, one of NumPy, is that of the network's seed and the layer.

        >>> net = cr.Network([2, 3, 1], initializer=lambda n_in, n_out, generator: generator.normal(size=(n_in, n_out)))
        >>> [W.shape for W in net.W]
        [(2, 3), (3, 1)]

        Raises SettingError where it takes other arguments, fails or returns something else.
        """
        require_call(function, f"your initializer {label_of(function)}", "n_in", "n_out", "generator")
        initializer = cls(function)
        initializer.draw(0, 2, 3, 2)
        return initializer

    def draw(self, seed: int, layer: int, n_in: int, n_out: int) -> tuple[Array, Array]:
        function = self.function
        assert function is not None
        what = f"your initializer {label_of(function)}"
        drawing = generator(seed, Purpose.WEIGHTS, layer)
        result = result_of(lambda: function(n_in, n_out, drawing), what, f"n_in {n_in} and n_out {n_out}")
        W, b = result if isinstance(result, tuple) and len(result) == 2 else (result, np.zeros(n_out))
        parts = [np.asarray(part) for part in (W, b)]
        for part, shape in zip(parts, ((n_in, n_out), (n_out,)), strict=True):
            if part.shape != shape or part.dtype.kind not in "biuf" or not np.isfinite(part).all():
                raise SettingError(
                    f"{what} returns an array {part.shape} of {part.dtype}, but must return finite numbers of shape "
                    f"{(n_in, n_out)}, or these and biases {(n_out,)}"
                )
        return parts[0].astype(np.float64), parts[1].astype(np.float64)

    def document(self) -> dict[str, object]:
        raise in_no_file("initializer", self.function or type(self))

    def __str__(self) -> str:
        return f"{label_of(self.function or type(self))} (your own)"


INITIALIZERS: Registry[Initializer] = Registry("initializer", Initializer, wrap=CustomInitializer.of)
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


@_register
@dataclasses.dataclass(frozen=True)
class Orthogonal(Initializer):
    """W with orthonormal columns (rows where n_in < n_out) times `gain`, uniform among all such matrices.

    Products of such matrices neither shrink nor stretch a vector. It is Q of the QR decomposition of normal numbers,
    with signs for which R has a positive diagonal. The last bits are those of NumPy's LAPACK.

    - gain: the length of the columns, above 0; sqrt(2) suits relu.

    >>> W, _ = Orthogonal().draw(0, 2, 5, 3)
    >>> bool(np.allclose(W.T @ W, np.eye(3)))
    True

    Raises SettingError where gain is not a finite number above 0.

    Source: Saxe, McClelland & Ganguli, Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks, ICLR 2014; the signs of Mezzadri, How to generate random matrices from the classical compact groups,
    Notices of the AMS 54, 2007, as in PyTorch's orthogonal_.
    """

    name = "orthogonal"
    gain: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.gain > 0, "gain of orthogonal", self.gain, "above 0")

    def weights(self, words: Array, n_in: int, n_out: int) -> Array:
        drawn = normal(words)
        Q, R = np.linalg.qr(drawn if n_in >= n_out else drawn.T)
        Q = Q * np.where(np.diagonal(R) < 0, -1.0, 1.0)
        return np.ascontiguousarray(self.gain * (Q if n_in >= n_out else Q.T))


@_register
@dataclasses.dataclass(frozen=True)
class Zeros(Initializer):
    """W = 0 and b = 0. All neurons of a hidden layer then stay equal: it is for networks without hidden layers.

    Source: the failure is described by Rumelhart, Hinton & Williams, Learning internal representations by error
    propagation, 1986, section "symmetry breaking".
    """

    name = "zeros"

    def weights(self, words: Array, n_in: int, n_out: int) -> Array:
        return np.zeros(words.shape)
