"""Predictions as the bytes of an answer: JSON, or the CSV that `chainrule predict` writes."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from typing import Any

from chainrule.serve.served import Prediction, in_columns
from chainrule.tables.arrow import arrow_csv, pa

__all__ = ["json_bytes", "written"]


def written(predictions: Sequence[Prediction], as_csv: bool) -> bytes:
    """The predictions of each target for some rows. Raises SettingError where columns of CSV would have one name."""
    return _as_csv(predictions) if as_csv else json_bytes({"predictions": _rows(predictions)})


def json_bytes(value: Any) -> bytes:
    """Plain data as one line of JSON; characters beyond ASCII are escaped, so that any text can be written."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")


def _rows(predictions: Sequence[Prediction]) -> list[Any]:
    """One object for each row: the label and its probabilities, or the value; by target where there are several."""
    if len(predictions) == 1:
        return _of_target(predictions[0])
    names, parts = [p.name for p in predictions], [_of_target(p) for p in predictions]
    return [dict(zip(names, row, strict=True)) for row in zip(*parts, strict=True)]


def _of_target(prediction: Prediction) -> list[dict[str, Any]]:
    values, chances = prediction.values.tolist(), prediction.chances
    if chances is None:
        return [{"value": _finite(value)} for value in values]
    if not chances:
        return [{"label": value} for value in values]
    rows = zip(*(part.tolist() for part in chances.values()), strict=True)
    return [
        {"label": value, "probabilities": {text: _finite(p) for text, p in zip(chances, row, strict=True)}}
        for value, row in zip(values, rows, strict=True)
    ]


def _finite(value: Any) -> Any:
    """The value; null for NaN and infinity, which JSON lacks."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _as_csv(predictions: Sequence[Prediction]) -> bytes:
    stream = io.BytesIO()
    arrow_csv.write_csv(pa.table({name: pa.array(part) for name, part in in_columns(predictions).items()}), stream)
    return stream.getvalue()
