"""Items: several words in one cell, such as the labels `a;b;c`, or the words of a text.

Labels have one character between them; spaces around a label do not count, and an empty one is none. The words of a
text are its letters and digits between other characters, in lower case. An item that comes twice counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.arrow import pa, pc

__all__ = ["SEPARATORS", "counts_of", "has_items", "separator_of", "split"]

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


def has_items(words: pa.Array, items: Sequence[str], separator: str) -> NDArray[np.bool_]:
    """Which cells (n, k + 1) have each of k items, and in the last column which have any other item.

    >>> has_items(pa.array(["a;c", None], pa.large_string()), ["a", "b"], ";").astype(int).tolist()
    [[1, 0, 1], [0, 0, 0]]
    """
    lists = split(words, separator)
    flat = lists.flatten()
    codes = pc.fill_null(pc.index_in(flat, value_set=pa.array(items, flat.type)), len(items))
    has = np.zeros((len(words), len(items) + 1), np.bool_)
    has[np.asarray(pc.list_parent_indices(lists)), np.asarray(codes)] = True
    return has


def counts_of(cells: Iterable[tuple[str, int]], separator: str) -> list[tuple[str, int]]:
    """In how many cells each item is, the most frequent first, then by their text.

    - cells: different cells, each with how often it comes.
    """
    texts, times = zip(*cells, strict=True)
    lists = split(pa.array(texts, pa.large_string()), separator)
    row, items = np.asarray(pc.list_parent_indices(lists)), lists.flatten().dictionary_encode()
    pairs = np.unique(np.stack([row, np.asarray(items.indices, np.int64)]), axis=1)
    counts = np.bincount(pairs[1], np.array(times)[pairs[0]], len(items.dictionary)).astype(np.int64)
    return sorted(zip(items.dictionary.to_pylist(), counts.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))


def separator_of(cells: Sequence[tuple[str, int]]) -> str:
    """What is most likely between the labels of cells: the separator that most cells have, the first of equals.

    - cells: different cells, each with how often it comes.
    """
    words = pa.array([text for text, _ in cells], pa.large_string())
    times = np.array([count for _, count in cells])
    counts = [int(times[np.asarray(pc.match_substring(words, mark))].sum()) for mark in SEPARATORS]
    return SEPARATORS[int(np.argmax(counts))]
