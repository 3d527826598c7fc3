"""`chainrule inspect`: show in words what a model file contains."""

import math
from pathlib import Path
from typing import Any

from chainrule.cli.console import say, show_table, write_json
from chainrule.cli.options import AsJson
from chainrule.files import load, stored_form
from chainrule.model import Model
from chainrule.network import Network
from chainrule.tables.targets import LogQuantity
from chainrule.text import number, short, shortened, words

__all__ = ["inspect"]

_FIRST = ("rows", "validation_rows", "epochs", "stopped", "best_epoch", "at_best_epoch", "optimizer", "batch_size")


def inspect(
    model: Path,
    /,
    *,
    as_json: AsJson = False,
) -> int:
    """Show in words what a model file contains: the architecture, the columns, how it was trained.

    Parameters
    ----------
    model
        A model file that chainrule wrote.
    """
    stored = load(model)
    if as_json:
        write_json({"kind": type(stored).__name__.lower(), **stored_form(stored)[1]})
        return 0
    network = stored.network if isinstance(stored, Model) else stored
    _show_network(network)
    if isinstance(stored, Model):
        _show_columns(stored)
        _show_training(stored.summary)
    return 0


def _show_network(network: Network) -> None:
    say(f"network: {network.architecture.describe()}")
    layers = ", ".join(f"layer {l}: {W.shape[0]} × {W.shape[1]} + {W.shape[1]}" for l, W in enumerate(network.W, 2))
    say(f"{network.theta.size:,} parameters in {network.dtype} ({layers})")


def _show_columns(model: Model) -> None:
    say("")
    targets = [(short(c.name), c.kind, _target_detail(c)) for c in model.targets.columns]
    show_table(("target", "kind", "what it is"), targets)
    say("")
    columns = [(short(name), kind, shortened(detail)) for name, kind, detail in model.encoder.describe()]
    show_table(("column", "becomes", "how"), columns)


def _target_detail(target: Any) -> str:
    if target.kind == "classes":
        return ", ".join(map(short, target.words[:12])) + (
            f" and {target.width - 12} more" if target.width > 12 else ""
        )
    if isinstance(target, LogQuantity):
        typical, factor = number(math.exp(target.mean)), number(math.exp(target.scale))
        return f"its logarithm: typically {typical}, times or divided by {factor}"
    if target.mean == 0:
        return f"in units of {number(target.scale)}"
    return f"mean {number(target.mean)}, standard deviation {number(target.scale)}"


def _show_training(summary: dict[str, Any]) -> None:
    say("")
    rows = [(name, summary[name]) for name in (*_FIRST, *sorted(summary.keys() - set(_FIRST))) if name in summary]
    show_table(("training", ""), [(words(name), _words(value)) for name, value in rows if value != ""])


def _words(value: Any) -> str:
    if isinstance(value, dict):
        named = [value["name"]] if "name" in value else []
        return ", ".join([*named, *(f"{words(name)} {_words(part)}" for name, part in value.items() if name != "name")])
    return number(value) if isinstance(value, float) else str(value)
