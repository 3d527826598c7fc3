"""A few columns of all rows of a folder, of which each of several hosts reads its parts and sends them to the others.

    part k is read by host k mod N; after every N parts the hosts exchange what they have, in the order of the parts

So each host has the targets of all rows, and reads and parses a share of the folder. Of Parquet a host reads these
columns alone, which costs less than to wait for the others; a table of one file is read by every host.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chainrule.hosts import Link
from chainrule.tables.arrow import pa
from chainrule.tables.sources import FolderSource, Source

__all__ = ["shared_columns"]


def shared_columns(link: Link, source: Source, names: Sequence[str]) -> Source:
    """A source of these columns that the hosts read together, if that is faster; else the source itself.

    Every host makes the same passes over it, each to its end. Raises HostsError where another host has ended.
    """
    if link.alone or not isinstance(source, FolderSource) or source.reads_columns or source.count == 1:
        return source
    return _SharedColumns(link, source, names)


class _SharedColumns(Source):
    """The columns of a folder that is read by all hosts together."""

    def __init__(self, link: Link, folder: FolderSource, names: Sequence[str]) -> None:
        super().__init__(folder.origin, list(names))
        self.typed, self.hint = folder.typed, folder.hint
        self._link, self._folder = link, folder

    def _read(self) -> Iterator[pa.Table]:
        hosts = self._link.hosts
        for first in range(0, self._folder.count, hosts):
            own = first + self._link.host
            message = _packed(self._folder.part(own, self.names)) if own < self._folder.count else b""
            for received in self._link.gather_bytes(message):
                yield from _unpacked(received)


def _packed(blocks: Iterator[pa.Table]) -> bytes:
    """The blocks in Arrow's format; nothing where there is none."""
    sink, writer = pa.BufferOutputStream(), None
    for block in blocks:
        writer = writer or pa.ipc.new_stream(sink, block.schema, options=pa.ipc.IpcWriteOptions(compression="lz4"))
        writer.write_table(block)
    if writer is None:
        return b""
    writer.close()
    return bytes(sink.getvalue())


def _unpacked(message: bytes) -> Iterator[pa.Table]:
    if message:
        with pa.ipc.open_stream(message) as blocks:
            for batch in blocks:
                yield pa.Table.from_batches([batch], blocks.schema)
