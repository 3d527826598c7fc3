"""The ledger of a model: every number of BP1-BP4 for rows of a table, with inputs called by column and cell."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from chainrule.arrays import Array
from chainrule.backprop import Ledger, Names, require_fits
from chainrule.errors import DataError
from chainrule.network import Network
from chainrule.tables.arrow import pa, pc
from chainrule.tables.chunks import Chunk, with_file_name, with_row_numbers
from chainrule.tables.columns import words_of
from chainrule.tables.inputs import Encoder
from chainrule.tables.sources import Source
from chainrule.tables.targets import Targets

__all__ = ["ledger_of"]


class _Part(NamedTuple):
    """Some rows: inputs, targets, numbers of the rows in the table, and the words of each column."""

    X: Array
    T: Array
    rows: Array
    cells: dict[str, pa.Array]


def ledger_of(
    encoder: Encoder, targets: Targets, network: Network, source: Source, chunks: Iterable[Chunk], weight: Any
) -> Ledger:
    """The ledger of the rows that have every target.

    - encoder, targets, network: those of the model.
    - source: the table, whose name errors have.
    - chunks: its columns of inputs and targets, some rows at a time.
    - weight: the weights of all rows of the table, (n,), or None.

    Raises DataError where no row has every target, for too many rows, and for weights of another number.
    """
    parts: list[_Part] = []
    for chunk in chunks:
        present = targets.present(chunk.table)
        rows = chunk.rows[present]
        require_fits(network.architecture, network.dtype, sum(len(part.rows) for part in parts) + len(rows))
        with with_file_name(source), with_row_numbers(rows):
            if len(rows):
                parts.append(_part(encoder, targets, chunk.table.filter(pa.array(present)), rows, network.dtype))
    if not parts:
        raise DataError("no row has a value for every target, so there is no cost to differentiate: give such rows")
    X, T, rows = (np.concatenate(arrays) for arrays in list(zip(*parts, strict=True))[:3])
    ledger = network.backprop(X, T, None if weight is None else _weights(weight, rows))
    assert ledger.rows is not None, "a network numbers its rows"
    cells = {name: pa.chunked_array([part.cells[name] for part in parts]).take(ledger.rows) for name in parts[0].cells}
    by_input = [cells[transform.name] for transform in encoder.transforms for _ in transform.features]
    return dataclasses.replace(
        ledger, rows=rows[ledger.rows], names=Names(encoder.feature_names, targets.neurons, by_input)
    )


def _part(encoder: Encoder, targets: Targets, table: pa.Table, rows: Array, dtype: Any) -> _Part:
    cells = {name: pc.fill_null(words_of(table.column(name), name), "missing") for name in encoder.columns}
    return _Part(encoder.encode(table, dtype), targets.encode(table, dtype), rows, cells)


def _weights(weight: Any, rows: Array) -> Array:
    """The weights of some rows. Raises DataError for a number of weights that is too small for them."""
    weights = np.asarray(weight)
    if weights.ndim == 0 or len(weights) <= rows[-1]:
        raise DataError(f"sample_weight has shape {weights.shape}, but row {rows[-1] + 1:,} is there: give one a row")
    return weights[rows]
