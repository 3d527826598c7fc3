"""Rectifiers: activations that grow like z above 0, and below 0 are flat, leak or bend back."""

import dataclasses
import math
from typing import ClassVar

from chainrule.activations.base import REALS, Activation, Interval
from chainrule.activations.parts import negative, positive, sigmoid, softplus, where
from chainrule.arrays import Array, namespace, special
from chainrule.registry import require

__all__ = ["ELU", "GELU", "SELU", "LeakyReLU", "Mish", "PReLU", "ReLU", "ReLU6", "SiLU", "Softplus"]


@dataclasses.dataclass(frozen=True)
class ReLU(Activation):
    """a = max(0, z); sigma'(0) = 0.

    >>> ReLU().value(np.array([-1.0, 2.0]))
    array([0., 2.])

    Source: Nair & Hinton, Rectified linear units improve restricted Boltzmann machines, ICML 2010.
    """

    name = "relu"
    range = Interval(0.0, math.inf, open_low=False)
    initializer = "he_uniform"

    def value(self, Z: Array) -> Array:
        return where(Z.real > 0, Z, 0)

    def derivative(self, Z: Array, A: Array) -> Array:
        return (A.real > 0).astype(A.dtype)


@dataclasses.dataclass(frozen=True)
class ReLU6(Activation):
    """a = min(max(0, z), 6), in [0, 6]; sigma' = 1 for 0 < z < 6, else 0.

    >>> ReLU6().value(np.array([-1.0, 2.0, 7.0]))
    array([0., 2., 6.])

    Source: Krizhevsky, Convolutional deep belief networks on CIFAR-10, 2010.
    """

    name = "relu6"
    range = Interval(0.0, 6.0, open_low=False, open_high=False)
    initializer = "he_uniform"

    def value(self, Z: Array) -> Array:
        return where(Z.real > 0, where(Z.real < 6, Z, 6), 0)

    def derivative(self, Z: Array, A: Array) -> Array:
        return ((A.real > 0) & (A.real < 6)).astype(A.dtype)


@dataclasses.dataclass(frozen=True)
class LeakyReLU(Activation):
    """a = z for z > 0, else slope * z; sigma'(0) = slope. The slope is at least 0.

    >>> LeakyReLU(slope=0.1).value(np.array([-1.0, 2.0]))
    array([-0.1,  2. ])

    Raises SettingError where the slope is below 0 or not finite.

    Source: Maas, Hannun & Ng, Rectifier nonlinearities improve neural network acoustic models, ICML 2013.
    """

    name = "leaky_relu"
    initializer = "he_uniform"
    slope: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.slope >= 0, "slope of leaky_relu", self.slope, "at least 0")

    def value(self, Z: Array) -> Array:
        return where(Z.real > 0, Z, self.slope * Z)

    def derivative(self, Z: Array, A: Array) -> Array:
        return where(A.real > 0, namespace(A).ones_like(A), self.slope)


@dataclasses.dataclass(frozen=True)
class PReLU(Activation):
    """a = z for z > 0, else slope * z; sigma'(0) = slope. The slope is any number, also below 0.

    The slope is a parameter that you set, like that of `leaky_relu`: training does not change it. In the paper, and in
    PyTorch, it is trained with the weights.

    >>> PReLU(slope=-0.5).value(np.array([-1.0, 2.0]))
    array([0.5, 2. ])

    Raises SettingError where the slope is not finite.

    Source: He, Zhang, Ren & Sun, Delving deep into rectifiers, ICCV 2015, whose slopes start at 0.25.
    """

    name = "prelu"
    needs = "Z"
    initializer = "he_uniform"
    slope: float = 0.25

    @property
    def range(self) -> Interval:  # type: ignore[override]
        """All numbers; from 0 where the slope is at most 0."""
        return REALS if self.slope > 0 else Interval(0.0, math.inf, open_low=False)

    def value(self, Z: Array) -> Array:
        return where(Z.real > 0, Z, self.slope * Z)

    def derivative(self, Z: Array, A: Array) -> Array:
        return where(Z.real > 0, namespace(Z).ones_like(Z), self.slope)


@dataclasses.dataclass(frozen=True)
class ELU(Activation):
    """a = z for z > 0, else alpha (e^z - 1), in (-alpha, inf); sigma' = 1 for z > 0, else a + alpha. alpha is above 0.

    >>> ELU().value(np.array([-1e4, 2.0]))
    array([-1.,  2.])

    Raises SettingError where alpha is not a finite number above 0.

    Source: Clevert, Unterthiner & Hochreiter, Fast and accurate deep network learning by exponential linear
    units, ICLR 2016.
    """

    name = "elu"
    initializer = "he_uniform"
    alpha: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.alpha > 0, "alpha of elu", self.alpha, "above 0")

    @property
    def range(self) -> Interval:  # type: ignore[override]
        """(-alpha, inf)."""
        return Interval(-self.alpha, math.inf)

    def value(self, Z: Array) -> Array:
        return where(Z.real > 0, Z, self.alpha * namespace(Z).expm1(negative(Z)))

    def derivative(self, Z: Array, A: Array) -> Array:
        return where(A.real > 0, namespace(A).ones_like(A), A + self.alpha)


@dataclasses.dataclass(frozen=True)
class SELU(Activation):
    """a = scale * ELU(z; alpha), with the constants for which mean 0 and variance 1 are a fixed point.

    >>> SELU().value(np.array([0.0, 1.0])).round(4)
    array([0.    , 1.0507])

    Source: Klambauer, Unterthiner, Mayr & Hochreiter, Self-normalizing neural networks, NeurIPS 2017.
    """

    name = "selu"
    initializer = "lecun_normal"
    ALPHA: ClassVar[float] = 1.6732632423543772
    SCALE: ClassVar[float] = 1.0507009873554805
    range = Interval(-SCALE * ALPHA, math.inf)

    def value(self, Z: Array) -> Array:
        return self.SCALE * where(Z.real > 0, Z, self.ALPHA * namespace(Z).expm1(negative(Z)))

    def derivative(self, Z: Array, A: Array) -> Array:
        return where(A.real > 0, self.SCALE * namespace(A).ones_like(A), A + self.SCALE * self.ALPHA)


@dataclasses.dataclass(frozen=True)
class GELU(Activation):
    """a = z Phi(z), where Phi is the normal distribution function (exact, no tanh); sigma' = Phi(z) + z phi(z).

    >>> GELU().value(np.array([-1e4, 0.0, 1.0])).round(4)
    array([-0.    ,  0.    ,  0.8413])

    Source: Hendrycks & Gimpel, Gaussian error linear units, arXiv:1606.08415, 2016.
    """

    name = "gelu"
    range = Interval(-0.16997120747990366, math.inf, open_low=False)  # at z = -0.7518
    needs = "Z"
    initializer = "he_uniform"

    def value(self, Z: Array) -> Array:
        return Z * self._distribution(Z)

    def derivative(self, Z: Array, A: Array) -> Array:
        density = namespace(Z).exp(-0.5 * Z * Z) / math.sqrt(2 * math.pi)
        return self._distribution(Z) + Z * density

    @staticmethod
    def _distribution(Z: Array) -> Array:
        return 0.5 * special(Z).erfc(-Z / math.sqrt(2))


@dataclasses.dataclass(frozen=True)
class SiLU(Activation):
    """a = z s(z), where s is the sigmoid (also called swish); sigma' = s(z) (1 + z s(-z)).

    >>> SiLU().value(np.array([-1e4, 0.0, 1.0])).round(4)
    array([-0.    ,  0.    ,  0.7311])

    Source: Elfwing, Uchibe & Doya, Sigmoid-weighted linear units, Neural Networks 107, 2018.
    """

    name = "silu"
    range = Interval(-0.2784645427610738, math.inf, open_low=False)  # at z = -1.2785
    needs = "Z"
    initializer = "he_uniform"

    def value(self, Z: Array) -> Array:
        return Z * sigmoid(Z)

    def derivative(self, Z: Array, A: Array) -> Array:
        return sigmoid(Z) * (1 + Z * sigmoid(-Z))


@dataclasses.dataclass(frozen=True)
class Mish(Activation):
    """a = z tanh(ln(1 + e^z)), at least -0.3088; sigma' = w + z (1 - w)(1 + w) s(z), with w = a / z and the sigmoid s.

    w is computed as a ratio of polynomials in e^-|z|, so nothing overflows or cancels.

    >>> Mish().value(np.array([-1e4, 0.0, 1.0])).round(4)
    array([-0.    ,  0.    ,  0.8651])

    Source: Misra, Mish: a self regularized non-monotonic activation function, BMVC 2020.
    """

    name = "mish"
    range = Interval(-0.30884341301725043, math.inf, open_low=False)  # at z = -1.1924
    needs = "Z"
    initializer = "he_uniform"

    def value(self, Z: Array) -> Array:
        top, rest = self._ratio(Z)
        return Z * (top / (top + rest))

    def derivative(self, Z: Array, A: Array) -> Array:
        top, rest = self._ratio(Z)
        w = top / (top + rest)
        return w + Z * (rest / (top + rest)) * (1 + w) * sigmoid(Z)

    @staticmethod
    def _ratio(Z: Array) -> tuple[Array, Array]:
        """p and q with tanh(ln(1 + e^z)) = p / (p + q)."""
        e = namespace(Z).exp(negative(Z) - positive(Z))  # e^-|z|
        return where(Z.real > 0, 1 + 2 * e, e * (e + 2)), where(Z.real > 0, 2 * e * e, 2)


@dataclasses.dataclass(frozen=True)
class Softplus(Activation):
    """a = ln(1 + e^z), above 0; sigma' = 1 - e^-a. Computed as max(z, 0) + ln(1 + e^-|z|).

    >>> Softplus().value(np.array([-1e4, 0.0, 1e4])).round(4)
    array([0.000e+00, 6.931e-01, 1.000e+04])

    Source: Dugas, Bengio, Belisle, Nadeau & Garcia, Incorporating second-order functional knowledge, NeurIPS 2000.
    """

    name = "softplus"
    range = Interval(0.0, math.inf)
    initializer = "he_uniform"

    def value(self, Z: Array) -> Array:
        return softplus(Z)

    def derivative(self, Z: Array, A: Array) -> Array:
        return -namespace(A).expm1(-A)
