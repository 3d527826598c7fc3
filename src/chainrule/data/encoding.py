"""The encoder: how the columns of a table become the rows of numbers that a network takes.

Fitted on the training rows alone. Columns are found by name, in any order; columns it never saw are ignored.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.columns import column_as_numbers, first_non_number, is_categorical, looks_numeric, words_of
from chainrule.data.documents import demand, read_columns, statistics_of, write_columns
from chainrule.data.moments import standard
from chainrule.data.tables import require_columns
from chainrule.data.transforms import KINDS, LEAST_SHARE, MOST_WORDS, Categories, Dropped, Numbers, Presence, Transform
from chainrule.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Encoder"]

MEANT_AS_NUMBERS = 0.9  # the share of numbers among its cells from which on a column's words are taken for slips


@dataclasses.dataclass(frozen=True)
class Encoder:
    """What each column becomes, in the order of the training table.

    >>> from chainrule.data.tables import read_table
    >>> table = read_table({"carat": [0.2, 0.4, None], "cut": ["Ideal", "Fair", "Ideal"]})
    >>> encoder = Encoder.fit(table)
    >>> encoder.feature_names
    ['carat', 'carat missing', 'cut=Ideal']
    >>> encoder.encode(table, "float64").round(3)
    array([[-1.,  0.,  1.],
           [ 1.,  0.,  0.],
           [ 0.,  1.,  1.]])
    """

    transforms: tuple[Transform, ...]

    @classmethod
    def fit(cls, table: pa.Table, exclude: str | Iterable[str] = ()) -> Encoder:
        """The encoder for all columns of `table` but the excluded ones (the targets).

        Raises DataError for an excluded column that is absent, and when no column can be learned from.
        """
        excluded = [exclude] if isinstance(exclude, str) else list(exclude)
        require_columns(table, excluded, "excluded")
        names = [name for name in table.column_names if name not in excluded]
        encoder = cls(tuple(_transform(name, table.column(name)) for name in names))
        if not encoder.feature_names:
            reasons = "; ".join(f"{t.name!r}: {t.detail}" for t in encoder.transforms[:12]) or "none is left"
            raise DataError(f"no column can be learned from ({reasons}): give at least one whose values differ")
        return encoder

    @property
    def feature_names(self) -> list[str]:
        """The names of the network's inputs, e.g. `carat`, `cut=Ideal`, `age missing`."""
        return [feature for transform in self.transforms for feature in transform.features]

    @property
    def width(self) -> int:
        """The number of the network's inputs, n_1."""
        return len(self.feature_names)

    @property
    def columns(self) -> list[str]:
        """The columns that a table must have to be encoded: those that are not dropped."""
        return [transform.name for transform in self.transforms if transform.features]

    def encode(self, table: pa.Table, dtype: Any = "float32") -> NDArray[Any]:
        """The rows as the network takes them: (n, width), C-contiguous.

        Raises DataError for a column that is absent, and for a cell that is no finite number in a column of numbers.
        """
        require_columns(table, self.columns, "input")
        X = np.zeros((table.num_rows, self.width), dtype)
        start = 0
        for transform in self.transforms:
            stop = start + len(transform.features)
            if stop > start:
                transform.fill(table.column(transform.name), X[:, start:stop])
            start = stop
        return X

    def describe(self) -> list[tuple[str, str, str]]:
        """For each column of the training table its name, the kind of transform, and what that does, in words."""
        return [(transform.name, transform.kind, transform.detail) for transform in self.transforms]

    def document(self) -> dict[str, Any]:
        """The encoder as plain data for a model file: names, kinds, words, reasons."""
        return write_columns(self.transforms)

    def tensors(self) -> dict[str, NDArray[np.float64]]:
        """The statistics of the columns of numbers, in their order: `encoder.mean` and `encoder.scale`."""
        return statistics_of(self.transforms, "encoder")

    @classmethod
    def from_document(cls, document: Any, tensors: Mapping[str, Any]) -> Encoder:
        """The encoder that `document` and `tensors` came from.

        Raises ModelFileError for anything else than what those two methods give.
        """
        encoder = cls(read_columns(document, tensors, "encoder", KINDS))
        demand(encoder.width > 0, "encoder", encoder.describe(), "a column that is not dropped")
        for words in (t.words for t in encoder.transforms if isinstance(t, Categories)):
            demand(len(words) <= MOST_WORDS, "encoder", words, f"{MOST_WORDS} words at most")
        return encoder


def _transform(name: str, column: Any) -> Transform:
    """The kind of transform that the values of the column call for."""
    numbers = None if is_categorical(column) else column_as_numbers(column, name)
    if numbers is None:
        words = words_of(column, name)
        if not is_categorical(column) and looks_numeric(words, MEANT_AS_NUMBERS):
            row, word = first_non_number(column)
            raise DataError(f"column {name!r} holds numbers, but {word!r} came in row {row + 1}: mend it, or drop it")
        return _categories(name, words)
    values, missing = numbers
    if missing.all():
        return Dropped(name, "every cell is missing")
    mean, scale = standard(values, missing)
    if scale == 0:
        return _flag_or_drop(name, bool(missing.any()), "every value is the same")
    return Numbers(name, mean, scale, bool(missing.any()))


def _categories(name: str, cells: pa.Array) -> Transform:
    import pyarrow.compute as pc

    missing = cells.null_count > 0
    if cells.null_count == len(cells):
        return Dropped(name, "every cell is missing")
    counted = pc.value_counts(cells.drop_null())
    if len(counted) == 1:
        return _flag_or_drop(name, missing, "every value is the same")
    repeated = counted.filter(pc.greater(counted.field("counts"), 1)).to_pylist()
    if sum(word["counts"] for word in repeated) < LEAST_SHARE * (len(cells) - cells.null_count) or not repeated:
        return _flag_or_drop(name, missing, "hardly any word comes twice, as in names and identifiers")
    repeated.sort(key=lambda word: (-word["counts"], word["values"]))
    return Categories(name, tuple(word["values"] for word in repeated[:MOST_WORDS]), missing)


def _flag_or_drop(name: str, missing: bool, reason: str) -> Transform:
    return Presence(name, reason) if missing else Dropped(name, reason)
