"""Opens the files of a command, tables and models, and checks the files that it will write."""

from collections.abc import Sequence
from pathlib import Path

from chainrule.cli.values import matching_columns
from chainrule.errors import SettingError
from chainrule.files.atomic import check_target
from chainrule.tables.sources import Source, as_source, with_target

__all__ = ["check_output", "is_file", "open_table"]


def open_table(data: Path, targets: Sequence[str]) -> tuple[Source, list[str]]:
    """The rows, and the names of the target columns.

    A target that is not a column but an existing file means that file: its only column is added to the table.
    """
    source, names = as_source(data), []
    for target in targets:
        if target not in source.names and is_file(target):
            source = with_target(source, as_source(Path(target)))
            names.append(source.names[-1])
        else:
            names += matching_columns([target], source.names)
    return source, names


def is_file(name: str | Path) -> bool:
    """Whether this is the name of a file; the name of a column may be too long for one."""
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False


def check_output(out: Path, *inputs: Path, option: str = "--out") -> None:
    """Raise SettingError, before any work is done, if `out` cannot be written or is one of the input files."""
    for path in inputs:
        if out.exists() and path.exists() and out.samefile(path):
            raise SettingError(f"{option} is {str(out)!r}, which is also an input: name another file")
    check_target(out)
