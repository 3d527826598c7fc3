"""A model that is inspected: from a file, or the one that is trained here. Its answer for one row, and how it moves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError, SettingError
from chainrule.model import Model
from chainrule.network import Network
from chainrule.registry import is_finite
from chainrule.tables.inputs.operations import Values
from chainrule.tables.inputs.transforms import NumberColumn, Transform, WordColumn
from chainrule.tables.inputs.transforms.numbers import Log
from chainrule.text import printable, shortened, shown

__all__ = ["described", "what_if", "what_if_arrays"]

MOST = 60  # columns or outputs that are shown
MOST_GRADIENTS = 30


def described(stored: Any) -> dict[str, Any]:
    """What a model, an estimator or a network is, as plain data."""
    network = network_of(stored)
    lines = {"kind": type(stored).__name__, "network": network.architecture.describe()}
    about: dict[str, Any] = {**lines, "parameters": network.theta.size, "dtype": str(network.dtype)}
    if isinstance(stored, Model):
        columns = [{"name": name, "kind": kind, "reading": words} for name, kind, words in stored.encoder.describe()]
        about |= {"columns": columns, "targets": stored.targets.names, "summary": stored.summary}
    return about


def network_of(stored: Any) -> Network:
    """The network of what a file holds. Raises SettingError for one without a network."""
    network = stored if isinstance(stored, Network) else getattr(stored, "network", getattr(stored, "network_", None))
    if not isinstance(network, Network):
        raise SettingError(f"the file has a {type(stored).__name__}, which has no network that could be shown")
    return network


# ---------------------------------------------------------------------------------------------- one row of a table


def what_if(model: Model, values: Mapping[str, Any] | None, cells: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The answer for one row of cells by column, the gradients of the answer, and a slider for each column.

    - model: a model of tables.
    - values: the cells that were moved.
    - cells: the row that the others begin with; None for the middle of each column.

    Raises DataError for a cell that the model cannot read.
    """
    sliders = [_slider(transform, cells or {}) for transform, _ in model.encoder.slices]
    row = {slider["name"]: slider["value"] for slider in sliders} | _known(values, [s["name"] for s in sliders])
    for slider in sliders:
        slider["value"] = row[slider["name"]]
    table = {name: [cell] for name, cell in row.items()}
    outputs = model.outputs(table)[0]
    X = _encoded(model, table)
    gradients = model.network.input_gradients(X)[0]
    best = int(outputs.argmax())
    moves = [
        [{"name": printable(f), "gradient": g} for f, g in zip(t.features, gradients[best, part].tolist(), strict=True)]
        for t, part in model.encoder.slices
    ]
    prediction = model.predict(table)
    answer = {name: _plain(value[0]) for name, value in prediction.items()} if isinstance(prediction, dict) else None
    return {
        "sliders": sliders[:MOST],
        "answer": answer or {model.targets.names[0]: _plain(prediction[0])},
        "truth": {name: _plain(cells[name]) for name in model.targets.names if cells and name in cells},
        "outputs": _outputs(model.targets.neurons, outputs),
        "of": printable(model.targets.neurons[best] if len(model.targets.neurons) > best else ""),
        **_strongest(moves),
    }


def _known(values: Mapping[str, Any] | None, names: list[str]) -> dict[str, Any]:
    if values is not None and not isinstance(values, Mapping):
        raise SettingError(f"values are {shown(values)}, but must be cells by column")
    for name, value in (values or {}).items():
        if name not in names:
            raise SettingError(f"there is no column {shown(name)}")
        if not (value is None or isinstance(value, str) or is_finite(value)):
            raise SettingError(f"the cell of {shown(name)} is {shown(value)}, but must be a number or text")
    return dict(values or {})


def _encoded(model: Model, table: dict[str, list[Any]]) -> Array:
    from chainrule.tables.sources import as_source

    return np.asarray(model.encoder.encode(as_source(table).table(), model.network.dtype))


def _slider(transform: Transform, cells: Mapping[str, Any]) -> dict[str, Any]:
    """How a column can be moved: between numbers, or among words; it begins with the cell of a row, if there is one."""
    name = transform.name
    if isinstance(transform, NumberColumn):
        low, middle, high = (_unscaled(transform, k) for k in (-3.0, 0.0, 3.0))
        learned = [value for part in transform.inputs if isinstance(part, Values) for value in part.values]
        if learned:
            middle = min(learned, key=lambda value: abs(value - middle))
        value = _number(cells[name]) if name in cells else middle
        within = (low, high) if value is None else (min(low, value), max(high, value))
        steps = {"steps": sorted({*learned, *([] if value is None else [value])})} if learned else {}
        return {"name": name, "low": within[0], "high": within[1], "value": value, **steps}
    if isinstance(transform, WordColumn):
        words = [str(word) for word in list(transform.words)[:100]]
        value = cells.get(name, words[0] if words else None)
        shown_words = words if value is None or str(value) in words else [str(value), *words]
        return {"name": name, "words": shown_words, "value": None if value is None else str(value)}
    return {"name": name, "value": None if cells.get(name) is None else str(cells[name])}


def _number(cell: Any) -> float | None:
    """A cell as a number; None where it is missing or not one."""
    try:
        number = float(cell)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _unscaled(transform: NumberColumn, deviations: float) -> float:
    """The number so many deviations from the middle."""
    value = float(getattr(transform, "mean", 0.0)) + deviations * float(getattr(transform, "scale", 1.0))
    if isinstance(transform, Log):
        value = transform.origin + transform.unit * math.sinh(value)
    return float(f"{value:.4g}")


def _strongest(columns: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """The inputs with the largest gradients, in their order, and how many there are in all.

    Each column comes with its largest before any comes with its second, so that one of many inputs hides no other.
    """
    ranked: list[tuple[int, float, int, int]] = []
    for place, column in enumerate(columns):
        sizes = [abs(float(move["gradient"])) for move in column]
        by_size = np.argsort(np.negative(sizes), kind="stable").tolist()
        ranked += [(rank, -sizes[j], place, j) for rank, j in enumerate(by_size)]
    chosen = sorted((place, j) for *_, place, j in sorted(ranked)[:MOST_GRADIENTS])
    return {"gradients": [columns[place][j] for place, j in chosen], "inputs": len(ranked)}


def _outputs(names: list[str], outputs: Array) -> list[dict[str, Any]]:
    names = names if len(names) == len(outputs) else [f"output {j + 1}" for j in range(len(outputs))]
    pairs = zip(names, outputs.tolist(), strict=True)
    return [{"name": shortened(printable(name), 60), "value": _plain(value)} for name, value in pairs][:MOST]


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, int | float | str | bool) or value is None else str(value)


# ---------------------------------------------------------------------------------------------- one row of numbers


def what_if_arrays(
    network: Network, names: list[str], outputs: list[str], ranges: Array, values: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The same for a network of numbers: `ranges` (3, n_1) has the least, the greatest and the first values."""
    known = _known(values, names)
    low, high, first = ranges.tolist()
    x = [known.get(name, value) for name, value in zip(names, first, strict=True)]
    if not all(is_finite(value) for value in x):
        raise DataError("an input is not a number: give numbers")
    X = np.array([x], network.dtype)
    A, gradients = network.predict(X)[0], network.input_gradients(X)[0]
    best = int(A.argmax())
    sliders = [
        {"name": name, "low": a, "high": b, "value": float(v)}
        for name, a, b, v in zip(names, low, high, x, strict=True)
    ]
    moves = [[{"name": printable(n), "gradient": g}] for n, g in zip(names, gradients[best].tolist(), strict=True)]
    answers = _outputs(outputs, A)
    return {
        "sliders": sliders[:MOST],
        "answer": {answers[best]["name"] if best < len(answers) else "answer": answers[best]["value"]},
        "outputs": answers,
        "of": answers[best]["name"],
        **_strongest(moves),
    }
