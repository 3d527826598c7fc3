"""An estimator's targets as plain data and tensors `targets.*`, for its file."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from chainrule.arrays import Array
from chainrule.errors import ModelFileError
from chainrule.estimators.labels import Labels
from chainrule.estimators.targets import ScaledValues, Values
from chainrule.files.plain import pack, unpack
from chainrule.tables.targets import Targets as Columns

__all__ = ["from_parts", "to_parts"]

KINDS = {"labels": Labels, "values": Values}


def to_parts(targets: Any, tensors: dict[str, Array]) -> dict[str, Any]:
    """The targets as data for JSON; their arrays are put into `tensors`."""
    if isinstance(targets, ScaledValues):
        tensors |= targets.scaled.tensors()
        return {"is": "quantities", "of": targets.scaled.document(), "columns": targets.columns}
    kind = next(kind for kind, cls in KINDS.items() if isinstance(targets, cls))
    fields = {field.name: getattr(targets, field.name) for field in dataclasses.fields(targets)}
    return {"is": kind, "of": {name: pack(value, tensors, f"targets.{name}") for name, value in fields.items()}}


def from_parts(document: Mapping[str, Any], tensors: Mapping[str, Array]) -> Any:
    """The targets of such data.

    Raises ModelFileError, LookupError, TypeError or ValueError for parts that do not fit together.
    """
    kind, of = document["is"], document["of"]
    if kind == "quantities":
        return ScaledValues(_count(document["columns"]), Columns.from_document(of, tensors))
    return KINDS[kind](**{name: unpack(value, tensors) for name, value in of.items()})


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ModelFileError(f"its targets have a count of {value!r}")
    return value
