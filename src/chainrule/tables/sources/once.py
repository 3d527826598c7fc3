"""Tables that come once: standard input, and the pipes that a shell has opened. They are read in one pass."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import IO, Any

from chainrule.errors import DataError
from chainrule.paths import descriptor_of
from chainrule.tables.sources.base import BLOCK_BYTES, Source
from chainrule.tables.sources.delimited import DelimitedSource
from chainrule.tables.sources.json_lines import JsonLinesStream, begins_json
from chainrule.tables.sources.opening import PACKED, why_unreadable

__all__ = ["DelimitedStream", "open_stream"]

_LONGEST_BEGINNING = 64  # bytes by which JSON is recognised
_LONGEST_MAGIC = 8  # bytes by which a compressed file is recognised


class DelimitedStream(DelimitedSource):
    """The rows of delimited text that comes once, by the rules of files; `blocks` can be called a single time.

    - stream: the bytes.
    - origin: its name in messages.

    >>> import io
    >>> DelimitedStream(io.BytesIO(b"x;y\\n1;2\\n"), "standard input").table().to_pylist()
    [{'x': '1', 'y': '2'}]

    Raises DataError as for a file, for compressed bytes, and for a second pass.
    """

    def __init__(self, stream: IO[bytes], origin: str) -> None:
        self._path, self._stream = Path(origin), _Replayed(stream)
        self._begin_reading(origin, only_tab=False)

    def _opened_first(self) -> contextlib.AbstractContextManager[Any]:
        with self._one_line_errors():
            head = self._stream.read(_LONGEST_MAGIC)
        self._stream.rewind()
        for packing in PACKED.values():
            if head.startswith(packing.magic):
                raise DataError(f"{self.origin} is compressed with {packing.name}: unpack it before it comes here")
        return contextlib.nullcontext(self._stream)

    def _opened_again(self) -> contextlib.AbstractContextManager[Any]:
        if self._stream.replaying:
            raise DataError(f"{self.origin} comes once, and was read already: write it to a file first")
        self._stream.rewind()
        self._stream.replaying = True
        return contextlib.nullcontext(self._stream)


class _Replayed:
    """A stream whose beginning can be read again, until it is `replaying`: then what was read is no longer kept."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._kept, self.replaying = stream, io.BytesIO(), False

    def read(self, size: int) -> bytes:
        """`size` bytes, fewer only at the end."""
        data = self._kept.read(size)
        if len(data) == size:
            return data
        more = self._stream.read(size - len(data))
        if self.replaying:
            self._kept = io.BytesIO()
        else:
            self._kept.write(more)
        return data + more if data else more

    def rewind(self) -> None:
        self._kept.seek(0)


def open_stream(path: Path) -> Source | None:
    """Standard input (`/dev/stdin`), or a pipe that a shell has opened (`/dev/fd/63`); None for any other path.

    Raises DataError for a stream that is neither delimited text nor JSON lines.
    """
    number = descriptor_of(path)
    if number is None:
        return None
    origin = "standard input" if number == 0 else repr(str(path))
    try:
        stream = io.BufferedReader(io.FileIO(number, "rb", closefd=False), BLOCK_BYTES)
    except OSError as error:
        raise DataError(why_unreadable(path, error)) from None
    try:
        head = stream.peek(_LONGEST_BEGINNING)
    except OSError as error:
        raise DataError(why_unreadable(path, error)) from None
    return JsonLinesStream(stream, origin) if begins_json(head) else DelimitedStream(stream, origin)
