"""The encoder for one row: it fills a row of inputs in microseconds, with the bits of `Encoder.encode`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError
from chainrule.tables.inputs.cells.readings import READERS
from chainrule.tables.inputs.cells.texts import OddCellError
from chainrule.tables.inputs.cells.writers import WRITERS
from chainrule.tables.inputs.encoder import Encoder
from chainrule.tables.inputs.transforms import Transform, WithValues
from chainrule.tables.sources import as_source

__all__ = ["RowEncoder"]

MOST_TEXTS = 4096  # odd texts of a column whose inputs are kept
_LONGEST = 100  # characters of a text that is kept
_ROUNDED = (np.float32, np.float16)

WriteCell = Callable[[Any, Array], None]


class RowEncoder:
    """An encoder, compiled for single rows. Several threads may use it at the same time.

    - encoder: the encoder of whole tables.
    - dtype: the type of the network.
    - columns: the columns of which a row without names has the cells; all columns that the encoder uses are there.

    >>> encoder = Encoder.fit({"carat": [0.2, 0.4, None], "cut": ["Ideal", "Fair", "Ideal"]})
    >>> rows = RowEncoder(encoder, "float64", encoder.columns)
    >>> rows.of_mapping({"carat": 0.4, "cut": "Good"}), rows.of_cells(("?", "Ideal"))
    (array([1., 0., 0., 1.]), array([0., 1., 1., 0.]))
    """

    def __init__(self, encoder: Encoder, dtype: Any, columns: Sequence[str]) -> None:
        self._dtype, self._width = np.dtype(np.dtype(dtype).name), encoder.width  # the one object for this type
        used = [transform for transform, _ in encoder.slices]
        stops = np.cumsum([len(transform.features) for transform in used]).tolist()
        parts = zip(used, [0, *stops], stops, strict=False)
        self._by_name = [(t.name, _compiled(t, start, stop, self._dtype)) for t, start, stop in parts]
        self._by_place = [(columns.index(name), write) for name, write in self._by_name]

    def of_mapping(self, row: Any) -> Array:
        """The inputs (n_1,) of a row, by the names of the columns.

        Raises KeyError for a column that is absent, DataError for a cell that is not what the column holds.
        """
        x = np.zeros(self._width, self._dtype)
        for name, write in self._by_name:
            write(row[name], x)
        return x

    def of_cells(self, row: Sequence[Any]) -> Array:
        """The inputs (n_1,) of a row whose cells are in the order of `columns`. Raises DataError likewise."""
        x = np.zeros(self._width, self._dtype)
        for place, write in self._by_place:
            write(row[place], x)
        return x


def _compiled(transform: Transform, start: int, stop: int, dtype: np.dtype[Any]) -> WriteCell:
    """A function that writes a cell of a column into the inputs `start` to `stop - 1` of a row of zeros."""
    read, parts, place = READERS[type(transform.reading)](transform.reading), [], start
    for part in transform.inputs:
        parts.append(WRITERS[type(part)](part, place, dtype))
        place += len(part.suffixes)
    write_odd = _by_column(transform, start, stop, dtype)

    def write(cell: Any, x: Array) -> None:
        try:
            value = read(cell)
            for each in parts:
                each(value, x)
        except OddCellError:
            write_odd(cell, x)

    if isinstance(transform, WithValues):  # which know what a number of fewer digits is rounded from
        return lambda cell, x: (write_odd if type(cell) in _ROUNDED else write)(cell, x)
    return write


def _by_column(transform: Transform, start: int, stop: int, dtype: np.dtype[Any]) -> WriteCell:
    """A function that writes any cell as a column of one cell; what came of some texts is kept."""
    kept: dict[str, Array] = {}

    def write(cell: Any, x: Array) -> None:
        is_text = type(cell) is str and len(cell) <= _LONGEST
        inputs = kept.get(cell) if is_text else None
        if inputs is None:
            inputs = _inputs_of(transform, cell, stop - start, dtype)
            if len(kept) >= MOST_TEXTS:
                kept.clear()
            if is_text:
                kept[cell] = inputs
        x[start:stop] = inputs

    return write


def _inputs_of(transform: Transform, cell: Any, width: int, dtype: np.dtype[Any]) -> Array:
    """The inputs (width,) of a cell, by the operations of the column. Raises DataError for several values."""
    if hasattr(cell, "__len__") and not isinstance(cell, str | bytes):
        raise DataError(f"a cell of column {transform.name!r} has several values, but must have one")
    out = np.zeros((1, width), dtype)
    transform.fill(as_source({transform.name: [cell]}).table().column(transform.name), out)
    return out[0]
