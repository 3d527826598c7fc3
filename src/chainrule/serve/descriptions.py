"""What a server says of its model: in short, and as an OpenAPI 3.1 description.

Source: the OpenAPI specification 3.1.0, https://spec.openapis.org/oas/v3.1.0; JSON Schema 2020-12.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from chainrule._version import __version__
from chainrule.serve.bodies import Limits
from chainrule.serve.served import Column, Goal, Served

__all__ = ["About", "openapi", "summary"]

_TYPES = {  # what a cell is in JSON
    "number": ["number", "string", "boolean", "null"],
    "word": ["string", "number", "boolean", "null"],
    "time": ["string", "null"],
    "presence": ["string", "number", "boolean", "null"],
}
_REASONS = {
    400: "The body is not JSON in UTF-8, or none of the forms of rows.",
    408: "The body did not come in time.",
    413: "The body has too many bytes, rows or columns.",
    415: "The content type is neither application/json nor text/csv, or the body is compressed.",
    421: "The request is for another host.",
    422: "The model cannot take these rows: a column is missing, or a cell is not what its column holds.",
    503: "The server is busy or ending.",
}


class About(NamedTuple):
    """A file that is served: its name and the SHA-256 of its bytes."""

    name: str
    digest: str

    def health(self) -> dict[str, Any]:
        """What GET /health answers."""
        return {"status": "ready", "model": self.digest, "version": __version__}


def summary(served: Served, about: About) -> dict[str, Any]:
    """What GET / answers: the columns with examples, the targets, and where to send rows."""
    return {
        "model": about.name,
        "kind": served.kind,
        "digest": about.digest,
        "version": __version__,
        "columns": [column._asdict() for column in served.columns],
        "targets": [
            {"name": goal.name, "kind": _kind(goal), "classes": list(goal.classes or goal.chances)}
            for goal in served.goals
        ],
        "predict": {"post": "/predict", "example": [_example(served.columns)]},
        "description": "/openapi.json",
    }


def openapi(served: Served, about: About, limits: Limits) -> dict[str, Any]:
    """The OpenAPI description of a server of this file."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"chainrule: {about.name}",
            "version": __version__,
            "description": f"Predictions of {about.name} (SHA-256 {about.digest}).",
        },
        "paths": {
            "/predict": {"post": _predict(served, limits)},
            "/health": {"get": _get("Whether the server is ready, and the digest of its model.", _health(about))},
            "/drift": {"get": _get("How the rows since the start differ from those of training.", {"type": "object"})},
            "/": {"get": _get("The columns and the targets of the model.", {"type": "object"})},
            "/openapi.json": {"get": _get("This description.", {"type": "object"})},
        },
        "components": {
            "schemas": {
                "Row": _row(served.columns),
                "Cells": {"type": "array", "items": {"type": _TYPES["word"]}, "description": _cells(served.columns)},
                "Prediction": _prediction(served.goals),
                "Error": _object({"error": {"type": "string", "description": "What is wrong, in one line."}}),
            }
        },
    }


def _predict(served: Served, limits: Limits) -> dict[str, Any]:
    """The operation that answers rows."""
    error = {"application/json": {"schema": _ref("Error")}}
    answer = _object({"predictions": {"type": "array", "items": _ref("Prediction")}})
    return {
        "summary": f"Predict {', '.join(goal.name for goal in served.goals)} for rows.",
        "operationId": "predict",
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": _rows(limits), "example": [_example(served.columns)]},
                "text/csv": {"schema": {"type": "string", "description": "A first line of names, then the rows."}},
            },
        },
        "responses": {
            "200": {
                "description": "A prediction for each row, in their order; as CSV where Accept asks for text/csv.",
                "content": {"application/json": {"schema": answer}, "text/csv": {"schema": {"type": "string"}}},
            },
            **{str(status): {"description": text, "content": error} for status, text in _REASONS.items()},
        },
    }


def _rows(limits: Limits) -> dict[str, Any]:
    """The forms of a body."""
    objects = {"type": "array", "items": _ref("Row"), "minItems": 1, "maxItems": limits.rows}
    lists = {"type": "array", "items": _ref("Cells"), "minItems": 1, "maxItems": limits.rows}
    columns = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
    table = {**_object({"columns": columns, "rows": lists}), "description": "Rows in the order of these columns."}
    return {"anyOf": [objects, _ref("Row"), lists, table]}


def _row(columns: Sequence[Column]) -> dict[str, Any]:
    """A row as an object; it may have more columns, which are ignored."""
    properties = {
        column.name: {"type": _TYPES[column.kind], "description": column.detail, "examples": [column.example]}
        for column in columns
    }
    return {**_object(properties), "additionalProperties": True}


def _cells(columns: Sequence[Column]) -> str:
    return f"The cells of a row, in the order of the columns: {', '.join(column.name for column in columns)}."


def _prediction(goals: Sequence[Goal]) -> dict[str, Any]:
    """The prediction of a row; by target where there are several."""
    if len(goals) == 1:
        return _of_goal(goals[0])
    return _object({goal.name: _of_goal(goal) for goal in goals})


def _kind(goal: Goal) -> str:
    return "classes" if goal.classes else "labels" if goal.chances else "numbers"


def _of_goal(goal: Goal) -> dict[str, Any]:
    if _kind(goal) == "numbers":
        return _object({"value": {"type": ["number", "null"], "description": goal.name}})
    values = {"enum": list(goal.classes)} if goal.classes else {"type": "string"}
    label = {**values, "description": goal.name}
    if not goal.chances:
        return _object({"label": label})
    share = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
    return _object({"label": label, "probabilities": _object(dict.fromkeys(goal.chances, share))})


def _health(about: About) -> dict[str, Any]:
    return _object({name: {"type": "string", "examples": [value]} for name, value in about.health().items()})


def _get(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    """An operation without parameters."""
    answer = {"description": text, "content": {"application/json": {"schema": schema}}}
    return {"summary": text, "responses": {"200": answer}}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    """An object with exactly these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _example(columns: Sequence[Column]) -> dict[str, Any]:
    return {column.name: column.example for column in columns}
