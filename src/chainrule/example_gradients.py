"""The gradients of single examples, dC_x/dtheta, and what is computed of them without forming them."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.backprop import Ledger, sweep
from chainrule.engines import Engine
from chainrule.engines.base import blocks
from chainrule.equations import gradient_norms
from chainrule.errors import DataError, SettingError
from chainrule.examples import Examples
from chainrule.text import shown

__all__ = ["ExampleGradients", "noise_scale"]

MOST_BYTES = 2**30  # of gradients in one array


class ExampleGradients(Sequence[Array]):
    """The gradients dC_x/dtheta of n examples, flat and laid out like theta; made by `Network.example_gradients`.

    Nothing is computed before it is read. `len`, iteration and `[i]` give single gradients; `norms`, `dot`, `mean`,
    `second_moment`, `variance` and `noise_scale` form none of them. The weights are those at the call.

    Weights of examples are not part of dC_x/dtheta; `mean` and the moments weight the examples by them. Weights of
    terms are part of C_x.

    >>> net = cr.Network([1, 1], output="identity", initializer=([[[2]]], [[0]]), dtype="float64")
    >>> gradients = net.example_gradients([[1], [2]], [[0], [0]])
    >>> gradients, gradients[1], gradients.mean()
    (ExampleGradients(2 examples, 2 parameters, float64), array([8., 4.]), array([5., 3.]))
    """

    def __init__(
        self, architecture: Architecture, theta: Array, data: Examples, engine: Engine, layers: Any = None
    ) -> None:
        self._architecture, self._theta, self._data, self._engine = architecture, theta.copy(), data, engine
        self._chosen = _layers(layers, len(architecture.sizes))
        weight = data.weight
        self._terms = None if weight is None or weight.ndim == 1 else weight
        self._unit = 1.0 if self._terms is None else data.total / len(data.rows)  # undoes the scaling of weights

    @property
    def shape(self) -> tuple[int, int]:
        """The number of examples, and the number of parameters of each gradient."""
        return len(self._data.X), sum(W.stop - W.start + b.stop - b.start for W, b in self._slices)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the gradients: that of theta."""
        return self._theta.dtype

    def __len__(self) -> int:
        return len(self._data.X)

    def __iter__(self) -> Iterator[Array]:
        return map(self._gradient, range(len(self)))

    def __getitem__(self, key: Any) -> Any:
        """The gradient of one example (p,), or of several (k, p), by a slice, numbers or a mask of examples.

        Raises DataError for gradients of more than 1 GiB, IndexError for an example that is not there.
        """
        rows = np.arange(len(self))[key]
        if rows.ndim == 0:
            return self._gradient(int(rows))
        self._check_size(rows.size)
        out = np.empty((rows.size, self.shape[1]), dtype=self.dtype)
        for k, row in enumerate(rows.reshape(-1)):
            out[k] = self._gradient(int(row))
        return out.reshape(*rows.shape, self.shape[1])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """All gradients, (n, p). Raises DataError for more than 1 GiB."""
        if copy is False:
            raise ValueError("the gradients are computed, so copy=False is not possible")
        gradients: Array = self[:]
        return gradients if dtype is None else gradients.astype(dtype, copy=False)

    def norms(self) -> Array:
        """||dC_x/dtheta|| of each example, (n,), float64, the length of its gradient.

        It shows how strongly each example pulls at the weights: outliers and wrong labels pull strongly.

        >>> net = cr.Network([1, 1], output="identity", initializer=([[[2]]], [[0]]), dtype="float64")
        >>> net.example_gradients([[0], [1]], [[3], [0]]).norms().round(4)
        array([3.    , 2.8284])
        """
        if self._all_layers:
            X, T = self._data.X, self._data.T
            return self._engine.gradient_norms(self._architecture, self._theta, X, T, self._terms) * self._unit
        k = self._layers
        return self._swept(
            lambda ledger: gradient_norms(
                [ledger.A[i] for i in k], [ledger.delta[i] for i in k], [self._architecture.masks[i] for i in k]
            )
        )

    def dot(self, v: Any) -> Array:
        """dC_x/dtheta · v of each example, (n,), float64: how fast C_x grows along v.

        - v: a direction (p,), laid out like the gradients.

        By BP3 and BP4 it is the sum over the layers of (a V + v_b) · delta, with the matrix V and the biases v_b of v.

        Raises DataError for a v of another shape or with values that are not finite.
        """
        parts = self._direction(v)

        def product(ledger: Ledger) -> Array:
            total = np.zeros(len(ledger.T))
            for k, (V, v_b) in zip(self._layers, parts, strict=True):
                total += ((ledger.A[k] @ V + v_b) * ledger.delta[k]).sum(axis=1, dtype=np.float64)
            return total

        return self._swept(product)

    def mean(self) -> Array:
        """The mean gradient, (p,), weighted by the examples' weights: the numbers of `Network.gradient`.

        With weights of terms it is S/n times that, because dC_x/dtheta has these weights and the mean divides by n.
        """
        data = self._data.present()
        g = self._engine.gradient(self._architecture, self._theta, *data[:3], data.total)
        return self._of_layers(g * g.dtype.type(self._unit))

    def second_moment(self) -> Array:
        """The mean of (dC_x/dtheta)², element by element, (p,), weighted by the examples' weights.

        By BP4, sum_x (a ⊗ delta)² = (A²)ᵀ delta² for each layer, summed in float64 over blocks of 1,024 rows.

        Source: Dangel, Kunstner & Hennig, BackPACK: packing more into backprop, ICLR 2020.
        """
        data = self._data.present()
        squares = self._engine.second_moments(self._architecture, self._theta, *data[:3])
        return self._of_layers(squares * squares.dtype.type(self._unit**2))

    def variance(self) -> Array:
        """The variance of each element of dC_x/dtheta over the examples, (p,): `second_moment` minus `mean` squared.

        It divides by n, not by n - 1. What rounding makes negative is 0.
        """
        squares = self.second_moment().astype(np.float64) - self.mean().astype(np.float64) ** 2
        return np.maximum(squares, 0).astype(self.dtype)

    def noise_scale(self) -> float:
        """The simple noise scale B = tr(Sigma) / |G|² of the gradients, in examples: about the largest useful batch.

        Sigma is the covariance of dC_x/dtheta and G the true gradient. Well below B, twice as many rows in a batch
        train about twice as fast; well above B, more rows hardly help. It grows in the course of a training.

        Both are estimated without bias, as the mean gradient of n rows has a noise of its own: tr(Sigma) by
        (mean of |g|² - |mean|²) n / (n - 1), |G|² by |mean|² - tr(Sigma) / n. Infinite where n rows do not tell the
        mean gradient from 0. Weights of examples count as in `mean`, with n = (sum s)² / sum s².

        Raises DataError for fewer than two examples.

        Source: McCandlish, Kaplan, Amodei et al., An empirical model of large-batch training, arXiv:1812.06162, 2018,
        equation 2.9 and appendix A.1.
        """
        rows, weight = self._data.rows, self._data.weight
        if len(rows) < 2:
            raise DataError("the noise scale compares gradients of several examples: give at least two")
        s = None if weight is None or weight.ndim == 2 else weight[rows].astype(np.float64)
        return noise_scale(self.norms()[rows], self.mean(), s)

    def __repr__(self) -> str:
        n, p = self.shape
        return f"ExampleGradients({n:,} examples, {p:,} parameters, {self.dtype})"

    # ------------------------------------------------------------------------------------------------- the parts

    @property
    def _layers(self) -> list[int]:
        """The places of the layers in lists of W: l - 2."""
        return [layer - 2 for layer in self._chosen]

    @property
    def _all_layers(self) -> bool:
        return len(self._chosen) == len(self._architecture.sizes) - 1

    @property
    def _slices(self) -> list[tuple[slice, slice]]:
        """Where W and b of the layers lie in theta."""
        slices = self._architecture.slices
        return [slices[k] for k in self._layers]

    def _of_layers(self, flat: Array) -> Array:
        """The part of an array like theta that belongs to the layers."""
        if self._all_layers:
            return flat
        return np.concatenate([flat[W.start : b.stop] for W, b in self._slices])

    def _gradient(self, row: int) -> Array:
        """dC_x/dtheta of one example, by the engine."""
        X, T = self._data.X[row : row + 1], self._data.T[row : row + 1]
        terms = None if self._terms is None else self._terms[row : row + 1]
        g = self._engine.gradient(self._architecture, self._theta, X, T, terms, 1.0)
        return self._of_layers(g if self._unit == 1 else g * g.dtype.type(self._unit))

    def _swept(self, function: Any) -> Array:
        """A number for each example, by a function of the ledger of a block."""
        X, T, terms = self._data.X, self._data.T, self._terms
        numbers = np.empty(len(X))
        with np.errstate(all="ignore"):
            for rows in blocks(len(X)):
                part = None if terms is None else terms[rows]
                numbers[rows] = function(sweep(self._architecture, self._theta, X[rows], T[rows], part))
        return numbers * self._unit

    def _direction(self, v: Any) -> list[tuple[Array, Array]]:
        """V and v_b of a direction, for each of the layers; 0 where a weight is masked."""
        try:
            v = np.asarray(v, dtype=self.dtype)
        except (TypeError, ValueError):
            raise DataError(f"v is {shown(v)}, but must be numbers of shape ({self.shape[1]},)") from None
        if v.shape != self.shape[1:]:
            raise DataError(f"v has shape {v.shape}, but must have one number for each parameter, ({self.shape[1]},)")
        if not np.isfinite(v).all():
            raise DataError(f"v has values that are not finite in {self.dtype}: give finite numbers")
        whole = np.zeros_like(self._theta)
        at = 0
        for W, b in self._slices:
            whole[W.start : b.stop] = v[at : at + b.stop - W.start]
            at += b.stop - W.start
        views = list(zip(*self._architecture.views(whole), self._architecture.masks, strict=True))
        return [(V if mask is None else np.where(mask, V, 0), v_b) for V, v_b, mask in (views[k] for k in self._layers)]

    def _check_size(self, count: int) -> None:
        """Raise DataError where so many gradients take more than 1 GiB."""
        size = count * self.shape[1] * self.dtype.itemsize
        if size > MOST_BYTES:
            raise DataError(
                f"{count:,} gradients of {self.shape[1]:,} parameters take {size / 2**30:.1f} GiB, more than 1 GiB: "
                "take fewer rows, iterate, or use norms, dot, mean and variance, which form no gradient"
            )


def noise_scale(norms: Array, mean: Array, s: Array | None = None) -> float:
    """The simple noise scale of n examples, by the lengths (n,) of their gradients and the mean (p,) of these.

    `s` are weights of the examples, (n,). See `ExampleGradients.noise_scale`; infinite too for one example.

    >>> noise_scale(np.array([1.0, 3.0]), np.array([2.0]))
    0.6666666666666666
    """
    s = np.ones(len(norms)) if s is None else s
    n = s.sum() ** 2 / (s**2).sum()
    length = float(np.sum(np.square(mean, dtype=np.float64)))
    trace = (s @ norms**2 / s.sum() - length) * n / (n - 1) if n > 1 else 0.0
    signal = length - trace / n
    return float(max(trace, 0.0) / signal) if n > 1 and signal > 0 else float("inf")


def _layers(layers: Any, L: int) -> list[int]:
    """The numbers of layers, ascending; all for None. Raises SettingError for what is not one of 2..L."""
    if layers is None:
        return list(range(2, L + 1))
    several = [layers] if isinstance(layers, int | np.integer) else layers
    several = several.tolist() if isinstance(several, np.ndarray) else several
    whole = isinstance(several, list | tuple | range) and len(several) > 0
    if not whole or not all(isinstance(l, int | np.integer) and 2 <= l <= L for l in several):
        allowed = "2" if L == 2 else f"2 to {L}"
        raise SettingError(f"layers is {shown(layers)}, but must name layers {allowed} (1 is the input): such as [{L}]")
    return sorted({int(l) for l in several})
