"""Parquet on any filesystem that pyarrow knows: `s3://`, `gs://`, `abfs://`, `hdfs://`, a file or a folder of parts."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from chainrule.errors import DataError
from chainrule.tables.arrow import pa, pa_fs, parquet
from chainrule.tables.sources.base import Source
from chainrule.tables.sources.columnar import ParquetSource
from chainrule.tables.sources.combined import FolderSource, natural_order
from chainrule.text import shortened

__all__ = ["remote_source", "uri_of"]

_URI = re.compile(r"([a-z][a-z0-9+.-]+):/{1,3}(?=[^/])", re.IGNORECASE)  # one letter is a drive of Windows
_PARQUET = (".parquet", ".pq")


def uri_of(source: str | os.PathLike[str]) -> str | None:
    """The address that a text or a path is, None for a local one; a path has lost a slash of `s3://`.

    >>> from pathlib import Path
    >>> uri_of("s3://bucket/parts"), uri_of(Path("s3://bucket/parts")), uri_of("parts"), uri_of(Path("file:///parts"))
    ('s3://bucket/parts', 's3://bucket/parts', None, 'file:///parts')
    """
    text = os.fspath(source)
    match = _URI.match(text)
    if match is None:
        return None
    scheme, slashes = match[1].lower(), match[0].count("/")
    return text if slashes > 1 else f"{scheme}:{'///' if scheme == 'file' else '//'}{text[match.end() :]}"


def remote_source(uri: str) -> Source:
    """The rows of a Parquet file, or of a folder of them, in the order of their names.

    Raises DataError where the filesystem is unknown or cannot be reached, and for what is not Parquet.
    """
    address, uri = uri, _name_of(uri)
    try:
        system, key = pa_fs.FileSystem.from_uri(address)
    except (pa.ArrowException, OSError, ValueError):  # whose words have the whole address
        raise DataError(
            f"{uri!r} is not an address that pyarrow reads: give s3://, gs://, abfs:// or hdfs://"
        ) from None
    with _one_line_errors(uri):
        info = system.get_file_info(key)
    if info.type == pa_fs.FileType.NotFound:
        raise DataError(f"there is no file {uri!r}: check the name and the folder")
    if info.type == pa_fs.FileType.File:
        return RemoteParquetSource(system, info, uri)
    with _one_line_errors(uri):
        parts = [each for each in system.get_file_info(pa_fs.FileSelector(key)) if each.base_name[:1] not in "._"]
    parts.sort(key=lambda each: natural_order(each.base_name))
    wrong = next((each for each in parts if not _is_parquet(each)), None)
    if wrong is not None or not parts:
        holds = f"holds {wrong.base_name!r}" if wrong is not None else "is empty"
        raise DataError(f"{uri!r} {holds}: give a folder of Parquet files")
    return FolderSource(
        uri, [RemoteParquetSource(system, each, f"{uri.rstrip('/')}/{each.base_name}") for each in parts]
    )


def _name_of(uri: str) -> str:
    """The address in messages: without what logs in.

    >>> _name_of("s3://key:secret@bucket/parts?region=x")
    's3://bucket/parts'
    """
    return re.sub(r"//[^/@]*@", "//", uri.partition("?")[0])


class RemoteParquetSource(ParquetSource):
    """A Parquet file on another filesystem. Raises DataError where it is damaged, changes, or cannot be read."""

    def __init__(self, system: Any, info: Any, uri: str) -> None:
        self._system, self._key, self._stamp = system, info.path, (info.size, info.mtime_ns)
        super().__init__(uri)

    @contextlib.contextmanager
    def _opened(self, **options: Any) -> Iterator[Any]:
        with _one_line_errors(str(self._path)), self._system.open_input_file(self._key) as stream:
            yield parquet.ParquetFile(stream, pre_buffer=True, **options)

    def _require_same_file(self) -> None:
        with _one_line_errors(str(self._path)):
            now = self._system.get_file_info(self._key)
        if (now.size, now.mtime_ns) != self._stamp:
            raise DataError(f"{self.origin} has changed while it was read: start again when nothing writes to it")


def _is_parquet(info: Any) -> bool:
    return info.type == pa_fs.FileType.File and PurePosixPath(info.path).suffix in _PARQUET


@contextlib.contextmanager
def _one_line_errors(uri: str) -> Iterator[None]:
    """Turn what a filesystem says into one line."""
    try:
        yield
    except (pa.ArrowException, OSError, EOFError) as error:
        reason = shortened(str(error), 160)
        raise DataError(f"{uri!r} cannot be read ({reason}): check the address and your rights") from None
