"""The files that a session may read and write: those below the folder it was started in, and dropped ones."""

from __future__ import annotations

import base64
import binascii
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from chainrule.errors import DataError, SettingError
from chainrule.text import printable, shortened, shown

__all__ = ["MOST_DROPPED", "Folder"]

MOST_DROPPED = 48 * 2**20  # bytes of a dropped file
MOST_FILES = 200
DEPTH = 3
TABLES = (".csv", ".tsv", ".parquet", ".arrow", ".feather", ".gz")
MODELS = (".safetensors",)
DROPPED = "dropped/"


class Folder:
    """A folder, below which all paths lie, and a private one for dropped files.

    root: the folder.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root).resolve()
        self._dropped: dict[str, Path] = {}
        self._private: Path | None = None

    def existing(self, path: Any) -> Path:
        """A file to read: below the folder, or one that was dropped. Raises SettingError for any other path."""
        if isinstance(path, str) and path in self._dropped:
            return self._dropped[path]
        place = self._below(path)
        if not place.exists():
            raise SettingError(f"there is no file {_named(path)} in the folder that the studio was started in")
        return place

    def target(self, path: Any, ending: str = "") -> Path:
        """A file to write, below the folder. Raises SettingError for any other path, and for another ending."""
        place = self._below(path)
        if ending and place.suffix.lower() != ending:
            raise SettingError(f"path is {_named(path)}, but must end in {ending}")
        if place.name.startswith(".") or place.is_dir():
            raise SettingError(f"path is {_named(path)}, but must be the name of a file")
        return place

    def _below(self, path: Any) -> Path:
        if not isinstance(path, str) or not path.strip() or "\0" in path or len(path) > 1000:
            raise SettingError(f"path is {shown(path)}, but must be the name of a file")
        place = (self.root / path).resolve()
        if self.root not in place.parents:
            raise SettingError(
                f"path is {_named(path)}, but must lie below the folder that the studio was started in: "
                "start it there, or drop the file on the page"
            )
        return place

    def name(self, place: Path) -> str:
        """A path as the page writes it: from the folder."""
        return place.relative_to(self.root).as_posix()

    def hidden(self, line: str) -> str:
        """A line for the page, in which paths begin below the folder: where that lies is not the page's business."""
        places = {str(self.root): "", **({} if self._private is None else {str(self._private): DROPPED})}
        for place, short in places.items():
            line = line.replace(f"{place}/", short).replace(place, "the folder")
        return line

    def drop(self, name: Any, data: Any) -> str:
        """Keep a dropped file until the session ends, and return its path.

        - name: its name on the other side; only its last part counts.
        - data: its bytes in base64.

        Raises DataError where it is too large or not base64.
        """
        if not isinstance(name, str) or not isinstance(data, str):
            raise SettingError("a dropped file has a name and bytes in base64")
        if len(data) > MOST_DROPPED * 4 // 3 + 4:
            raise DataError(
                f"the file is larger than {MOST_DROPPED >> 20} MiB: copy it into the folder and open it there"
            )
        try:
            content = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            raise DataError("the bytes of the dropped file are not base64") from None
        last = name.replace("\\", "/").rpartition("/")[2]
        last = "".join(c if c.isalnum() or c in "._- " else "_" for c in last).lstrip(".")[-80:] or "table.csv"
        if self._private is None:
            self._private = Path(tempfile.mkdtemp(prefix="chainrule-studio-"))
        place = self._private / last
        place.write_bytes(content)
        self._dropped[DROPPED + last] = place
        return DROPPED + last

    def listed(self) -> dict[str, list[str]]:
        """The tables and the model files in the folder, in three levels, the first ones of many."""
        tables, models = [*self._dropped], []
        for place in self._walk(self.root, DEPTH):
            name = self.name(place)
            if place.suffix.lower() in TABLES:
                tables.append(name)
            elif place.suffix.lower() in MODELS:
                models.append(name)
            if len(tables) + len(models) >= MOST_FILES:
                break
        return {"tables": tables, "models": models}

    def _walk(self, folder: Path, depth: int) -> Any:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: (entry.is_dir(), entry.name))
        except OSError:
            return
        for entry in entries[:2000]:
            if entry.name.startswith((".", "_")):
                continue
            if entry.is_file(follow_symlinks=False):
                yield Path(entry.path)
            elif depth > 1 and entry.is_dir(follow_symlinks=False):
                yield from self._walk(Path(entry.path), depth - 1)

    def close(self) -> None:
        """Delete the dropped files."""
        if self._private is not None:
            shutil.rmtree(self._private, ignore_errors=True)
        self._dropped.clear()


def _named(path: Any) -> str:
    return repr(shortened(printable(str(path)), 100))
