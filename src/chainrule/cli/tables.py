"""Tables as the commands take them: files of many kinds, with targets in a file of their own where need be."""

from collections.abc import Sequence
from pathlib import Path

from chainrule.cli.values import named
from chainrule.tables.sources import Source, as_source, with_target

__all__ = ["opened"]


def opened(data: Path, target: Sequence[str]) -> tuple[Source, list[str]]:
    """The rows, and the columns that `--target` names.

    What no column is called but a file is, is that file: its only column stands beside the others.
    """
    source, found = as_source(data), []
    for choice in target:
        if choice not in source.names and Path(choice).is_file():
            source = with_target(source, as_source(Path(choice)))
            found.append(source.names[-1])
        else:
            found += named([choice], source.names)
    return source, found
