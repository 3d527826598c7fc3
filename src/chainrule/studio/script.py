"""The Python that makes the same training: with the same versions it gives the same bits."""

from __future__ import annotations

from typing import Any

from chainrule.optimizers import Clip
from chainrule.studio.dataset import Dataset
from chainrule.studio.design import TRAINING, Design, bounds_of
from chainrule.studio.trainer import Trainer

__all__ = ["script"]


def script(trainer: Trainer, source: str = "", target: str = "", table: dict[str, Any] | None = None) -> str:
    """Python that trains the same network up to this update.

    - trainer: the training.
    - source, target: the path of a table and the column to learn; "" for a set or arrays.
    - table: the settings with which the table was prepared.
    """
    if trainer.dataset.table is not None:
        return _of_table(trainer, source, target, table or {})
    return _of_arrays(trainer.dataset, trainer.design, trainer)


def _of_arrays(dataset: Dataset, design: Design, trainer: Trainer) -> str:
    net, a = trainer.net, trainer.net.architecture
    block = a.blocks[0]
    held = dataset.held_out is not None
    rows = "X[rows], T[rows]" if held else "X, T"
    validation = '    validation=(X[held_out], T[held_out]),\n    monitor="training",\n' if held else ""
    settings = "".join(f"    {name}={value},\n" for name, value in _settings(design).items())
    return (
        f"import chainrule as cr\n{dataset.script}\n"
        f"net = cr.Network(\n    {list(net.sizes)},\n"
        f"    activation={[_of(each) for each in a.hidden]!r},\n"
        f"    output={_of(block.activation)!r},\n    cost={_of(block.cost)!r},\n"
        f"    initializer={_of(design.first_weights)!r},\n    seed={net.seed},\n    dtype={design.dtype!r},\n)\n"
        f"training = cr.train(\n    net,\n    {rows},\n{validation}{settings})\n" + _updates(trainer, "training")
    )


def _of_table(trainer: Trainer, source: str, target: str, table: dict[str, Any]) -> str:
    design, block = trainer.design, trainer.net.architecture.blocks[0]
    values = {**table, "hidden": design.hidden, "activation": [_of(each) for each in design.activation]}
    values |= {"output": _of(block.activation), "cost": _of(block.cost), "initializer": _of(design.first_weights)}
    values |= {"dtype": design.dtype}
    lines = {name: repr(value) for name, value in values.items()} | _settings(design)
    settings = "".join(f"    {name}={value},\n" for name, value in lines.items())
    return (
        "import chainrule as cr\nfrom chainrule.model import TableSettings, TableTraining\n\n"
        f"settings = TableSettings(\n{settings})\n"
        f"table = TableTraining({source!r}, {target!r}, settings)\n"
        "events = table.events()\nnext(events)\ntraining, net = table.running, table.network\n"
        + _updates(trainer, "training")
    )


def _updates(trainer: Trainer, name: str) -> str:
    """The lines that make as many updates."""
    if trainer.finished:
        return f"for event in {name}:\n    pass\n"
    return f"for _ in range({trainer.updates}):\n    {name}.step()\n"


def _settings(design: Design) -> dict[str, str]:
    """The settings of training, as Python."""
    s = design.training
    values = {name: getattr(s, name) for name in TRAINING}
    return {name: _code(value) for name, value in values.items()}


def _code(value: Any) -> str:
    if isinstance(value, Clip):
        return f"cr.Clip({', '.join(f'{name}={bound!r}' for name, bound in bounds_of(value).items())})"
    return repr(_of(value))


def _of(entry: Any) -> Any:
    """An entry as its name, or as a mapping where it has parameters; anything else as it is."""
    if not hasattr(entry, "document"):
        return entry
    document = entry.document()
    return document["name"] if len(document) == 1 else document
