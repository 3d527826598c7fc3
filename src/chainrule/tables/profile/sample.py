"""A sample of a column's numbers: all of them while they are few, then a random share of them.

The k-th number that is not missing has a random word of its own; it is kept while that word is below a bound, and the
bound is halved whenever more than 8,192 are kept. So the sample depends on the numbers and their order alone, however
they are cut into chunks, and it is spread over the whole of a sorted table.

Source: Gibbons, "Distinct sampling for highly-accurate answers to distinct values queries" (VLDB 2001),
where the words belong to values; here they belong to places.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from chainrule.random import Purpose, raw_words

__all__ = ["MOST_SAMPLED", "Sample"]

MOST_SAMPLED = 2**13  # numbers; a quantile of that many is right to a percent of the rows
_BLOCK = 4096  # numbers whose words are drawn together


class Sample:
    """A sample of numbers that come in chunks of any length.

    >>> sample = Sample()
    >>> for values in ([3.0, np.nan], [1.0]):
    ...     sample.add(np.array(values))
    >>> sample.sorted
    array([1., 3.])
    """

    def __init__(self) -> None:
        self._count = 0
        self._bound = np.uint64(2**64 - 1)
        self._values, self._words = np.empty(0), np.empty(0, np.uint64)

    @property
    def sorted(self) -> NDArray[np.float64]:
        """The numbers of the sample in ascending order, at most 8,192."""
        return np.sort(self._values)

    def add(self, values: NDArray[np.float64]) -> None:
        """Take the next numbers (k,), NaN where one is missing."""
        present = values[~np.isnan(values)]
        words = _words(self._count, len(present))
        self._count += len(present)
        kept = words <= self._bound
        self._values = np.concatenate([self._values, present[kept]])
        self._words = np.concatenate([self._words, words[kept]])
        while len(self._values) > MOST_SAMPLED:
            self._bound >>= np.uint64(1)
            kept = self._words <= self._bound
            self._values, self._words = self._values[kept], self._words[kept]


def _words(start: int, count: int) -> NDArray[np.uint64]:
    """The words of the places `start`, ..., `start + count - 1`."""
    first, last = start // _BLOCK, (start + count) // _BLOCK
    words = np.concatenate([_block(number) for number in range(first, last + 1)])
    return words[start - first * _BLOCK :][:count]


@functools.lru_cache(256)
def _block(number: int) -> NDArray[np.uint64]:
    return raw_words(0, Purpose.SAMPLE, number, _BLOCK)
