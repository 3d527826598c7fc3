"""The equations of what is picked, with the numbers of this update: those of the ledger, and the update that comes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import SettingError
from chainrule.explanation import Equation, Equations
from chainrule.explanation.notation import Notation, notation_of
from chainrule.explanation.tree import Minus, Node, Number, Product, Sum, Symbol
from chainrule.fields import Whole
from chainrule.optimizers import SGD, ScheduleFree
from chainrule.studio.trainer import Trainer
from chainrule.text import printable, shortened, shown

__all__ = ["KINDS", "Pick", "explained", "picture"]

KINDS = ("weight", "bias", "neuron", "layer")
_ROW = Whole(0)


class Pick(NamedTuple):
    """What is picked: a weight from neuron i of layer - 1 to neuron j, the bias of j, a neuron j, or a layer.

    Layers and neurons count from 1, the row from 0; `notation` is that of one of the two documents.
    """

    kind: str
    layer: int
    i: int = 1
    j: int = 1
    row: int = 0
    notation: str = "GD"


def explained(trainer: Trainer, pick: Pick) -> dict[str, Any]:
    """The equations of a pick as plain data: of the row, of the next batch, and of the update that follows.

    Raises SettingError for a row, a layer or a neuron that is not there.
    """
    if pick.kind not in KINDS:
        raise SettingError(f"kind is {shown(pick.kind)}, but must be one of {', '.join(KINDS)}")
    row = row_number(trainer, pick.row)
    ledger = trainer.ledger([row]).example(0)
    parts: list[dict[str, Any]] = []
    if pick.kind == "layer":
        equations = ledger.layer(pick.layer).equations(pick.notation)
        parts.append(_part(f"forward and backward, row {row + 1}", equations))
    elif pick.kind == "neuron":
        neuron = ledger.neuron(pick.layer, pick.j, pick.notation)
        parts.append(_part(f"forward and backward, row {row + 1}", neuron))
    else:
        one = ledger.weight(pick.layer, pick.i, pick.j, pick.notation) if pick.kind == "weight" else None
        bias = ledger.bias(pick.layer, pick.j, pick.notation) if one is None else one
        neuron = ledger.neuron(pick.layer, pick.j, pick.notation)
        around = [each for each in neuron if each.name in ("forward", "activation", "BP1", "BP2")]
        parts.append(_part(f"row {row + 1}", Equations("", [*around, bias])))
    if pick.kind in ("weight", "bias"):
        parts += _updated(trainer, pick)
    return {"pick": pick._asdict(), "row": _row_words(trainer, row), "parts": parts}


def row_number(trainer: Trainer, row: Any) -> int:
    """A row to train on. Raises SettingError for one that is not there."""
    number: int = _ROW.clean("row", row)
    rows = len(trainer.dataset.train.X)
    if number >= rows:
        raise SettingError(f"row is {number}, but must be from 0 to {rows - 1:,}")
    return number


def _row_words(trainer: Trainer, row: int) -> dict[str, Any]:
    """What a row is: its inputs and targets by their names."""
    dataset, ledger = trainer.dataset, trainer.ledger([row])
    names = dataset.names[:12]
    inputs = [
        {"name": shortened(printable(n), 60), "value": float(v)} for n, v in zip(names, ledger.A[0][0], strict=False)
    ]
    targets = [float(t) for t in ledger.T[0][:12]]
    answers = [float(a) for a in ledger.A[-1][0][:12]]
    cost = float(ledger.cost[0])
    return {"number": row, "inputs": inputs, "targets": targets, "answers": answers, "cost": cost}


def _part(title: str, equations: Equations) -> dict[str, Any]:
    name = equations.title
    return {"title": f"{name}: {title}" if name else title, "equations": [picture(each) for each in equations]}


def picture(equation: Equation) -> dict[str, Any]:
    """An equation as plain data, also as MathML and as one line of text."""
    return {**equation.document(), "mathml": equation.mathml(), "text": str(equation)}


# ---------------------------------------------------------------------------------------------- the update


def _updated(trainer: Trainer, pick: Pick) -> list[dict[str, Any]]:
    """The gradient of the next batch, and what the rule makes of it."""
    if trainer.finished:
        return []
    batch, k = trainer.next_batch, pick.layer - 2
    if batch.epoch >= trainer.design.training.epochs:
        return []
    ledger = trainer.batch_ledger(batch)
    weight = pick.kind == "weight"
    if weight:
        gradient = ledger.weight(pick.layer, pick.i, pick.j, pick.notation)
    else:
        gradient = ledger.bias(pick.layer, pick.j, pick.notation)
    before, after = trainer.after_update()
    part = trainer.net.architecture.slices[k][0 if weight else 1]
    at = part.start + ((pick.i - 1) * trainer.net.sizes[k + 1] + pick.j - 1 if weight else pick.j - 1)
    s, rule = notation_of(pick.notation), trainer.training.settings.optimizer
    symbol = s.w(pick.layer, pick.i, pick.j) if weight else s.of("b", pick.layer, pick.j)
    old, new = float(before.run.theta[at]), float(after.run.theta[at])
    rate = rule.learning_rate * trainer.rate_factor
    plain = isinstance(rule, SGD) and rule.momentum == 0 and trainer.has_plain_gradient
    if isinstance(rule, ScheduleFree):
        z, (_, c) = new + float(after.run.slots[0, at]), rule.warmed_up(after.run.step)
        equation = _averaged(symbol, old, new, z, c)
    else:
        equation = _descent(symbol, s, old, new, gradient.value, rate) if plain else _moved(symbol, old, new)
    slots = [
        {"before": float(b), "after": float(a)}
        for b, a in zip(before.run.slots[:, at].tolist(), after.run.slots[:, at].tolist(), strict=True)
    ]
    words = (type(rule).__doc__ or "").partition("\n")[0]
    title = f"update {trainer.updates + 1:,}: {len(batch.rows)} rows of epoch {batch.epoch + 1}"
    return [
        {"title": title, "equations": [picture(gradient)]},
        {
            "title": f"what {rule.name} makes of it",
            "rule": words,
            "rate": float(rate),
            "slots": slots,
            "equations": [picture(equation)],
            "before": old,
            "after": new,
        },
    ]


def _descent(symbol: Symbol, s: Notation, old: float, new: float, gradient: float, rate: float) -> Equation:
    """w ← w - eta dC/dw."""
    formula = Sum((symbol, Minus(Product((Symbol("η"), s.derivative(symbol, mean=True))))))
    numbers = Sum((Number(old), Minus(Product((Number(rate), Number(gradient)), "·"))))
    return _update(symbol, formula, numbers, new)


def _averaged(symbol: Symbol, old: float, new: float, z: float, c: float) -> Equation:
    """w ← (1 - c) w + c z: the mean of the points z, of which this update made one more."""
    point = Symbol("z", symbol.below, symbol.above)
    share = Sum((Symbol("1"), Minus(Symbol("c"))))
    formula = Sum((Product((share, symbol)), Product((Symbol("c"), point))))
    numbers = Sum((Product((Number(1 - c), Number(old)), "·"), Product((Number(c), Number(z)), "·")))
    return _update(symbol, formula, numbers, new)


def _moved(symbol: Symbol, old: float, new: float) -> Equation:
    """w ← w + Δw."""
    delta = Symbol(f"Δ{symbol.name}", symbol.below, symbol.above)
    return _update(symbol, Sum((symbol, delta)), Sum((Number(old), Number(new - old))), new)


def _update(symbol: Symbol, formula: Node, numbers: Node, new: float) -> Equation:
    next_one = Symbol(symbol.name, symbol.below, symbol.above, prime=True)
    return Equation("update", next_one, formula, numbers, Number(new), float(np.float64(new)))
