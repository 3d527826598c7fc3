"""Writes lines of text, tables and JSON to stdout."""

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from chainrule.text import printable

__all__ = ["say", "show_table", "write_json"]


def say(text: str) -> None:
    """Write one line to stdout."""
    print(printable(text), flush=True)


def write_json(value: Mapping[str, Any]) -> None:
    """Write one JSON object as one line to stdout; NaN and infinity, which JSON lacks, become null."""
    print(json.dumps(_plain(value), allow_nan=False), flush=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def show_table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers_from: int | None = None) -> None:
    """Write a table to stdout; columns from `numbers_from` on are aligned right. The caller formats the numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for k, head in enumerate(heads):
        right = numbers_from is not None and k >= numbers_from
        table.add_column(printable(head), overflow="fold", justify="right" if right else "left")
    for row in rows:
        table.add_row(*map(printable, row))
    console = Console(file=sys.stdout, highlight=False, markup=False, soft_wrap=False)
    if not sys.stdout.isatty():
        console.width = 200
    console.print(table)
