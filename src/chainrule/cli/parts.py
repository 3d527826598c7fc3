"""Answers for a folder of parts: a file for each part, by any number of hosts, and begun again where they ended."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from chainrule.cli.console import say, write_json
from chainrule.errors import DataError, SettingError
from chainrule.files.atomic import atomic_write
from chainrule.hosts import Hosts
from chainrule.tables.sources import as_source, parts_of_folder, unpacked_name
from chainrule.text import counted, shown

__all__ = ["answer_parts", "digest_of_file", "place_among_hosts"]

_RECORD = "_chainrule.json"  # what the answers in a folder were made by; a table of parts leaves such names out

Columns = dict[str, Any]


def place_among_hosts(text: str | None) -> tuple[int, int]:
    """The number of this host and the number of hosts, of "I/N" or "auto"; alone for None.

    >>> place_among_hosts("1/4"), place_among_hosts(None)
    ((1, 4), (0, 1))

    Raises SettingError for anything else.
    """
    if text is None:
        return 0, 1
    if text == "auto":
        hosts = Hosts.auto()
        return hosts.host, hosts.hosts
    number, _, count = text.partition("/")
    if not (number.isdigit() and count.isdigit() and int(number) < int(count)):
        raise SettingError(f"--host is {shown(text)}, but must be I/N with I from 0 to below N, such as 0/2, or auto")
    return int(number), int(count)


def answer_parts(
    data: Path,
    out: Path,
    place: tuple[int, int],
    made_by: Mapping[str, Any],
    answers: Callable[[Path], Iterator[Columns]],
    write_to: Callable[[Any], Callable[[Columns], None]],
    as_json: bool,
) -> None:
    """Write the answers for the parts of this host that have none yet; a part without rows gets no file.

    - data, out: the folder of the parts, and that of the answers.
    - place: the number of this host, and the number of hosts.
    - made_by: what the answers depend on, as plain data.
    - answers: the answers for a part, a block of rows at a time.
    - write_to: what writes blocks to a stream.

    Raises SettingError where `out` is the folder of the parts, and where it has answers that were made by something
    else; DataError where two parts would have one file of answers.
    """
    if not data.is_dir():
        raise DataError(f"{str(data)!r} is not a folder: --by-part answers each file of a folder")
    if out.resolve() == data.resolve():
        raise SettingError(f"--out is {str(out)!r}, which has the parts: name another folder")
    paths = parts_of_folder(data)
    _require_names_of_their_own(paths)
    out.mkdir(parents=True, exist_ok=True)
    _require_same_maker(out, made_by)
    own, kept, empty, rows = paths[place[0] :: place[1]], 0, 0, 0
    for path in own:
        target = out / _answers_of(path)
        if target.exists() and target.stat().st_mtime_ns >= path.stat().st_mtime_ns:
            kept += 1
            continue
        if not _has_rows(path):
            empty += 1
            continue
        with atomic_write(target) as stream:
            write = write_to(stream)
            for block in answers(path):
                write(block)
                rows += len(next(iter(block.values())))
    if as_json:
        write_json({"parts": len(own), "kept": kept, "of": len(paths), "rows": rows, "out": str(out)})
        return
    before = f"; {kept} were there" if kept else ""
    without = f"; {empty} without rows" if empty else ""
    say(f"{rows:,} answers for {counted(len(own) - kept - empty, 'part')} of {len(paths)} in {out}{before}{without}")


def _has_rows(part: Path) -> bool:
    """Whether a part has a row; it is read to the first one."""
    return any(block.num_rows for block in as_source(part).every_block())


def _answers_of(part: Path) -> str:
    """The name of the file with the answers for a part."""
    return f"{Path(unpacked_name(part)).stem}.csv"


def _require_names_of_their_own(paths: list[Path]) -> None:
    before: dict[str, Path] = {}
    for path in paths:
        other = before.setdefault(_answers_of(path), path)
        if other is not path:
            names = f"{shown(other.name)} and {shown(path.name)}"
            raise DataError(f"the answers for {names} would both be {_answers_of(path)!r}: rename one of them")


def _require_same_maker(out: Path, made_by: Mapping[str, Any]) -> None:
    """Note what the answers are made by. Raises SettingError where the folder has answers by something else."""
    record, text = out / _RECORD, json.dumps(made_by, sort_keys=True)
    if not record.exists():
        with atomic_write(record) as stream:
            stream.write(text.encode())
    elif record.read_text("utf-8") != text:
        raise SettingError(
            f"{str(out)!r} has answers of another model or with other options: name another folder, or remove it"
        )


def digest_of_file(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
