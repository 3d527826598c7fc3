"""One sweep through the equations: a forward and a backward pass over a batch, and every quantity of BP1-BP4.

    forward     l = 2..L    Z^l = A^{l-1} W^l + b^l,  A^l = sigma^l(Z^l)                     `equations.forward`
    backward    l = L       BP1  delta^L = dC_x/dA^L pulled back through sigma^L             `Architecture.delta_L`
                l = L-1..2  BP2  delta^l = delta^{l+1} W^{l+1}ᵀ pulled back through sigma^l  `equations.backward`
    gradient    l = 2..L    BP3  dC/db^l = sᵀ delta^l / m                                    `equations.bp3`
                            BP4  dC/dW^l = A^{l-1}ᵀ (s ⊙ delta^l) / m                        `equations.bp4`

Both passes are made by `sweep`. The rest follows from them without theta, and is computed when it is first read.
"""

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array, namespace
from chainrule.equations import backward, bp3, bp4, forward, gradient_norms
from chainrule.errors import DataError, SettingError
from chainrule.explanation import Explained
from chainrule.explanation.quantities import Names
from chainrule.text import counted, shown

__all__ = ["Computed", "Keep", "Ledger", "Names", "require_fits", "split_weight", "sweep"]

MOST_BYTES = 2**30  # of the numbers of a ledger that a user asks for

FLAT = 0.01  # |sigma'(z)|, as a share of its greatest on -1..1, below which an activation passes on next to nothing

Keep = Sequence[Array | None] | None  # dropout's factors for A of the layers from 2, (m, n_l) each; None: all 1


class Computed(NamedTuple):
    """What an engine has computed itself.

    - cost: C_x of each example, (m,), float64.
    - gradient: laid out like theta; None where it is that of BP3 and BP4.
    """

    cost: Array
    gradient: Array | None


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Ledger(Explained):
    """Every quantity of the equations for one batch of m examples; made by `Network.backprop`, and by `sweep`.

    Lists are numbered as theta is: `Z[k]`, `sigma[k]`, `sigma_prime[k]`, `delta[k]`, `dW[k]` and `db[k]` belong to
    layer k+2, `A[k]` to layer k+1 (`A[0]` is X).

    - architecture: the network's.
    - T: the targets as numbers, (m, n_L).
    - row_weight: s (m,), the weights of the examples in BP3 and BP4, or None for 1 each.
    - term_weight: (m, n_L), the weights of the terms of C_x, or None; they are part of `cost` and `delta`.
    - keep: dropout's factors, one (m, n_l) or None for each layer from 2; None where nothing is dropped.
    - Z: weighted inputs, (m, n_l).
    - A: activations as the next layer sees them, (m, n_l): `sigma` times `keep`.
    - sigma: activations before dropout, (m, n_l).
    - delta: errors dC_x/dZ^l, (m, n_l): never weighted by `row_weight`, never divided by m.
    - theta: the parameters.
    - computed: what an engine has computed itself; None where `gradient` and `cost` follow from the rest.
    - rows: the numbers (m,) that the examples had among all rows, from 0; None where they are 0 to m-1. Rows of weight
      0 are not among them.
    - names: what inputs and outputs are called, or None.

    >>> net = cr.Network([2, 3, 1], dtype="float64")
    >>> ledger = net.backprop([[0.0, 1.0], [1.0, 1.0]], [[1.0], [0.0]])
    >>> [Z.shape for Z in ledger.Z], [dW.shape for dW in ledger.dW], ledger.cost.shape
    ([(2, 3), (2, 1)], [(2, 3), (3, 1)], (2,))
    >>> bool((ledger.gradient == net.gradient([[0.0, 1.0], [1.0, 1.0]], [[1.0], [0.0]])).all())
    True
    """

    architecture: Architecture
    T: Array
    row_weight: Array | None
    term_weight: Array | None
    keep: Keep
    Z: list[Array]
    A: list[Array]
    sigma: list[Array]
    delta: list[Array]
    theta: Array
    computed: Computed | None = None
    rows: Array | None = None
    names: Names | None = None

    def example(self, x: int) -> "Ledger":
        """The ledger of one example alone, without its weight: x is its row of X, from 0.

        Raises SettingError for a row that is not among the examples, because X does not have it or its weight is 0.
        """
        place = self._place(x)
        own = slice(place, place + 1)
        Z, A, sigma, delta = ([array[own] for array in arrays] for arrays in (self.Z, self.A, self.sigma, self.delta))
        keep = self.keep and [factor if factor is None else factor[own] for factor in self.keep]
        cells = None if self.names is None else self.names.cells
        return dataclasses.replace(
            self,
            T=self.T[own],
            row_weight=None,
            term_weight=None if self.term_weight is None else self.term_weight[own],
            keep=keep,
            Z=Z,
            A=A,
            sigma=sigma,
            delta=delta,
            computed=Computed(self.cost[own], None),
            rows=np.array([x]),
            names=self.names and self.names._replace(cells=None if cells is None else [cell[own] for cell in cells]),
        )

    def _place(self, x: int) -> int:
        """Where row x of X is among the examples."""
        whole = isinstance(x, int | np.integer) and not isinstance(x, bool)
        rows = np.arange(len(self.T)) if self.rows is None else self.rows
        places = np.flatnonzero(rows == x) if whole else rows[:0]
        if not len(places):
            raise SettingError(f"example is {shown(x)}, but must be a row from 0 to {rows[-1]:,} whose weight is not 0")
        return int(places[0])

    @cached_property
    def cost(self) -> Array:
        """C_x of each example, (m,), without `row_weight`."""
        if self.computed is not None:
            return self.computed.cost
        return self.architecture.costs(self.Z[-1], self.sigma[-1], self.T, self.term_weight)

    @cached_property
    def sigma_prime(self) -> list[Array | None]:
        """sigma'(Z^l) of each layer, (m, n_l), without dropout's factors.

        None for a layer whose activation is not elementwise, or has a block that is not: da_j/dz_i is then not 0 for
        i ≠ j, and BP1 and BP2 multiply with that matrix (`Activation.pullback`).
        """
        layers = zip(self.architecture.activations, self.Z, self.sigma, strict=True)
        with np.errstate(all="ignore"):
            return [activation.derivative(Z, A) if activation.elementwise else None for activation, Z, A in layers]

    def flat(self, k: int) -> Array:
        """Where |sigma'| of layer k+2 is below 1% of its greatest value on -1..1, (m, n_l).

        All False if the activation is not elementwise.
        """
        activation, sigma_prime = self.architecture.activations[k], self.sigma_prime[k]
        if sigma_prime is None:
            return np.zeros(self.Z[k].shape, dtype=bool)
        near = np.repeat(np.linspace(-1.0, 1.0, 21)[:, None], self.Z[k].shape[1], axis=1)
        greatest = np.nanmax(np.abs(activation.derivative(near, activation.value(near))), axis=0, initial=0.0)
        return np.abs(sigma_prime) < FLAT * greatest

    @cached_property
    def db(self) -> list[Array]:
        """BP3: dC/db^l, (n_l,), the weighted mean over the batch."""
        return self._db() if self._whole is None else self.architecture.views(self.gradient)[1]

    @cached_property
    def dW(self) -> list[Array]:
        """BP4: dC/dW^l, (n_{l-1}, n_l), the weighted mean over the batch; 0 where a weight is masked."""
        return self._dW() if self._whole is None else self.architecture.views(self.gradient)[0]

    @cached_property
    def gradient(self) -> Array:
        """`dW` and `db` as one flat array, laid out like theta."""
        return _flat(self.dW, self.db) if self._whole is None else self._whole

    @cached_property
    def summed_gradient(self) -> Array:
        """m times `gradient`, the sum over the batch, which was never divided: sums of several batches stay exact."""
        return _flat(self._dW(1), self._db(1))

    @cached_property
    def summed_squares(self) -> Array:
        """The sum over the batch of s (dC_x/dtheta)², element by element, as one flat array laid out like theta.

        By BP3 and BP4, (a ⊗ delta)² = a² ⊗ delta²: the squares are summed by the products that sum the gradient, and no
        example's gradient is formed.
        """
        squares = [np.square(A) for A in self.A[:-1]], [np.square(delta) for delta in self.delta]
        return dataclasses.replace(self, A=[*squares[0], self.A[-1]], delta=squares[1]).summed_gradient

    @cached_property
    def norms(self) -> Array:
        """||dC_x/dtheta|| of each example, (m,), float64, without `row_weight`; no example's gradient is formed."""
        return gradient_norms(self.A[:-1], self.delta, self.architecture.masks)

    @property
    def _whole(self) -> Array | None:
        """The gradient that an engine has computed."""
        return None if self.computed is None else self.computed.gradient

    def _db(self, m: int | None = None) -> list[Array]:
        return [bp3(delta, self.row_weight, m) for delta in self.delta]

    def _dW(self, m: int | None = None) -> list[Array]:
        layers = zip(self.A[:-1], self.delta, self.architecture.masks, strict=True)
        return [_masked(bp4(A_prev, delta, self.row_weight, m), mask) for A_prev, delta, mask in layers]


def sweep(
    architecture: Architecture,
    theta: Array,
    X: Array,
    T: Array,
    weight: Array | None = None,
    keep: Keep = None,
) -> Ledger:
    """Every quantity of BP1-BP4 for a batch: one forward pass, one backward pass.

    - architecture: the network's.
    - theta: its parameters, flat, of NumPy or JAX. Everything is computed in its type.
    - X: inputs, (m, n_1).
    - T: targets (m, n_L), or int32 class numbers, (m,) for one output block and (m, blocks) for several.
    - weight: None, weights of the examples (m,), or weights of the terms of C_x (m, n_L).
    - keep: dropout's factors for A of each layer from 2, (m, n_l) or None each; None drops nothing.

    >>> architecture = cr.Architecture.of([2, 1], output="identity")
    >>> ledger = sweep(architecture, np.array([1.0, 2.0, 3.0]), np.array([[1.0, 1.0]]), np.array([[4.0]]))
    >>> ledger.Z[0], ledger.delta[0], ledger.dW[0], ledger.db[0], ledger.cost
    (array([[6.]]), array([[2.]]), array([[2.], [2.]]), array([2.]), array([2.]))

    X and T are not checked; `Network.gradient` checks them. Source: Nielsen, Neural Networks and Deep Learning, 2015,
    chapter 2.
    """
    row_weight, term_weight = split_weight(weight)
    layers, T = architecture.layers(theta), architecture.one_hot(T, theta.dtype)
    done = forward(_in_rows(X, theta), layers, keep)
    delta_L = architecture.delta_L(done.Z[-1], done.sigma[-1], T, term_weight)
    delta = backward(delta_L, layers, done, keep)
    return Ledger(architecture, T, row_weight, term_weight, keep, *done, delta, theta)


def require_fits(architecture: Architecture, dtype: np.dtype[Any], rows: int) -> None:
    """Raise DataError where the ledger of so many rows, 3 n sum n_l numbers, takes more than 1 GiB."""
    of_row = 3 * sum(architecture.sizes[1:]) * dtype.itemsize
    if rows * of_row > MOST_BYTES:
        most, size = MOST_BYTES // of_row, f"{rows * of_row / 2**30:,.2f} GiB"
        advice = f"take fewer rows, {most:,} at most" if most else "take a smaller network, one row is too many"
        raise DataError(f"the ledger of {counted(rows, 'row')} (Z, A and delta) takes {size}, more than 1: {advice}")


def split_weight(weight: Array | None) -> tuple[Array | None, Array | None]:
    """The weights of examples (m,) and those of terms (m, n_L), of which one or both are None.

    >>> split_weight(np.array([1.0, 2.0])), split_weight(None)
    ((array([1., 2.]), None), (None, None))
    """
    if weight is None or weight.ndim == 1:
        return weight, None
    return None, weight


def _in_rows(X: Array, theta: Array) -> Array:
    """X in theta's type, row by row in memory: NumPy multiplies a Fortran array by another routine, with other bits."""
    xp = namespace(theta)
    return np.ascontiguousarray(X, dtype=theta.dtype) if xp is np else xp.asarray(X, dtype=theta.dtype)


def _flat(dW: Sequence[Array], db: Sequence[Array]) -> Array:
    """One flat array, laid out like theta."""
    parts = [part.reshape(-1) for layer in zip(dW, db, strict=True) for part in layer]
    return namespace(parts[0]).concat(parts)


def _masked(dW: Array, mask: Array | None) -> Array:
    return dW if mask is None else namespace(dW).where(mask, dW, 0)
