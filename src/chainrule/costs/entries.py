"""The costs by name, one class for each. `e` is a - t, the error of an output; |e|' = 0 at e = 0."""

import dataclasses
import math

from chainrule.activations.base import Interval
from chainrule.arrays import Array, magnitude, namespace
from chainrule.costs.base import Cost
from chainrule.costs.custom import Custom
from chainrule.registry import Registry, require

__all__ = ["COSTS"]

COSTS: Registry[Cost] = Registry("cost", Cost, wrap=Custom.of)
_register = COSTS.register

_UNIT = Interval(0.0, 1.0, open_low=False, open_high=False)
_COUNTS = Interval(0.0, math.inf, open_low=False)


@_register
@dataclasses.dataclass(frozen=True)
class Quadratic(Cost):
    """C_x = 1/2 sum_j (a_j - t_j)^2; dC_x/da_j = a_j - t_j.

    >>> Quadratic().terms(np.array([[3.0, 1.0]]), np.array([[1.0, 1.0]]))
    array([[2., 0.]])
    """

    name = "quadratic"

    def terms(self, A: Array, T: Array) -> Array:
        return 0.5 * (A - T) ** 2

    def derivative(self, A: Array, T: Array) -> Array:
        return A - T


@_register
@dataclasses.dataclass(frozen=True)
class BinaryCrossEntropy(Cost):
    """C_x = -sum_j [t_j ln a_j + (1 - t_j) ln(1 - a_j)]: each output is a separate yes or no (multi-label).

    >>> BinaryCrossEntropy().terms(np.array([[0.5, 0.9]]), np.array([[1.0, 0.0]])).round(4)
    array([[0.6931, 2.3026]])
    """

    name = "binary_cross_entropy"
    outputs = _UNIT
    targets = _UNIT

    def terms(self, A: Array, T: Array) -> Array:
        return -_times_log(T, A) - _times_log(1 - T, 1 - A)

    def derivative(self, A: Array, T: Array) -> Array:
        return _over(1 - T, 1 - A) - _over(T, A)


@_register
@dataclasses.dataclass(frozen=True)
class CrossEntropy(Cost):
    """C_x = -sum_j t_j ln a_j: classes that exclude each other; the targets of a row are at least 0 and sum to 1.

    >>> CrossEntropy().terms(np.array([[0.5, 0.25, 0.25]]), np.array([[0.0, 1.0, 0.0]])).round(4)
    array([[1.3863]])
    """

    name = "cross_entropy"
    outputs = _UNIT
    targets = _UNIT
    elementwise = False
    distribution = True

    def terms(self, A: Array, T: Array) -> Array:
        return -namespace(A).sum(_times_log(T, A), axis=1, keepdims=True)

    def derivative(self, A: Array, T: Array) -> Array:
        return -_over(T, A)


@_register
@dataclasses.dataclass(frozen=True)
class Absolute(Cost):
    """C_x = sum_j |a_j - t_j|; the best constant prediction is the median.

    >>> Absolute().derivative(np.array([[3.0, 1.0, 0.0]]), np.array([[1.0, 1.0, 1.0]]))
    array([[ 1.,  0., -1.]])
    """

    name = "absolute"

    def terms(self, A: Array, T: Array) -> Array:
        return magnitude(A - T)

    def derivative(self, A: Array, T: Array) -> Array:
        return namespace(A).sign((A - T).real)


@_register
@dataclasses.dataclass(frozen=True)
class Huber(Cost):
    """C_x is the sum over the outputs of e^2 / 2 if |e| <= delta, else delta (|e| - delta / 2). delta is above 0.

    >>> Huber().terms(np.array([[0.5, 3.0]]), np.array([[0.0, 0.0]]))
    array([[0.125, 2.5  ]])

    Raises SettingError where delta is not a finite number above 0.

    Source: Huber, Robust estimation of a location parameter, Annals of Mathematical Statistics 35, 1964.
    """

    name = "huber"
    delta: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.delta > 0, "delta of huber", self.delta, "above 0")

    def terms(self, A: Array, T: Array) -> Array:
        size = magnitude(A - T)
        far = self.delta * (size - 0.5 * self.delta)
        return namespace(A).where(size.real <= self.delta, 0.5 * size * size, far)

    def derivative(self, A: Array, T: Array) -> Array:
        return namespace(A).clip(A - T, -self.delta, self.delta)


@_register
@dataclasses.dataclass(frozen=True)
class Poisson(Cost):
    """C_x = sum_j (a_j - t_j ln a_j): half the deviance of counts t_j >= 0, up to terms that do not depend on a.

    >>> Poisson().terms(np.array([[1.0, 2.0]]), np.array([[3.0, 0.0]]))
    array([[1., 2.]])
    """

    name = "poisson"
    outputs = Interval(0.0, math.inf)
    targets = _COUNTS

    def terms(self, A: Array, T: Array) -> Array:
        return A - _times_log(T, A)

    def derivative(self, A: Array, T: Array) -> Array:
        return 1 - _over(T, A)


@_register
@dataclasses.dataclass(frozen=True)
class Quantile(Cost):
    """C_x is the sum over the outputs of (1 - q) e if e > 0, else -q e, with 0 < q < 1.

    The best constant prediction is the q-quantile.

    >>> Quantile(q=0.9).terms(np.array([[2.0, 0.0]]), np.array([[1.0, 1.0]])).round(4)
    array([[0.1, 0.9]])

    Raises SettingError where q is not between 0 and 1.

    Source: Koenker & Bassett, Regression quantiles, Econometrica 46, 1978.
    """

    name = "quantile"
    q: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 < self.q < 1, "q of quantile", self.q, "between 0 and 1")

    def terms(self, A: Array, T: Array) -> Array:
        e = A - T
        return namespace(A).where(e.real > 0, (1 - self.q) * e, -self.q * e)

    def derivative(self, A: Array, T: Array) -> Array:
        sign = namespace(A).sign((A - T).real)
        return (0.5 - self.q) * abs(sign) + 0.5 * sign


@_register
@dataclasses.dataclass(frozen=True)
class Gaussian(Cost):
    """C_x = 1/2 sum_j [s_j + (mu_j - t_j)^2 e^-s_j]: outputs are pairs, a mean mu_j and its log variance s_j.

    It is the negative log likelihood of normal errors whose variance depends on x, up to ln(2 pi) / 2. Outputs 1, 3 and
    so on are the means, outputs 2, 4 and so on their log variances; a last mean without one has the log variance 0. In
    T only the columns of the means count.

    >>> Gaussian().terms(np.array([[3.0, 0.0], [1.0, np.log(4.0)]]), np.array([[1.0, 1.0], [1.0, 1.0]])).round(4)
    array([[2.    ],
           [0.6931]])

    Source: Nix & Weigend, Estimating the mean and variance of the target probability distribution, ICNN 1994.
    """

    name = "gaussian"
    elementwise = False

    def terms(self, A: Array, T: Array) -> Array:
        u, _, s = self._errors(A, T)
        return 0.5 * namespace(A).sum(s + u * u, axis=1, keepdims=True)

    def derivative(self, A: Array, T: Array) -> Array:
        u, inverse, _ = self._errors(A, T)
        pairs = namespace(A).stack([u * inverse, 0.5 * (1 - u * u)], axis=2)
        return pairs.reshape(len(A), -1)[:, : A.shape[1]]

    @staticmethod
    def _errors(A: Array, T: Array) -> tuple[Array, Array, Array]:
        """The errors (mu - t) / sigma, 1 / sigma, and the log variances."""
        e, s = A[:, 0::2] - T[:, 0::2], A[:, 1::2]
        alone = e.shape[1] - s.shape[1]  # 1 for a last mean without a log variance
        s = namespace(A).concat([s, 0 * e[:, e.shape[1] - alone :]], axis=1)
        inverse = namespace(A).exp(-0.5 * s)
        return e * inverse, inverse, s


def _times_log(T: Array, A: Array) -> Array:
    """T ln A, with 0 ln 0 = 0."""
    xp = namespace(A)
    return T * xp.log(xp.where(T == 0, 1, A))


def _over(T: Array, A: Array) -> Array:
    """T / A, with 0 / 0 = 0."""
    return T / namespace(A).where(T == 0, 1, A)
