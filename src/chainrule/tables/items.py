"""Items: several words in one cell, such as the labels `a;b;c`, or the words and the pairs of words of a text.

Labels have one character between them; spaces around a label do not count, and an empty one is none. The words of a
text are its letters and digits between other characters, in lower case; a pair, `not good`, is two of them that follow
each other. An item that comes twice counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.arrow import pa, pc

__all__ = ["SEPARATORS", "counts_of", "has_items", "pair_counts", "separator_of", "split"]

SEPARATORS = (";", "|", ",")  # of labels, in the order in which they are looked for
_BETWEEN_WORDS = r"[^\p{L}\p{N}]+"


def split(words: pa.Array, separator: str) -> pa.Array:
    """The items of each cell, a list each; null where the cell is missing.

    - words: text, null where missing.
    - separator: what is between labels; "" for the words of a text.

    >>> split(pa.array(["a; b;", None], pa.large_string()), ";").to_pylist()
    [['a', 'b'], None]
    >>> split(pa.array(["It's here, HERE!"], pa.large_string()), "").to_pylist()
    [['it', 's', 'here', 'here']]
    """
    if separator:
        lists = pc.split_pattern(words, pattern=separator)
    else:
        lists = pc.split_pattern_regex(pc.utf8_lower(words), pattern=_BETWEEN_WORDS)
    items = pc.utf8_trim_whitespace(pc.list_flatten(lists))
    kept = pc.not_equal(items, "")
    row = np.asarray(pc.list_parent_indices(lists))[np.asarray(kept)]
    offsets = np.concatenate([[0], np.bincount(row, minlength=len(words)).cumsum()])
    starts = pa.array(offsets, pa.int64(), mask=np.append(np.asarray(words.is_null()), False))
    return pa.LargeListArray.from_arrays(starts, items.filter(kept))


def has_items(words: pa.Array, items: Sequence[str], separator: str) -> Any:
    """Which cells have each of k items, and in the last column which have any other label or word: sparse (n, k + 1).

    - separator: as for `split`; items of texts with a space in them are pairs.

    >>> has_items(pa.array(["a;c", None], pa.large_string()), ["a", "b"], ";").astype(int).toarray().tolist()
    [[1, 0, 1], [0, 0, 0]]
    >>> text = pa.array(["Not good."], pa.large_string())
    >>> has_items(text, ["good", "not good", "good not"], "").astype(int).toarray().tolist()
    [[1, 1, 0, 1]]
    """
    from scipy.sparse import csr_array

    row, flat = _flat(words, separator)
    codes = _codes(flat, items, len(items))
    if not separator and any(" " in item for item in items):
        row_of_pair, code_of_pair = _known_pairs(row, flat, items)
        row, codes = np.append(row, row_of_pair), np.append(codes, code_of_pair)
    return csr_array((np.ones(len(row), np.bool_), (row, codes)), (len(words), len(items) + 1))


def _known_pairs(
    row: NDArray[np.int64], flat: pa.Array, items: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """The cell of each pair of words that is one of the items, and the number of that item."""
    places = np.array([place for place, item in enumerate(items) if " " in item])
    words, halves = np.unique([items[place].split(" ") for place in places], return_inverse=True)
    known = halves.reshape(-1, 2) @ [len(words), 1]
    order = np.argsort(known)
    first, keys = _pairs(row, _codes(flat, words.tolist(), -1), len(words))
    at = order[np.minimum(np.searchsorted(known, keys, sorter=order), len(order) - 1)]
    is_known = known[at] == keys
    return row[first[is_known]], places[at[is_known]]


def counts_of(cells: Iterable[tuple[str, int]], separator: str) -> list[tuple[str, int]]:
    """In how many cells each label or word is, the most frequent first, then by their text.

    - cells: different cells, each with how often it comes.
    """
    texts, times = zip(*cells, strict=True)
    row, flat = _flat(pa.array(texts, pa.large_string()), separator)
    coded = flat.dictionary_encode()
    kinds = len(coded.dictionary)
    counts = _cells_with(row, np.asarray(coded.indices, np.int64), kinds, np.array(times))
    return _in_order(coded.dictionary.to_pylist(), counts)


def pair_counts(cells: Iterable[tuple[str, int]], words: Sequence[str], least: int = 1) -> list[tuple[str, int]]:
    """In how many texts each pair of two of these words is, the most frequent first, then by their text.

    - cells: different cells, each with how often it comes.
    - least: in how many texts a pair is that counts.

    >>> pair_counts([("not good", 2), ("not so good, not good", 1)], ["not", "good"])
    [('not good', 3), ('good not', 1)]
    """
    texts, times = zip(*cells, strict=True)
    row, flat = _flat(pa.array(texts, pa.large_string()), "")
    first, keys = _pairs(row, _codes(flat, words, -1), len(words))
    kinds, codes = np.unique(keys, return_inverse=True)
    counts = _cells_with(row[first], codes, len(kinds), np.array(times))
    often = np.flatnonzero(counts >= least)
    pairs = [f"{words[key // len(words)]} {words[key % len(words)]}" for key in kinds[often].tolist()]
    return _in_order(pairs, counts[often])


def _flat(words: pa.Array, separator: str) -> tuple[NDArray[np.int64], pa.Array]:
    """The cell (m,) of each item, and the items."""
    lists = split(words, separator)
    return np.asarray(pc.list_parent_indices(lists)), lists.flatten()


def _codes(flat: pa.Array, items: Sequence[str], otherwise: int) -> NDArray[np.int64]:
    """The number of each item (m,) among some."""
    codes = pc.index_in(flat, value_set=pa.array(items, flat.type))
    return np.asarray(pc.fill_null(codes, otherwise), np.int64)


def _pairs(row: NDArray[np.int64], codes: NDArray[np.int64], kinds: int) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Where two known words of a cell follow each other, by the place of the first, and the number of each pair."""
    first = np.flatnonzero((row[1:] == row[:-1]) & (codes[1:] >= 0) & (codes[:-1] >= 0))
    return first, codes[first] * kinds + codes[first + 1]


def _cells_with(
    row: NDArray[np.int64], codes: NDArray[np.int64], kinds: int, times: NDArray[np.int64]
) -> NDArray[np.int64]:
    """In how many cells each of some kinds of items is, by the cell and the kind (m,) of each item."""
    places = np.sort(row * kinds + codes)
    once = places[np.append(True, places[1:] != places[:-1])[: len(places)]]
    counts = np.bincount(once % kinds, times[once // kinds], kinds) if len(once) else np.zeros(kinds)
    return counts.astype(np.int64)


def _in_order(items: list[str], counts: NDArray[np.int64]) -> list[tuple[str, int]]:
    """Items with their counts, the most frequent first, then by their text."""
    return sorted(zip(items, counts.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))


def separator_of(cells: Sequence[tuple[str, int]]) -> str:
    """What is most likely between the labels of cells: the separator that most cells have, the first of equals.

    - cells: different cells, each with how often it comes.
    """
    words = pa.array([text for text, _ in cells], pa.large_string())
    times = np.array([count for _, count in cells])
    counts = [int(times[np.asarray(pc.match_substring(words, mark))].sum()) for mark in SEPARATORS]
    return SEPARATORS[int(np.argmax(counts))]
