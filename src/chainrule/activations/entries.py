"""The activations by name, one class for each; the native core has the same list.

Comparisons use the real part, so that a complex step can differentiate every entry.
"""

import dataclasses
import math
from typing import ClassVar

from chainrule.activations.base import REALS, Activation, Interval
from chainrule.activations.custom import Custom
from chainrule.arrays import Array, namespace, special
from chainrule.registry import Registry, require

__all__ = ["ACTIVATIONS", "softplus"]

ACTIVATIONS: Registry[Activation] = Registry("activation", Activation, wrap=Custom.of)
_register = ACTIVATIONS.register


@_register
@dataclasses.dataclass(frozen=True)
class Identity(Activation):
    """a = z.

    >>> Identity().value(np.array([-1.0, 2.0]))
    array([-1.,  2.])
    """

    name = "identity"

    def value(self, Z: Array) -> Array:
        return Z

    def derivative(self, Z: Array, A: Array) -> Array:
        return namespace(A).ones_like(A)

    def pullback(self, G: Array, Z: Array, A: Array) -> Array:
        return G


@_register
@dataclasses.dataclass(frozen=True)
class Sigmoid(Activation):
    """a = 1 / (1 + e^-z), in (0, 1); sigma' = a (1 - a). Computed with e^-|z|, so it never overflows.

    >>> Sigmoid().value(np.array([-1e4, 0.0, 1e4]))
    array([0. , 0.5, 1. ])
    """

    name = "sigmoid"
    range = Interval(0.0, 1.0)

    def value(self, Z: Array) -> Array:
        return _sigmoid(Z)

    def derivative(self, Z: Array, A: Array) -> Array:
        return A * (1 - A)


@_register
@dataclasses.dataclass(frozen=True)
class Tanh(Activation):
    """a = tanh(z), in (-1, 1); sigma' = 1 - a^2, computed as (1 - a)(1 + a).

    >>> Tanh().value(np.array([-1e4, 0.0, 1e4]))
    array([-1.,  0.,  1.])
    """

    name = "tanh"
    range = Interval(-1.0, 1.0)

    def value(self, Z: Array) -> Array:
        return namespace(Z).tanh(Z)

    def derivative(self, Z: Array, A: Array) -> Array:
        return (1 - A) * (1 + A)


@_register
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
        return _where(Z.real > 0, Z, 0)

    def derivative(self, Z: Array, A: Array) -> Array:
        return (A.real > 0).astype(A.dtype)


@_register
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
        return _where(Z.real > 0, _where(Z.real < 6, Z, 6), 0)

    def derivative(self, Z: Array, A: Array) -> Array:
        return ((A.real > 0) & (A.real < 6)).astype(A.dtype)


@_register
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
        return _where(Z.real > 0, Z, self.slope * Z)

    def derivative(self, Z: Array, A: Array) -> Array:
        return _where(A.real > 0, namespace(A).ones_like(A), self.slope)


@_register
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
        return _where(Z.real > 0, Z, self.slope * Z)

    def derivative(self, Z: Array, A: Array) -> Array:
        return _where(Z.real > 0, namespace(Z).ones_like(Z), self.slope)


@_register
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
        return _where(Z.real > 0, Z, self.alpha * namespace(Z).expm1(_negative(Z)))

    def derivative(self, Z: Array, A: Array) -> Array:
        return _where(A.real > 0, namespace(A).ones_like(A), A + self.alpha)


@_register
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
        return self.SCALE * _where(Z.real > 0, Z, self.ALPHA * namespace(Z).expm1(_negative(Z)))

    def derivative(self, Z: Array, A: Array) -> Array:
        return _where(A.real > 0, self.SCALE * namespace(A).ones_like(A), A + self.SCALE * self.ALPHA)


@_register
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


@_register
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
        return Z * _sigmoid(Z)

    def derivative(self, Z: Array, A: Array) -> Array:
        return _sigmoid(Z) * (1 + Z * _sigmoid(-Z))


@_register
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
        return w + Z * (rest / (top + rest)) * (1 + w) * _sigmoid(Z)

    @staticmethod
    def _ratio(Z: Array) -> tuple[Array, Array]:
        """p and q with tanh(ln(1 + e^z)) = p / (p + q)."""
        e = namespace(Z).exp(_negative(Z) - _positive(Z))  # e^-|z|
        return _where(Z.real > 0, 1 + 2 * e, e * (e + 2)), _where(Z.real > 0, 2 * e * e, 2)


@_register
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


@_register
@dataclasses.dataclass(frozen=True)
class Softsign(Activation):
    """a = z / (1 + |z|), in (-1, 1); sigma' = 1 / (1 + |z|)^2. Its tails fall slowly, unlike those of tanh.

    >>> Softsign().value(np.array([-3.0, 0.0, 1.0]))
    array([-0.75,  0.  ,  0.5 ])

    Source: Bergstra, Desjardins, Lamblin & Bengio, Quadratic polynomials learn better image features, technical report
    1337, Université de Montréal, 2009.
    """

    name = "softsign"
    range = Interval(-1.0, 1.0)
    needs = "Z"

    def value(self, Z: Array) -> Array:
        return Z / (1 + _positive(Z) - _negative(Z))

    def derivative(self, Z: Array, A: Array) -> Array:
        slope = 1 / (1 + _positive(Z) - _negative(Z))
        return slope * slope


@_register
@dataclasses.dataclass(frozen=True)
class HardTanh(Activation):
    """a = min(max(-1, z), 1), in [-1, 1]; sigma' = 1 for |z| < 1, else 0.

    >>> HardTanh().value(np.array([-3.0, 0.5, 2.0]))
    array([-1. ,  0.5,  1. ])

    Source: Collobert, Large scale machine learning, PhD thesis, Université Paris VI, 2004.
    """

    name = "hardtanh"
    range = Interval(-1.0, 1.0, open_low=False, open_high=False)

    def value(self, Z: Array) -> Array:
        return _where(Z.real > 1, 1, _where(Z.real < -1, -1, Z))

    def derivative(self, Z: Array, A: Array) -> Array:
        return (abs(A.real) < 1).astype(A.dtype)


@_register
@dataclasses.dataclass(frozen=True)
class Sine(Activation):
    """a = sin(omega z), in [-1, 1]; sigma' = omega cos(omega z). omega is above 0.

    omega z is rounded before its sine is taken, so far out the last digits of z count less. The native core also loses
    digits for |omega z| above 10^4 in float32 and above 10^6 in float64.

    >>> Sine(omega=math.pi).value(np.array([0.0, 0.5])).round(4)
    array([0., 1.])

    Raises SettingError where omega is not a finite number above 0.

    Source: Sitzmann, Martel, Bergman, Lindell & Wetzstein, Implicit neural representations with periodic activation
    functions, NeurIPS 2020, whose omega is 30 with weights uniform in ±sqrt(6 / n_in) / omega; here omega is 1.
    """

    name = "sine"
    range = Interval(-1.0, 1.0, open_low=False, open_high=False)
    needs = "Z"
    omega: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.omega > 0, "omega of sine", self.omega, "above 0")

    def value(self, Z: Array) -> Array:
        return namespace(Z).sin(self.omega * Z)

    def derivative(self, Z: Array, A: Array) -> Array:
        return self.omega * namespace(Z).cos(self.omega * Z)


@_register
@dataclasses.dataclass(frozen=True)
class Exp(Activation):
    """a = e^z, above 0; sigma' = a. The inverse of the log link; overflows above z = 88 (float32), 709 (float64).

    >>> Exp().value(np.array([0.0, 1.0])).round(4)
    array([1.    , 2.7183])
    """

    name = "exp"
    range = Interval(0.0, math.inf)

    def value(self, Z: Array) -> Array:
        return namespace(Z).exp(Z)

    def derivative(self, Z: Array, A: Array) -> Array:
        return A


@_register
@dataclasses.dataclass(frozen=True)
class Softmax(Activation):
    """a_j = e^z_j / sum_k e^z_k: each row is positive and sums to 1. Computed from z - max z.

    Every a_j depends on every z_i, so the derivative is a matrix: da_j/dz_i = a_j ([i = j] - a_i).

    >>> Softmax().value(np.array([[0.0, 1e4], [2.0, 2.0]]))
    array([[0. , 1. ],
           [0.5, 0.5]])
    """

    name = "softmax"
    range = Interval(0.0, 1.0)
    elementwise = False

    def value(self, Z: Array) -> Array:
        xp = namespace(Z)
        e = xp.exp(Z - xp.max(Z.real, axis=1, keepdims=True))
        return e / xp.sum(e, axis=1, keepdims=True)

    def pullback(self, G: Array, Z: Array, A: Array) -> Array:
        """dC/dz_i = a_i (g_i - sum_j g_j a_j): uses the full Jacobian, so it is right for every cost and layer."""
        return A * (G - namespace(A).sum(G * A, axis=1, keepdims=True))


def softplus(Z: Array) -> Array:
    """ln(1 + e^z) for every element, without overflow: max(z, 0) + ln(1 + e^-|z|)."""
    xp = namespace(Z)
    return _positive(Z) + xp.log1p(xp.exp(_negative(Z) - _positive(Z)))


def _sigmoid(Z: Array) -> Array:
    xp = namespace(Z)
    e = xp.exp(_negative(Z) - _positive(Z))  # e^-|z|
    return _where(Z.real > 0, 1, e) / (1 + e)  # > as in e: a complex step at 0 then stays on one side


def _positive(Z: Array) -> Array:
    return _where(Z.real > 0, Z, 0)


def _negative(Z: Array) -> Array:
    return _where(Z.real > 0, 0, Z)


def _where(condition: Array, yes: Array | float, no: Array | float) -> Array:
    return namespace(condition).where(condition, yes, no)
