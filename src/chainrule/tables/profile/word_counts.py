"""How often each word of a column occurs, counted chunk by chunk in bounded memory."""

from __future__ import annotations

from chainrule.tables.arrow import pa, pc
from chainrule.tables.columns import numeric_cells

__all__ = ["MOST_DISTINCT", "MOST_TEXT", "Counts"]

MOST_DISTINCT = 2**20  # different words of one column that are counted; a column with more holds identifiers
MOST_TEXT = 2**27  # bytes that those words may have together
_AT_ONCE = 2**18  # counted words, of all chunks, that are merged at once


class Counts:
    """The words of a column and how often each occurs, however the cells are cut into chunks.

    `numeric` counts the cells whose word is a number. Once there are more than 2^20 different words, or more than
    128 MiB of them, they are forgotten, and there are `too_many`.

    >>> import pyarrow as pa
    >>> counts = Counts()
    >>> for words in (["b", "a", None], ["b", "7"]):
    ...     counts.add(pa.array(words, pa.large_string()))
    >>> counts.words(), counts.numeric
    ([('b', 2), ('7', 1), ('a', 1)], 1)
    """

    def __init__(self) -> None:
        self.numeric = 0
        self._forgotten = False
        self._merged: pa.Table | None = None
        self._waiting: list[pa.Table] = []
        self._length = 0

    def add(self, words: pa.Array) -> None:
        """Count the words (n,) of the next chunk; missing ones are not counted."""
        counted = pc.value_counts(words.drop_null())
        values, counts = counted.field("values"), counted.field("counts")
        self.numeric += pc.sum(counts.filter(numeric_cells(values))).as_py() or 0
        if len(values) and not self._forgotten:
            self._waiting.append(pa.table({"word": values, "count": counts}))
            self._length += len(values)
            if self._length > _AT_ONCE:
                self._merge()

    @property
    def too_many(self) -> bool:
        """Whether there are more words than are counted."""
        self._merge()
        return self._forgotten

    def distinct(self) -> int:
        """The number of different words."""
        self._merge()
        return 0 if self._merged is None else self._merged.num_rows

    def spaces(self) -> float:
        """The number of spaces in a word, on average over the different words: prose has many."""
        self._merge()
        return 0.0 if self._merged is None else pc.mean(pc.count_substring(self._merged.column("word"), " ")).as_py()

    def words(self, least: int = 1) -> list[tuple[str, int]]:
        """Words that occur `least` times or more, with their counts: the most frequent first, then by their text."""
        self._merge()
        if self._merged is None:
            return []
        frequent = self._merged.filter(pc.greater_equal(self._merged.column("count"), least))
        pairs = zip(frequent.column("word").to_pylist(), frequent.column("count").to_pylist(), strict=True)
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))

    def _merge(self) -> None:
        tables = ([] if self._merged is None else [self._merged]) + self._waiting
        self._waiting, self._length = [], 0
        if len(tables) > 1:
            merged = pa.concat_tables(tables).group_by("word", use_threads=False).aggregate([("count", "sum")])
            tables = [merged.rename_columns({"count_sum": "count"})]
        self._merged = tables[0] if tables else None
        if self._merged is not None and _too_many(self._merged.column("word")):
            self._forgotten, self._merged = True, None


def _too_many(words: pa.ChunkedArray) -> bool:
    return len(words) > MOST_DISTINCT or (pc.sum(pc.binary_length(words)).as_py() or 0) > MOST_TEXT
