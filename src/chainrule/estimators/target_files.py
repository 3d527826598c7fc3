"""An estimator's targets as plain data and tensors `targets.*`, for its file."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import ModelFileError
from chainrule.files.plain import pack, unpack
from chainrule.tables.targets import ArrayLabels, ArrayNumbers, Targets
from chainrule.text import shown

__all__ = ["from_parts", "to_parts"]


def to_parts(targets: ArrayLabels | ArrayNumbers, tensors: dict[str, Array]) -> dict[str, Any]:
    """The targets as data for JSON; their arrays are put into `tensors`."""
    if isinstance(targets, ArrayLabels):
        single = targets.yes_or_no or targets.kind != "binary"
        fields = {"kind": targets.kind, "classes": tuple(targets.classes), "single": single}
        return {"is": "labels", "of": {name: pack(v, tensors, f"targets.{name}") for name, v in fields.items()}}
    columns = 0 if targets.flat else len(targets.outputs.columns)
    if not targets.scaled:
        return {"is": "values", "of": {"columns": pack(columns, tensors, "targets.columns")}}
    tensors |= targets.outputs.tensors()
    return {"is": "quantities", "of": targets.outputs.document(), "columns": columns}


def from_parts(document: Mapping[str, Any], tensors: Mapping[str, Array]) -> ArrayLabels | ArrayNumbers:
    """The targets of such data.

    Raises ModelFileError, LookupError, TypeError or ValueError for parts that do not fit together.
    """
    kind, of = document["is"], document["of"]
    if kind == "quantities":
        return ArrayNumbers(Targets.from_document(of, tensors), _count(document["columns"]) == 0, True)
    fields = {name: unpack(value, tensors) for name, value in of.items()}
    if kind == "values":
        return ArrayNumbers.plain(_count(fields["columns"]))
    if kind != "labels":
        raise ModelFileError(f"its targets are {shown(kind)}")
    return _labels(**fields)


def _labels(kind: str, classes: tuple[Array, ...], single: bool) -> ArrayLabels:
    if kind == "multilabel":
        labels = ArrayLabels.several_labels(len(classes))
    else:
        labels = ArrayLabels.of(list(classes) if kind == "multioutput" else classes[0], single)
    if labels.kind != kind or not all(map(np.array_equal, labels.classes, classes)):
        raise ModelFileError(f"its targets are {kind}, but their classes are {labels.kind}")
    return labels


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ModelFileError(f"its targets have a count of {shown(value)}")
    return value
