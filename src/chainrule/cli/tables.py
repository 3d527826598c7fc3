"""Opens the table of a command; targets may be in files of their own."""

from collections.abc import Sequence
from pathlib import Path

from chainrule.cli.values import matching_columns
from chainrule.tables.sources import Source, as_source, with_target

__all__ = ["open_table"]


def open_table(data: Path, targets: Sequence[str]) -> tuple[Source, list[str]]:
    """The rows, and the names of the target columns.

    A target that is not a column but an existing file means that file: its only column is added to the table.
    """
    source, names = as_source(data), []
    for target in targets:
        if target not in source.names and Path(target).is_file():
            source = with_target(source, as_source(Path(target)))
            names.append(source.names[-1])
        else:
            names += matching_columns([target], source.names)
    return source, names
