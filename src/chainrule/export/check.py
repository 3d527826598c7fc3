"""Runs an exported program on a table beside the model that it was written from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

from chainrule.engines import choose
from chainrule.errors import DataError
from chainrule.export.comparison import Comparison, compare
from chainrule.export.format import Rows, Runner
from chainrule.export.program import Program
from chainrule.tables.chunks import chunks_of, cut_chunks, with_file_name, with_row_numbers
from chainrule.tables.inputs import Encoder
from chainrule.tables.matrix import matrix_of
from chainrule.tables.names import require_columns
from chainrule.tables.sources import Source

__all__ = ["check", "input_columns"]


def check(program: Program, exported: Program, run: Runner, source: Source) -> list[Comparison]:
    """The differences, for each target, between a program and the file that `run` runs, over all rows of a table.

    Where the two compute in different types, rounding in the coarser one is allowed.

    - program: what the library computes.
    - exported: what was written, maybe in another type.
    - run: runs the file.
    - source: the table; it needs the inputs only.

    Raises DataError for a table without the inputs, or with a cell that the model cannot read.
    """
    totals: list[Comparison] = []
    coarser = min(program, exported, key=lambda each: each.dtype.itemsize)
    for X, rows in _rows(program, source):
        A = choose("auto", program.architecture).predict(program.architecture, program.theta, X)
        parts = compare(coarser, program.answers(A), run(rows))
        totals = [total + part for total, part in zip(totals, parts, strict=True)] if totals else parts
    return totals


def _rows(program: Program, source: Source) -> Iterator[tuple[NDArray[Any], Rows]]:
    """Rows as the network takes them and as the exported program takes them, some at a time."""
    names = input_columns(program, source)
    for table, numbers in cut_chunks(chunks_of(source, names), program.width):
        with with_file_name(source), with_row_numbers(numbers):
            if program.columns is not None:
                yield Encoder(program.columns).encode(table, program.dtype), program.cells(table)
            else:
                X = matrix_of(table, names).astype(program.dtype)
                yield X, dict(zip(program.inputs, X.T, strict=True))


def input_columns(program: Program, source: Source) -> list[str]:
    """The columns of a table that are inputs. A program of numbers without names of their own takes all in order.

    Raises DataError for a table without the inputs.
    """
    if program.columns is None and (program.names is None or program.numbered):
        if len(source.names) != program.width:
            line = f"{source.origin} has {len(source.names)} columns, but the model takes {program.width}: give a table"
            raise DataError(f"{line} of its inputs alone")
        return source.names
    require_columns(source.names, program.inputs, "input", source.hint)
    return list(program.inputs)
