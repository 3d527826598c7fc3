"""Follow one example through the network, in eight steps: what happens, and the equations with its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.backprop import Ledger
from chainrule.errors import SettingError
from chainrule.explanation import Equation
from chainrule.fields import Whole
from chainrule.studio.equations import Pick, explained, picture, row_number
from chainrule.studio.trainer import Trainer
from chainrule.text import printable, shortened

__all__ = ["STEPS", "tour"]

STEPS = 8
_STEP = Whole(1)


def tour(trainer: Trainer, row: Any, step: Any, notation: str = "GD") -> dict[str, Any]:
    """One step of the tour of a row to train on: `title`, `text`, `equations`, and what to `show` in the picture.

    - trainer: the training.
    - row: the number of the row, from 0.
    - step: from 1 to 8.
    - notation: "GD" or "BP": whose letters.

    Raises SettingError for a row or a step that is not there.
    """
    row, step = row_number(trainer, row), _STEP.clean("step", step)
    if step > STEPS:
        raise SettingError(f"step is {step}, but must be from 1 to {STEPS}")
    ledger = trainer.ledger([row]).example(0)
    title, text, equations, show = _STEPS[step - 1](trainer, ledger, row, notation)
    pictures = [each if isinstance(each, dict) else picture(each) for each in equations]
    return {"step": step, "steps": STEPS, "row": row, "title": title, "text": text, "equations": pictures, "show": show}


Step = tuple[str, str, list[Any], dict[str, Any]]


def _example(trainer: Trainer, ledger: Ledger, row: int, notation: str) -> Step:
    cells = zip(trainer.dataset.names[:8], ledger.A[0][0].tolist(), strict=False)
    inputs = ", ".join(f"{shortened(printable(name), 40)} = {value:.4g}" for name, value in cells)
    more = " ..." if len(trainer.dataset.names) > 8 else ""
    target = ", ".join(f"{t:.4g}" for t in ledger.T[0][:10].tolist())
    text = f"Row {row + 1} enters the network: {inputs}{more}. The target is {target}. Layer 1 passes it on as it is."
    return "The example", text, [], {"layer": 1}


def _sum(trainer: Trainer, ledger: Ledger, row: int, notation: str) -> Step:
    text = (
        "Each neuron of layer 2 multiplies every input by a weight, adds these products up, and adds its bias. "
        "The sum is called z. Here it is for neuron 1."
    )
    return "The weighted sum", text, [_named(ledger, 2, 1, notation, "forward")], {"layer": 2, "neuron": 1}


def _activation(trainer: Trainer, ledger: Ledger, row: int, notation: str) -> Step:
    name = ledger.architecture.activations[0].name
    text = f"The activation {name} turns z into the answer a of the neuron. Without it, layers would add nothing."
    return "The activation", text, [_named(ledger, 2, 1, notation, "activation")], {"layer": 2, "neuron": 1}


def _output(trainer: Trainer, ledger: Ledger, row: int, notation: str) -> Step:
    L = len(ledger.architecture.sizes)
    text = f"The answers of a layer are the inputs of the next, up to layer {L}: its answer is that of the network."
    equations = [_named(ledger, L, 1, notation, name) for name in ("forward", "activation")]
    return "Up to the answer", text, equations, {"layer": L, "neuron": 1}


def _cost(trainer: Trainer, ledger: Ledger, row: int, notation: str) -> Step:
    names = " and ".join(dict.fromkeys(block.cost.name for block in ledger.architecture.blocks))
    answer = ", ".join(f"{a:.4g}" for a in ledger.A[-1][0][:10].tolist())
    target = ", ".join(f"{t:.4g}" for t in ledger.T[0][:10].tolist())
    cost = float(np.asarray(ledger.cost)[0])
    text = (
        f"The cost {names} says how far the answer {answer} is from the target {target}: C = {cost:.4g} for this row. "
        "Training makes the mean of the costs of all rows small."
    )
    return "The cost", text, [], {"layer": len(ledger.architecture.sizes)}


def _error(trainer: Trainer, ledger: Ledger, row: int, notation: str) -> Step:
    L = len(ledger.architecture.sizes)
    text = (
        "Backward now. The error δ of an output says how the cost changes when its z changes: the first equation, BP1."
    )
    return "The error of the output", text, [_named(ledger, L, 1, notation, "BP1")], {"layer": L, "neuron": 1}


def _back(trainer: Trainer, ledger: Ledger, row: int, notation: str) -> Step:
    L = len(ledger.architecture.sizes)
    if L == 2:
        text = "This network has no hidden layer, so the error does not go further back. Add one to see BP2."
        return "The errors before it", text, [], {"layer": 2}
    text = (
        "A hidden neuron caused errors in the next layer, through its weights. BP2 adds them up, each times its "
        "weight, and multiplies by the slope of the activation."
    )
    return "The errors before it", text, [_named(ledger, L - 1, 1, notation, "BP2")], {"layer": L - 1, "neuron": 1}


def _update(trainer: Trainer, ledger: Ledger, row: int, notation: str) -> Step:
    parts = explained(trainer, Pick("weight", 2, 1, 1, row, notation))["parts"]
    equations = [parts[0]["equations"][-1], *(each for part in parts[1:] for each in part["equations"])]
    text = (
        "BP4 multiplies the input of a weight by the error behind it: that is the slope of the cost along the weight. "
        "The mean over the rows of a batch goes to the rule, which moves the weight a little downhill. That is "
        "one update."
    )
    return "The update", text, equations, {"layer": 2, "weight": [1, 1]}


_STEPS = (_example, _sum, _activation, _output, _cost, _error, _back, _update)


def _named(ledger: Ledger, layer: int, j: int, notation: str, name: str) -> Equation:
    """The equation of a neuron with this name."""
    return next(each for each in ledger.neuron(layer, j, notation) if each.name == name)
