"""Rows of inputs behind one protocol, so that nobody outside has to ask whether they are dense or sparse."""

import abc
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule.arrays import Array, exact_sum

__all__ = ["DenseRows", "LocalRows", "Rows", "rows_of"]


class Rows(abc.ABC):
    """Rows of inputs (n, n_1): an engine takes them as arrays, some at a time."""

    shape: tuple[int, int]
    dtype: np.dtype[Any]

    @property
    @abc.abstractmethod
    def rows_at_once(self) -> int:
        """How many rows may be in an array together, at least one."""

    def __len__(self) -> int:
        return int(self.shape[0])

    @abc.abstractmethod
    def __getitem__(self, rows: Any) -> Array:
        """Some of the rows as an array."""

    @abc.abstractmethod
    def take(self, rows: Array) -> Any:
        """Some of the rows, stored as all of them are."""

    @abc.abstractmethod
    def located(self, rows: Array) -> tuple[Array, Array]:
        """An array that has these rows, and their places in it."""

    def beside(self, values: Array) -> Array | None:
        """The part of T, or of weights, that lies beside the array of `located`; None where it has only those rows."""
        return None

    def for_engine(self, sparse: bool) -> "Rows":
        """These rows for an engine, which may take `sparse` ones whole."""
        return self

    def together(self) -> Any:
        """These rows as one array, where `located` would make a new one in every call."""
        return self

    @abc.abstractmethod
    def parts(self) -> Iterator[tuple[slice, Array]]:
        """All rows in order, part after part as an array, each with its place."""

    def mapped(self, function: Callable[[Array], Array]) -> Array:
        """What a function makes of all rows, (n, ...), computed part by part."""
        parts = [function(part) for _, part in self.parts()]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def mean(self, function: Callable[[slice, Array], float]) -> float:
        """The mean over all rows of a function that gives the mean over a part."""
        sums = [function(place, part) * len(part) for place, part in self.parts()]
        return exact_sum(np.array(sums)) / len(self)


class WholeRows(Rows):
    """Rows that an engine takes whole, as they are stored."""

    def __init__(self, X: Any) -> None:
        self._X, self.shape, self.dtype = X, X.shape, X.dtype

    def __getitem__(self, rows: Any) -> Array:
        return self.take(rows)

    @property
    def rows_at_once(self) -> int:
        return sys.maxsize

    def take(self, rows: Array) -> Any:
        return self._X.taken(rows)

    def located(self, rows: Array) -> tuple[Any, Array]:
        return self._X, rows

    def beside(self, values: Array) -> Array | None:
        return values

    def parts(self) -> Iterator[tuple[slice, Any]]:
        yield slice(0, len(self)), self._X

    def mean(self, function: Callable[[slice, Any], float]) -> float:
        return function(slice(0, len(self)), self._X)


class DenseRows(WholeRows):
    """The rows of an array or a memory map, which is used as it is, without a copy.

    >>> X = np.ones((3, 2))
    >>> DenseRows(X).located(np.array([2, 0]))[0] is X
    True
    """

    def take(self, rows: Array) -> Array:
        return self._X[rows]


class LocalRows(Rows):
    """The rows of one host: `local` are the rows `first`, first + 1, ... of n, and the others are on other hosts.

    >>> X = LocalRows(np.array([[5.0], [6.0]]), first=3, n=8)
    >>> X.shape, X[[4]], X.located(np.array([0, 4]))[1]
    ((8, 1), array([[6.]]), array([0, 1]))
    """

    def __init__(self, local: Array, first: int, n: int) -> None:
        self.local, self.first = local, first
        self.shape, self.dtype = (n, local.shape[1]), local.dtype

    @property
    def own(self) -> slice:
        """The rows that are here."""
        return slice(self.first, self.first + len(self.local))

    @property
    def rows_at_once(self) -> int:
        return sys.maxsize

    def __getitem__(self, rows: Any) -> Array:
        places = np.asarray(rows) - self.first
        assert places.size == 0 or (places.min() >= 0 and places.max() < len(self.local)), "rows of this host"
        return np.asarray(self.local[places])

    def take(self, rows: Array) -> "LocalRows":
        """Some of the rows, in their order."""
        here = rows[(rows >= self.first) & (rows < self.own.stop)]
        first = int(np.searchsorted(rows, self.first))
        return LocalRows(self[here] if len(here) else self.local[:0], first, len(rows))

    def located(self, rows: Array) -> tuple[Array, Array]:
        """The rows that are here, and the places of `rows` in them; 0 for those of other hosts."""
        places = rows - self.first
        return self.local, np.where((places >= 0) & (places < len(self.local)), places, 0)

    def beside(self, values: Array) -> Array | None:
        return values[self.own]

    def parts(self) -> Iterator[tuple[slice, Array]]:
        yield self.own, self.local


def rows_of(X: Any) -> Rows:
    """X behind the protocol: rows as they are, an array as `DenseRows`."""
    return X if isinstance(X, Rows) else DenseRows(X)
