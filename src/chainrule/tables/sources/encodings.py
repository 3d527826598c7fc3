"""Text of any of these encodings as UTF-8.

A byte order mark decides: UTF-8, UTF-16 or UTF-32. Without one the first character beyond ASCII does: if it is UTF-8,
so is the file; else the file is Windows-1252, of which Latin-1's letters are a part. Its five bytes without a character
stand for control characters, as in the WHATWG Encoding Standard (https://encoding.spec.whatwg.org, windows-1252).
"""

from __future__ import annotations

import codecs
import re
from typing import IO, Any

__all__ = ["Utf8Stream"]

_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WINDOWS = "".join(
    chr(byte) if byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else bytes([byte]).decode("cp1252") for byte in range(256)
)
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_UTF8_MARKS = re.compile(b"(?:%b)+" % codecs.BOM_UTF8)
_AT_ONCE = 1 << 22  # bytes read at once


class Utf8Stream:
    """The text of `raw` as UTF-8 without a byte order mark; `encoding` is the encoding as far as it was read.

    `head` are bytes that were read from `raw` before. Marks that follow the first one are left out too.

    >>> import io
    >>> Utf8Stream(io.BytesIO("caf\\xe9".encode("utf-16"))).read()
    b'caf\\xc3\\xa9'

    UTF-8 itself is not checked. Reading raises UnicodeDecodeError for broken UTF-16 and UTF-32.
    Arrow's own `ReadOptions(encoding=...)` is as fast, but wants the encoding before
    the first row, while the byte that decides may be the last of the file.
    """

    def __init__(self, raw: IO[bytes], head: bytes = b"") -> None:
        self._raw, self.encoding = raw, "ascii"
        self._marked = 0  # bytes of the marks before the text
        self._decoder: Any = None
        self._ready, self._begun = b"", False  # UTF-8 to be handed out; whether some was
        self._pending = head or raw.read(4)
        for mark, encoding in _MARKS:
            if self._pending.startswith(mark):
                self._pending = self._pending[len(mark) :]
                self._marked = len(mark)
                self._decode_as(encoding)
                break

    def _decode_as(self, encoding: str) -> None:
        self.encoding = encoding
        if encoding not in ("utf-8", "windows-1252"):
            self._decoder = codecs.getincrementaldecoder(encoding)()

    @property
    def start(self) -> int | None:
        """The byte of `raw` where the text begins; None if its bytes are not those of `raw`, which is decoded."""
        return self._marked if self.encoding in ("ascii", "utf-8") else None

    def read(self, size: int = -1) -> bytes:
        """`size` bytes, fewer only at the end of the text."""
        if size < 0:
            return b"".join(iter(lambda: self.read(_AT_ONCE), b""))
        data = self.peek(size)
        self._ready = self._ready[size:]
        return data

    def peek(self, size: int) -> bytes:
        """The same bytes, which are read again."""
        while not self._begun:
            self._fill(max(size, len(codecs.BOM_UTF8)))
            marks = _UTF8_MARKS.match(self._ready)
            self._begun = not marks
            self._marked += marks.end() if marks else 0
            self._ready = self._ready[marks.end() if marks else 0 :]
        self._fill(size)
        return self._ready[:size]

    def _fill(self, size: int) -> None:
        """Have `size` bytes ready, fewer only at the end of the text."""
        while len(self._ready) < size:
            more = self._more(size - len(self._ready))
            if not more:
                break
            self._ready = self._ready + more if self._ready else more

    def _more(self, size: int) -> bytes:
        """Some text; empty only at its end."""
        while True:
            data, self._pending = self._pending + self._raw.read(max(size - len(self._pending), 1)), b""
            if not data:
                return self._decoder.decode(b"", True).encode() if self._decoder else b""
            text = self._as_utf8(data)
            if text:
                return text

    def _as_utf8(self, data: bytes) -> bytes:
        if self._decoder is not None:
            data = self._decoder.decode(data).encode()
        elif self.encoding == "ascii" and not data.isascii():
            data = self._decide(data)
        if self.encoding == "windows-1252":
            data = codecs.charmap_decode(data, "strict", _WINDOWS)[0].encode()
        return data

    def _decide(self, data: bytes) -> bytes:
        match = _BEYOND_ASCII.search(data)
        assert match is not None, "the bytes are not all ASCII"
        start, stop = match.start(), match.start() + 4
        data += self._raw.read(max(0, stop - len(data)))
        self._decode_as("utf-8" if _is_utf8(data[start:stop]) else "windows-1252")
        return data


def _is_utf8(character: bytes) -> bool:
    """Whether the bytes begin with a whole character of UTF-8."""
    try:
        return codecs.utf_8_decode(character, "strict", False)[1] > 0
    except UnicodeDecodeError as error:
        return error.start > 0
