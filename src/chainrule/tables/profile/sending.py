"""Profiles as bytes, which hosts of one training send each other, and back.

They are pickled, but only the classes of this package, arrays of numbers and tables of Arrow's file format come back:
bytes that name anything else are refused.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

from chainrule.errors import DataError
from chainrule.tables.arrow import pa
from chainrule.tables.profile.fits import Fits

__all__ = ["packed", "unpacked"]

_PACKAGE = "chainrule.tables.profile."
_ALLOWED = {
    ("builtins", "bytearray"),
    ("builtins", "set"),
    ("chainrule.tables.column_kinds", "ColumnKind"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
}


def packed(profiles: list[Any]) -> bytes:
    """The profiles as bytes.

    >>> from chainrule.tables.profile import ColumnProfile
    >>> unpacked(packed([ColumnProfile("age")]))[0].name
    'age'
    """
    stream = io.BytesIO()
    _Pickler(stream, protocol=4).dump(profiles)
    return stream.getvalue()


def unpacked(message: bytes) -> list[Any]:
    """The profiles of `packed`. Raises DataError for bytes that name anything but profiles."""
    profiles = _Unpickler(io.BytesIO(message)).load()
    return list(profiles)


class _Pickler(pickle.Pickler):
    """Writes tables in Arrow's format, and no functions."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, pa.Table):
            return table_of, (_bytes_of(value),)
        if isinstance(value, Fits):  # its functions are for more words, of which none come
            return Fits, (None, None), {**vars(value), "_considered": None, "_read": None}
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    """Makes nothing but profiles and what they consist of."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return super().find_class(module, name)
        if module.startswith(_PACKAGE) and "." not in name:
            part = super().find_class(module, name)
            if isinstance(part, type) or part is table_of:
                return part
        raise DataError(f"another host sent {module}.{name}, which is not a profile: use one version on all hosts")


def table_of(message: bytes) -> pa.Table:
    """A table of its bytes in Arrow's format."""
    return pa.ipc.open_stream(message).read_all()


def _bytes_of(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
