"""Update rules that need one gradient, one class for each, in the notation of `optimizers.base`."""

import dataclasses
from typing import ClassVar

from chainrule.arrays import Array, namespace
from chainrule.fields import Flag, Whole
from chainrule.optimizers.base import Optimizer, Slots
from chainrule.registry import require

__all__ = ["SGD", "AMSGrad", "Adagrad", "Adam", "AdamW", "Lion", "NAdam", "RMSProp", "RProp", "ScheduleFree"]


@dataclasses.dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent: theta ← theta - eta g; with momentum v ← mu v - eta g, theta ← theta + v.

    Nesterov's form, as in scikit-learn: theta ← theta + mu v - eta g with the new v.

    - learning_rate: eta of the first update, above 0; a schedule multiplies it.
    - momentum: mu, from 0 to below 1.
    - nesterov: whether to use Nesterov's form; it needs a momentum above 0.

    >>> SGD(0.1).update(np.array([1.0]), np.array([2.0]), (), 0.1, 1)[0]
    array([0.8])

    Raises SettingError where an argument is out of its range.

    Source: Rumelhart, Hinton & Williams, Learning representations by back-propagating errors, Nature 323, 1986, eq. 9;
    Sutskever, Martens, Dahl & Hinton, On the importance of initialization and momentum, ICML 2013.
    """

    name = "sgd"
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.momentum < 1, "momentum of sgd", self.momentum, "from 0 to below 1")
        object.__setattr__(self, "nesterov", Flag().clean("nesterov of sgd", self.nesterov))
        require(not self.nesterov or self.momentum > 0, "nesterov of sgd", True, "used with a momentum above 0")

    @property
    def slots(self) -> int:
        return 1 if self.momentum else 0

    def update(self, theta: Array, g: Array, slots: Slots, eta: float, step: int) -> tuple[Array, Slots]:
        if self.momentum == 0:
            return theta - eta * g, slots
        v = self.momentum * slots[0] - eta * g
        ahead = self.momentum * v - eta * g if self.nesterov else v
        return theta + ahead, (v,)


@dataclasses.dataclass(frozen=True)
class RMSProp(Optimizer):
    """theta ← theta - eta g / (sqrt(v) + eps), with a running mean v of g^2: v ← rho v + (1 - rho) g^2.

    v starts at 0 without a correction, so the first step is about eta / sqrt(1 - rho), whatever the size of g.

    - learning_rate: eta of the first update, above 0; a schedule multiplies it.
    - rho: the share of v that stays, from 0 to below 1.
    - eps: keeps the divisor above 0; above 0, in the unit of g.

    >>> RMSProp(rho=0.75).update(np.array([1.0]), np.array([2.0]), (np.zeros(1),), 0.1, 1)[0].round(6)
    array([0.8])

    Raises SettingError where an argument is out of its range.

    Source: Tieleman & Hinton, Lecture 6.5: divide the gradient by a running average of its recent magnitude, Coursera,
    2012. The lecture has no eps; ours is added to sqrt(v), as in PyTorch, whose rho is 0.99.
    """

    name = "rmsprop"
    learning_rate: float = 0.001
    rho: float = 0.9
    eps: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.rho < 1, "rho of rmsprop", self.rho, "from 0 to below 1")
        require(self.eps > 0, "eps of rmsprop", self.eps, "above 0")

    @property
    def slots(self) -> int:
        return 1

    def update(self, theta: Array, g: Array, slots: Slots, eta: float, step: int) -> tuple[Array, Slots]:
        v = self.rho * slots[0] + (1 - self.rho) * (g * g)
        return theta - eta * g / (namespace(v).sqrt(v) + self.eps), (v,)


@dataclasses.dataclass(frozen=True)
class Adam(Optimizer):
    """theta ← theta - eta m̂ / (sqrt(v̂) + eps), with corrected running means m of g and v of g^2, which start at 0.

    m ← beta1 m + (1 - beta1) g; v ← beta2 v + (1 - beta2) g^2; m̂ = m / (1 - beta1^t); v̂ = v / (1 - beta2^t).

    - learning_rate: eta of the first update, above 0; a schedule multiplies it.
    - beta1, beta2: the shares of m and of v that stay, each from 0 to below 1.
    - eps: keeps the divisor above 0; above 0, in the unit of g.

    >>> Adam().update(np.array([1.0]), np.array([5.0]), (np.zeros(1), np.zeros(1)), 0.001, 1)[0]
    array([0.999])

    Raises SettingError where an argument is out of its range.

    Source: Kingma & Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1 (eps is added to sqrt(v̂)).
    """

    name = "adam"
    learning_rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.beta1 < 1, f"beta1 of {self.name}", self.beta1, "from 0 to below 1")
        require(0 <= self.beta2 < 1, f"beta2 of {self.name}", self.beta2, "from 0 to below 1")
        require(self.eps > 0, f"eps of {self.name}", self.eps, "above 0")

    @property
    def slots(self) -> int:
        return 2

    def update(self, theta: Array, g: Array, slots: Slots, eta: float, step: int) -> tuple[Array, Slots]:
        m = self.beta1 * slots[0] + (1 - self.beta1) * g
        v = self.beta2 * slots[1] + (1 - self.beta2) * (g * g)
        m_hat = m / (1 - self.beta1**step)
        v_hat = v / (1 - self.beta2**step)
        return theta - eta * m_hat / (namespace(v_hat).sqrt(v_hat) + self.eps), (m, v)


@dataclasses.dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled decay: theta ← theta - eta (m̂ / (sqrt(v̂) + eps) + weight_decay theta).

    The decay is not part of g, so it is not divided by sqrt(v̂), unlike the decay by `alpha`. A rule gets theta as a
    flat array without its layout, so it decays weights and biases; `alpha` decays only weights.

    - learning_rate, beta1, beta2, eps: as in `Adam`.
    - weight_decay: the share of theta that an update with eta = 1 would remove, from 0.

    >>> AdamW(weight_decay=0.5).update(np.array([2.0]), np.array([5.0]), (np.zeros(1), np.zeros(1)), 0.001, 1)[0]
    array([1.998])

    Raises SettingError where an argument is out of its range.

    Source: Loshchilov & Hutter, Decoupled weight decay regularization, ICLR 2019, algorithm 2. The paper scales the
    decay only by the schedule; we scale it by eta, as PyTorch and Optax do.
    """

    name = "adamw"
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.weight_decay >= 0, "weight_decay of adamw", self.weight_decay, "at least 0")

    def update(self, theta: Array, g: Array, slots: Slots, eta: float, step: int) -> tuple[Array, Slots]:
        moved, slots = super().update(theta, g, slots, eta, step)
        return moved - eta * self.weight_decay * theta, slots


@dataclasses.dataclass(frozen=True)
class AMSGrad(Adam):
    """Adam with the largest v so far in its divisor: theta ← theta - eta m̂ / (sqrt(max v / (1 - beta2^t)) + eps).

    So the steps cannot grow again after a rare large gradient is forgotten.

    - learning_rate, beta1, beta2, eps: as in `Adam`.

    >>> AMSGrad().update(np.array([1.0]), np.array([5.0]), (np.zeros(1),) * 3, 0.001, 1)[0]
    array([0.999])

    Raises SettingError where an argument is out of its range.

    Source: Reddi, Kale & Kumar, On the convergence of Adam and beyond, ICLR 2018, algorithm 2. The paper has no
    corrections of m and v; we have those of Adam, as PyTorch's Adam with amsgrad=True.
    """

    name = "amsgrad"

    @property
    def slots(self) -> int:
        return 3

    def update(self, theta: Array, g: Array, slots: Slots, eta: float, step: int) -> tuple[Array, Slots]:
        xp = namespace(theta)
        m = self.beta1 * slots[0] + (1 - self.beta1) * g
        v = self.beta2 * slots[1] + (1 - self.beta2) * (g * g)
        most = xp.maximum(slots[2], v)
        m_hat, v_hat = m / (1 - self.beta1**step), most / (1 - self.beta2**step)
        return theta - eta * m_hat / (xp.sqrt(v_hat) + self.eps), (m, v, most)


@dataclasses.dataclass(frozen=True)
class NAdam(Adam):
    """Adam with Nesterov's momentum: theta ← theta - eta a / (sqrt(v̂) + eps).

    a = mu' m / (1 - P mu') + (1 - mu) g / (1 - P).

    mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2) grows from beta1 / 2 to beta1; mu is that of this update, mu' of the
    next one, P the product of all up to mu. m, v and v̂ are those of Adam.

    - learning_rate, beta1, beta2, eps: as in `Adam`.
    - momentum_decay: how fast mu_t grows, at least 0.

    >>> NAdam().update(np.array([1.0]), np.array([5.0]), (np.zeros(1), np.zeros(1)), 0.001, 1)[0].round(6)
    array([0.998944])

    Raises SettingError where an argument is out of its range.

    Source: Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016, with the schedule of mu and the
    defaults of PyTorch's NAdam.
    """

    name = "nadam"
    learning_rate: float = 0.002
    momentum_decay: float = 0.004

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.momentum_decay >= 0, "momentum_decay of nadam", self.momentum_decay, "at least 0")

    def update(self, theta: Array, g: Array, slots: Slots, eta: float, step: int) -> tuple[Array, Slots]:
        m = self.beta1 * slots[0] + (1 - self.beta1) * g
        v = self.beta2 * slots[1] + (1 - self.beta2) * (g * g)
        v_hat, P, mu, mu_next = v / (1 - self.beta2**step), self._product(step), self._mu(step), self._mu(step + 1)
        ahead = mu_next / (1 - P * mu_next) * m + (1 - mu) / (1 - P) * g
        return theta - eta * ahead / (namespace(v_hat).sqrt(v_hat) + self.eps), (m, v)

    def _mu(self, t: int) -> float:
        return float(self.beta1 * (1 - 0.5 * 0.96 ** (t * self.momentum_decay)))

    def _product(self, step: int) -> float:
        """mu_1 ... mu_step; the product ends where 1 - P is 1 in float64."""
        product, t = 1.0, 1
        while t <= step and product > 2.0**-60:
            product, t = product * self._mu(t), t + 1
        return product


@dataclasses.dataclass(frozen=True)
class ScheduleFree(Adam):
    """Schedule-free AdamW: theta is the mean of the points z that AdamW reaches, so the rate needs no schedule.

    The gradient g is taken at y = theta + (1 - beta1) d, between the mean and the last point z = theta + d:

    v ← beta2 v + (1 - beta2) g^2; e = d - eta (g / (sqrt(v̂) + eps) + weight_decay y).

    theta ← theta + c e; d ← (1 - c) e.

    c = 1 / t makes theta the mean of all z; after a warm-up of w updates, in which eta and the root of a point's weight
    rise along a line, c is the weight of the new z over the sum of all. theta is what predicts, is scored and is saved.

    - learning_rate: eta of the first update, above 0; a schedule multiplies it, but not the weights of the mean.
    - beta1: how near y is to theta, from 0 to below 1; it does the work of momentum.
    - beta2, eps: as in `Adam`.
    - weight_decay: the share of y that an update with eta = 1 would remove, from 0.
    - warmup: w, a whole number of updates from 0.

    >>> ScheduleFree(0.1).update(np.array([1.0]), np.array([5.0]), (np.zeros(1), np.zeros(1)), 0.1, 1)[0].round(6)
    array([0.9])

    Raises SettingError where an argument is out of its range.

    Source: Defazio et al., The road less scheduled, NeurIPS 2024, algorithm 1 with the bias correction and the weights
    of the authors' package. It stores z; we store d = z - theta, which is 0 at the start and loses fewer digits.
    """

    name = "schedule_free"
    learning_rate: float = 0.01
    weight_decay: float = 0.0
    warmup: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.weight_decay >= 0, "weight_decay of schedule_free", self.weight_decay, "at least 0")
        object.__setattr__(self, "warmup", Whole(0).clean("warmup of schedule_free", self.warmup))

    def gradient_at(self, theta: Array, slots: Slots) -> Array:
        return theta + (1 - self.beta1) * slots[0]

    def update(self, theta: Array, g: Array, slots: Slots, eta: float, step: int) -> tuple[Array, Slots]:
        y, (rise, c) = self.gradient_at(theta, slots), self.warmed_up(step)
        v = self.beta2 * slots[1] + (1 - self.beta2) * (g * g)
        v_hat = v / (1 - self.beta2**step)
        e = slots[0] - eta * rise * (g / (namespace(v_hat).sqrt(v_hat) + self.eps) + self.weight_decay * y)
        return theta + c * e, ((1 - c) * e, v)

    def warmed_up(self, step: int) -> tuple[float, float]:
        """min(1, t / w), and c = min(1, t / w)^2 / sum of min(1, k / w)^2 over k up to t."""
        w = max(1, self.warmup)
        risen = min(step, w)
        total = risen * (risen + 1) * (2 * risen + 1) / (6 * w * w) + (step - risen)
        return risen / w, (risen / w) ** 2 / total


@dataclasses.dataclass(frozen=True)
class Adagrad(Optimizer):
    """theta ← theta - eta g / (sqrt(s) + eps), with the sum s of all g^2 so far, so that the steps only shrink.

    - learning_rate: eta of the first update, above 0; a schedule multiplies it.
    - eps: keeps the divisor above 0; above 0, in the unit of g.

    >>> Adagrad().update(np.array([1.0]), np.array([5.0]), (np.zeros(1),), 0.01, 1)[0]
    array([0.99])

    Raises SettingError where an argument is out of its range.

    Source: Duchi, Hazan & Singer, Adaptive subgradient methods for online learning and stochastic optimization, JMLR
    12, 2011, with diagonal matrices. The paper adds eps to s; we add it to sqrt(s), as PyTorch does.
    """

    name = "adagrad"
    eps: float = 1e-10

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.eps > 0, "eps of adagrad", self.eps, "above 0")

    @property
    def slots(self) -> int:
        return 1

    def update(self, theta: Array, g: Array, slots: Slots, eta: float, step: int) -> tuple[Array, Slots]:
        s = slots[0] + g * g
        return theta - eta * g / (namespace(s).sqrt(s) + self.eps), (s,)


@dataclasses.dataclass(frozen=True)
class Lion(Optimizer):
    """theta ← theta - eta (sign(beta1 m + (1 - beta1) g) + weight_decay theta); then m ← beta2 m + (1 - beta2) g.

    Every parameter moves by eta, so eta is 3 to 10 times smaller than that of Adam. The decay is that of `AdamW`.

    - learning_rate: eta of the first update, above 0; a schedule multiplies it.
    - beta1: the share of m in the direction of this update, from 0 to below 1.
    - beta2: the share of m that stays, from 0 to below 1.
    - weight_decay: the share of theta that an update with eta = 1 would remove, from 0.

    >>> Lion(0.5).update(np.array([1.0, 1.0]), np.array([-1e9, 1e-9]), (np.zeros(2),), 0.5, 1)[0]
    array([1.5, 0.5])

    Raises SettingError where an argument is out of its range.

    Source: Chen et al., Symbolic discovery of optimization algorithms, NeurIPS 2023, program 1.
    """

    name = "lion"
    learning_rate: float = 0.0001
    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.beta1 < 1, "beta1 of lion", self.beta1, "from 0 to below 1")
        require(0 <= self.beta2 < 1, "beta2 of lion", self.beta2, "from 0 to below 1")
        require(self.weight_decay >= 0, "weight_decay of lion", self.weight_decay, "at least 0")

    @property
    def slots(self) -> int:
        return 1

    def update(self, theta: Array, g: Array, slots: Slots, eta: float, step: int) -> tuple[Array, Slots]:
        (m,) = slots
        direction = namespace(g).sign(self.beta1 * m + (1 - self.beta1) * g)
        return theta - eta * direction - eta * self.weight_decay * theta, (self.beta2 * m + (1 - self.beta2) * g,)


@dataclasses.dataclass(frozen=True)
class RProp(Optimizer):
    """iRprop-: theta ← theta - D sign(g), where each parameter has its own step D, which depends only on signs of g.

    If g keeps its sign, D grows. If the sign changes, D shrinks, the parameter stays in this update, and D stays in the
    next update. The steps are D eta / learning_rate, so a schedule scales all of them. The noise of mini-batches
    changes signs, so use all rows (batch_size=None).

    - learning_rate: the first D, above 0.
    - increase: the factor by which D grows, above 1.
    - decrease: the factor by which D shrinks, between 0 and 1.
    - smallest, largest: the bounds of D; smallest is above 0, and the learning rate lies between them.

    >>> RProp(0.5).update(np.array([1.0, 1.0]), np.array([-1e9, 1e-9]), (np.zeros(2), np.zeros(2)), 0.5, 1)[0]
    array([1.5, 0.5])

    Raises SettingError where an argument is out of its range.

    Source: Igel & Hüsken, Improving the Rprop learning algorithm, NC 2000, without weight backtracking, after
    Riedmiller & Braun, A direct adaptive method for faster backpropagation learning: the RPROP algorithm, ICNN 1993,
    whose numbers are the defaults, except for their first step of 0.1.
    """

    name = "rprop"
    full_batch: ClassVar[bool] = True
    increase: float = 1.2
    decrease: float = 0.5
    smallest: float = 1e-6
    largest: float = 50.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.increase > 1, "increase of rprop", self.increase, "above 1")
        require(0 < self.decrease < 1, "decrease of rprop", self.decrease, "between 0 and 1")
        require(
            0 < self.smallest <= self.learning_rate, "smallest of rprop", self.smallest, "above 0, at most the rate"
        )
        require(self.largest >= self.learning_rate, "largest of rprop", self.largest, "at least the learning rate")

    @property
    def slots(self) -> int:
        return 2

    def update(self, theta: Array, g: Array, slots: Slots, eta: float, step: int) -> tuple[Array, Slots]:
        xp, (before, D) = namespace(theta), slots
        D = xp.where(D > 0, D, self.learning_rate)
        same = xp.sign(g) * xp.sign(before)
        D = xp.where(same > 0, D * self.increase, xp.where(same < 0, D * self.decrease, D))
        D = xp.clip(D, self.smallest, self.largest)
        g = xp.where(same < 0, 0, g)
        return theta - D * xp.sign(g) * (eta / self.learning_rate), (g, D)
