"""Examples as an engine takes them: inputs, targets and weights, checked, and copied only if they must be converted.

X is (n, n_1); T is (n, n_L) numbers, or int32 class numbers, (n,) for one block and (n, blocks) for several. Weights
are scaled to mean 1 over the rows of weight above 0; only these are in `rows`, so that rows of weight 0 change nothing.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from chainrule.activations import Interval
from chainrule.architecture import Architecture
from chainrule.arrays import Array, plain
from chainrule.errors import DataError
from chainrule.examples.rows import DenseRows, LocalRows, Rows, rows_of
from chainrule.examples.sparse import Compressed, SparseRows, is_sparse
from chainrule.random import Purpose, permutation
from chainrule.text import LONGEST, counted

__all__ = ["Examples", "RowArrays", "as_examples", "as_inputs", "as_rows", "epoch_order", "taken"]

_ROWS = 4096  # rows that are copied together
_BLOCK = 2**22  # bytes checked together, so that a memory map stays on disk
_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))  # of this machine's byte order


class RowArrays(NamedTuple):
    """Inputs X (n, n_1), targets T and None or weights of some rows, before `as_examples` checks them."""

    X: Any
    T: Array
    weight: Array | None


class Examples(NamedTuple):
    """Checked examples, as `as_examples` makes them.

    `weight` is scaled, `rows` are those with weight above 0, and `total` is S, the sum of their weights.
    """

    X: Any  # an Array, or SparseRows, which are indexed likewise
    T: Array
    weight: Array | None
    rows: Array
    total: float

    def present(self) -> "Examples":
        """The same examples without those of weight 0."""
        if self.weight is None or len(self.rows) == len(self.X):
            return self
        kept = self.rows
        X = rows_of(self.X).take(kept)
        return Examples(X, self.T[kept], self.weight[kept], np.arange(len(kept)), self.total)

    def for_engine(self, sparse: bool) -> "Examples":
        """The same examples for an engine, which may take `sparse` rows whole."""
        return self._replace(X=self.X.for_engine(sparse)) if isinstance(self.X, Rows) else self

    def together(self) -> "Examples":
        """The same examples for updates from all rows: those of a sparse X, if none takes them whole, as one array."""
        return self._replace(X=self.X.together()) if isinstance(self.X, Rows) else self

    @property
    def rows_at_once(self) -> int:
        """How many rows `located` may be given."""
        return rows_of(self.X).rows_at_once

    def located(self, rows: Array) -> tuple[Array, Array, Array | None, Array]:
        """Arrays X, T and weights that have these rows, and their places in them; dense examples are not copied."""
        of_X = rows_of(self.X)
        X, places = of_X.located(rows)
        T = of_X.beside(self.T)
        if T is not None:
            return X, T, None if self.weight is None else of_X.beside(self.weight), places
        return X, self.T[rows], None if self.weight is None else self.weight[rows], places

    def gradient(self, gradient: Callable[[Array, Array, Array | None], Array]) -> Array:
        """The mean over the rows of weight above 0 of a gradient, by a function of X, T and weights for some rows."""
        rows, whole = self.rows, len(self.rows) == len(self.X)
        step = max(1, self.rows_at_once if whole else min(self.rows_at_once, _ROWS))
        total: Array | float = 0.0
        for start in range(0, len(rows), step):
            X, T, weight, places = self.located(rows[start : start + step])
            if len(places) < len(T):
                X, T, weight = taken(X, places), T[places], None if weight is None else weight[places]
            total = total + gradient(X, T, weight) * (len(places) / len(rows))
        return np.asarray(total)

    def outputs(self, predict: Callable[[Array], Array]) -> Array:
        """A^L (n, n_L) of all rows, by a function of X."""
        return rows_of(self.X).mapped(predict)

    def cost(self, cost: Callable[[Array, Array, Array | None], float]) -> float:
        """sum of s C_x / n over all rows, by a function of X, T and the weights that gives it for some rows."""
        T, weight = self.T, self.weight
        return rows_of(self.X).mean(lambda part, X: cost(X, T[part], None if weight is None else weight[part]))


def taken(X: Any, rows: Array) -> Any:
    """Some rows of an array or of `Compressed` rows, as an engine takes them."""
    return X.taken(rows) if isinstance(X, Compressed) else X[rows]


def as_inputs(X: Any, n_1: int, dtype: np.dtype[Any], counts: Array | None = None) -> Array:
    """X as a float array of shape (n, n_1); float32 and float64 arrays and memory maps are taken as they are.

    With `counts` (n,) only the rows that it names are checked for NaN and infinity. A sparse matrix becomes an array.

    Raises DataError for another shape, for no rows, for what is not a number, for NaN and infinity.
    """
    X = plain(X.toarray() if is_sparse(X) else X, "X")
    X = X if isinstance(X, np.ndarray) else _numbers(X, "X", dtype)
    if X.ndim != 2 or X.shape[1] != n_1:
        hint = ": give X[None, :] for one row" if X.shape == (n_1,) else ""
        raise DataError(f"X has shape {X.shape}, but the network takes (rows, {n_1}){hint}")
    if not len(X):
        raise DataError("X has no rows: give at least one")
    if X.dtype not in _FLOATS:
        X = _numbers(X, "X", dtype)
    text = "X has {value} in row {row}, column {column}: numbers must be finite in {dtype}"
    _check(X, partial(_finite, dtype), text, counts=counts, dtype=dtype)
    return X


def as_rows(X: Any, n_1: int, dtype: np.dtype[Any]) -> Rows:
    """The rows of X (n, n_1), a sparse matrix part by part. Raises DataError as `as_inputs` does."""
    return _sparse_rows(X, n_1, dtype) if is_sparse(X) else DenseRows(as_inputs(X, n_1, dtype))


def _sparse_rows(X: Any, n_1: int, dtype: np.dtype[Any]) -> SparseRows:
    if X.shape[1] != n_1 or not X.shape[0]:
        raise DataError(f"X has shape {X.shape}, but the network takes (rows, {n_1}), one row at least")
    return SparseRows(X, dtype)


def _local_rows(X: LocalRows, n_1: int, dtype: np.dtype[Any]) -> LocalRows:
    """The rows of one host, of which those that are here are checked."""
    return X if not len(X.local) else LocalRows(as_inputs(X.local, n_1, dtype), X.first, len(X))


def as_examples(
    architecture: Architecture, X: Any, T: Any, weight: Any, dtype: np.dtype[Any], sparse: bool = False
) -> Examples:
    """Check X, T and the weights of examples against an architecture. Raises DataError in one line.

    A sparse X becomes an array, or with `sparse` rows that become one part by part (`SparseRows`).
    """
    parts = sparse and is_sparse(X)
    X = plain(X, "X")
    X = X if isinstance(X, np.ndarray | LocalRows) or is_sparse(X) else _numbers(X, "X", dtype)
    T = _array(T, "T")
    n = X.shape[0] if len(X.shape) else 0
    if weight is not None:
        weight = _weights(architecture, weight, n)
    counts = None if weight is None else weight.reshape(n, -1).any(axis=1)
    if isinstance(X, LocalRows):
        X = _local_rows(X, architecture.sizes[0], dtype)
    else:
        X = (
            _sparse_rows(X, architecture.sizes[0], dtype)
            if parts
            else as_inputs(X, architecture.sizes[0], dtype, counts)
        )
    if T.ndim and len(T) != len(X):
        raise DataError(f"X has {counted(len(X), 'row')} but T has {len(T)}: they must be the same examples")
    T = _targets(architecture, T, dtype, counts)
    if weight is None:
        return Examples(X, T, None, np.arange(len(X)), float(len(X)))
    unit = 2.0 ** (math.frexp(float(weight.max()))[1] - 1)
    weight = weight / unit  # an exact division, so that no sum of weights overflows or vanishes
    by_row = weight if weight.ndim == 1 else weight.mean(axis=1)
    rows = np.flatnonzero(by_row > 0)
    if not len(rows):
        raise DataError("every weight is 0, so there is nothing to learn from: give some example a weight above 0")
    total = math.fsum(by_row[rows])
    if not math.isfinite(total * unit):
        raise DataError("sample_weight sums to more than a float64 can hold: give smaller weights")
    scaled = weight * len(rows) / total  # in this order, so that equal weights become exactly 1
    return Examples(X, T, scaled.astype(dtype), rows, total * unit)


def epoch_order(seed: int, epoch: int, rows: Array, shuffle: bool = True) -> Array:
    """The rows in the order in which an epoch (counted from 0) takes them, int64."""
    return rows[permutation(seed, Purpose.ORDER, epoch, len(rows))] if shuffle else rows


def _numbers(values: Any, what: str, dtype: np.dtype[Any]) -> Array:
    array = _array(values, what)
    if array.dtype.kind in "OSUmMcV":
        raise DataError(f"{what} must be numbers in rows of equal length, not values of type {array.dtype}")
    with np.errstate(over="ignore"):
        return array.astype(dtype)


def _array(values: Any, what: str) -> Array:
    values = plain(values, what)
    if _is_nullable(values):
        return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))
    try:
        return np.asarray(values)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        reason = " ".join(str(error).split())[:LONGEST]
        raise DataError(f"{what} must be numbers in rows of equal length: {reason}") from None


def _is_nullable(frame: Any) -> bool:
    """Whether it is a frame of pandas with numbers alone, some of a type that becomes objects in NumPy."""
    dtypes = list(getattr(frame, "dtypes", ())) if getattr(frame, "ndim", 0) == 2 else []
    kinds = {getattr(dtype, "kind", "O") for dtype in dtypes}
    return bool(kinds) and kinds <= set("biuf") and not all(isinstance(dtype, np.dtype) for dtype in dtypes)


def _targets(architecture: Architecture, T: Array, dtype: np.dtype[Any], counts: Array | None) -> Array:
    """T as the engine takes it; whole numbers are classes unless there is one per output."""
    n_L, blocks = architecture.sizes[-1], architecture.blocks
    shape = T.shape[1:] if T.ndim else None
    if T.ndim == 1 and n_L == 1:
        return _target_values(architecture, T[:, None], dtype, counts)
    classes = (len(blocks) == 1 and shape == ()) or (len(blocks) > 1 and shape == (len(blocks),) != (n_L,))
    if T.dtype.kind in "iu" and classes:
        return _class_numbers(architecture, T)
    if shape != (n_L,):
        kinds = "(rows,) class numbers" if len(blocks) == 1 else f"(rows, {len(blocks)}) class numbers"
        raise DataError(f"T has shape {T.shape} and dtype {T.dtype}, but must be (rows, {n_L}) or {kinds}")
    return _target_values(architecture, T, dtype, counts)


def _class_numbers(architecture: Architecture, T: Array) -> Array:
    by_block = T.reshape(len(T), -1)
    for k, block in enumerate(architecture.blocks):
        wrong = (by_block[:, k] < 0) | (by_block[:, k] >= block.width)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise DataError(f"T has class number {by_block[row, k]} in row {row}: classes are 0 to {block.width - 1}")
    return T.astype(np.int32)


def _target_values(architecture: Architecture, T: Array, dtype: np.dtype[Any], counts: Array | None) -> Array:
    if T.dtype not in _FLOATS:
        T = _numbers(T, "T", dtype)
    text = f"T has {{value}} in row {{row}}, output {{column}}: targets must be finite in {dtype}"
    _check(T, partial(_finite, dtype), text, counts=counts)
    for block in architecture.blocks:
        part, allowed, cost = T[:, block.columns], block.cost.targets, block.cost
        if math.isfinite(allowed.low):
            text = f"T has {{value}} in row {{row}}, output {{column}}: cost {cost.name!r} takes targets in {allowed}"
            _check(part, partial(_within, allowed), text, block.start, counts)
        if cost.distribution:
            _check_distribution(part, cost.name, counts)
    return T


def _finite(dtype: np.dtype[Any], values: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.isfinite(values.astype(dtype, copy=False))


def _within(allowed: Interval, values: Array) -> Array:
    return (values >= allowed.low) & (values <= allowed.high)


def _check_distribution(T: Array, cost: str, counts: Array | None) -> None:
    off = ~(np.abs(T.sum(axis=1, dtype=np.float64) - 1) <= 1e-5)
    if counts is not None:
        off &= counts
    if off.any():
        row = int(np.argmax(off))
        total = T[row].sum(dtype=np.float64)
        raise DataError(f"T sums to {total:.6g} in row {row}: cost {cost!r} takes probabilities, which sum to 1")


def _weights(architecture: Architecture, values: Any, n: int) -> Array:
    """Weights as (n,), or as (n, n_L) with one for each output or each block."""
    weight = _numbers(values, "sample_weight", np.dtype(np.float64))
    n_L, blocks = architecture.sizes[-1], architecture.blocks
    if weight.shape == (n, len(blocks)) and len(blocks) != n_L:
        weight = np.repeat(weight, [block.width for block in blocks], axis=1)
    if weight.shape not in ((n,), (n, n_L)):
        allowed = " or ".join(f"({n}, {k})" for k in dict.fromkeys([n_L, len(blocks)]))
        raise DataError(f"sample_weight has shape {weight.shape}, but must be ({n},) or {allowed}")
    flat = weight.reshape(n, -1)
    _check(flat, lambda w: np.isfinite(w) & (w >= 0), "sample_weight has {value} in row {row}: weights are at least 0")
    for block in architecture.blocks if weight.ndim == 2 else ():
        part = weight[:, block.columns]
        if not block.separable and (part != part[:, :1]).any():
            raise DataError(
                f"outputs {block.start} to {block.stop - 1} share one cost ({block.cost.name} of "
                f"{block.activation.name}), so their weights must be equal in each row"
            )
    return weight


def _blocks_of(values: Array) -> Iterator[tuple[int, Array]]:
    rows = max(1, _BLOCK // max(1, values[:1].nbytes))
    for start in range(0, len(values), rows):
        yield start, values[start : start + rows]


def _check(
    values: Array,
    ok: Callable[[Array], Array],
    text: str,
    first_column: int = 0,
    counts: Array | None = None,
    **more: Any,
) -> None:
    """Raise a DataError naming the first value (n, k) that is not ok, of the rows that `counts` (n,) names.

    text: the line, with {value}, {row}, {column} and the names of `more` in it.
    """
    for start, block in _blocks_of(values):
        good = ok(block)
        if counts is not None:
            good = good | ~counts[start : start + len(block), None]
        if not good.all():
            row, column = (int(i) for i in np.unravel_index(np.argmin(good), good.shape))
            value = f"{block[row, column]:.6g}"
            raise DataError(text.format(value=value, row=start + row, column=first_column + column, **more))
