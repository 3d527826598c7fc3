"""The activations by name: those that are not rectifiers, and the list of all; the native core has the same list.

Comparisons use the real part, so that a complex step can differentiate every entry.
"""

import dataclasses
import math

from chainrule.activations.base import Activation, Interval
from chainrule.activations.custom import Custom
from chainrule.activations.parts import negative, positive, sigmoid, softplus, where
from chainrule.activations.rectified import (
    ELU,
    GELU,
    SELU,
    LeakyReLU,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    SiLU,
    Softplus,
)
from chainrule.arrays import Array, namespace
from chainrule.registry import Registry, require

__all__ = ["ACTIVATIONS", "softplus"]

ACTIVATIONS: Registry[Activation] = Registry("activation", Activation, wrap=Custom.of)


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


@dataclasses.dataclass(frozen=True)
class Sigmoid(Activation):
    """a = 1 / (1 + e^-z), in (0, 1); sigma' = a (1 - a). Computed with e^-|z|, so it never overflows.

    >>> Sigmoid().value(np.array([-1e4, 0.0, 1e4]))
    array([0. , 0.5, 1. ])
    """

    name = "sigmoid"
    range = Interval(0.0, 1.0)

    def value(self, Z: Array) -> Array:
        return sigmoid(Z)

    def derivative(self, Z: Array, A: Array) -> Array:
        return A * (1 - A)


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
        return Z / (1 + positive(Z) - negative(Z))

    def derivative(self, Z: Array, A: Array) -> Array:
        slope = 1 / (1 + positive(Z) - negative(Z))
        return slope * slope


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
        return where(Z.real > 1, 1, where(Z.real < -1, -1, Z))

    def derivative(self, Z: Array, A: Array) -> Array:
        return (abs(A.real) < 1).astype(A.dtype)


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


for entry in (
    *(Identity, Sigmoid, Tanh),
    *(ReLU, ReLU6, LeakyReLU, PReLU, ELU, SELU, GELU, SiLU, Mish, Softplus),
    *(Softsign, HardTanh, Sine, Exp, Softmax),
):  # the order in help and docs
    ACTIVATIONS.register(entry)
