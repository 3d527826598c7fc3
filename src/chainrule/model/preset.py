"""The preset: the settings that suit a table by its size, for every setting that is left at "auto"."""

from typing import Any

from chainrule.optimizers import AdamW
from chainrule.schedules import OneCycle

__all__ = ["DECAY", "FEW", "MANY", "RISE", "patience_for", "tabular"]

FEW, MANY, MOST = 1500, 5000, 50_000  # rows: up to FEW there are eight members, up to MOST five
WIDE = 3e6  # rows times inputs: beyond this no linear model is fitted first
TARGETS = 1e6  # rows times outputs above MANY rows: beyond this one network is trained, for less memory
PER_UPDATE = 400  # outputs of all members together: more cost time and teach little
ENOUGH, LONGEST = 800, 4  # rows of an epoch; with fewer there are more epochs, up to so many times as many
DECAY = 0.3  # of the weights; trials may make it stronger (see `chainrule.model.trials`)
RISE = 0.1  # share of the epochs in which the rate rises
TEXTS, TEXT_PATIENCE = 0.8, 2  # share of inputs that are words of texts, from which on twice the rise is enough
PLANE = 2  # columns: their boundaries may be curves that a strong decay would straighten


def tabular(rows: int, inputs: int, members: int | None = None, outputs: int = 1) -> dict[str, Any]:
    """The settings for a table.

    Up to 50,000 rows a few networks are trained together, each leaving out one fold of the rows (see
    `chainrule.model.ensemble`); with more rows one network is trained, and some rows are held out.

    - rows: the number of rows to train on.
    - inputs: the number of columns that are inputs.
    - members: the number of networks, or None to choose it by the rows.
    - outputs: the number of outputs of the targets.

    >>> settings = tabular(150, 4, outputs=3)
    >>> settings["members"], settings["validation"], settings["hidden"], settings["activation"]
    (8, 'folds', (40, 40), 'gelu')

    Source: the experiments of docs/decisions/0013-defaults-that-win.md, 0021-better-tables.md, 0029-trials-by-folds.md,
    0037-many-rows-and-words.md.
    """
    if members is None:
        members = _members(rows, outputs)
    width, longer = _width(rows, members, outputs), max(1, min(LONGEST, ENOUGH // max(rows, 1)))
    rate = 0.01 if members > 1 and rows <= MANY else 0.003
    return {
        "hidden": (width, width),
        "activation": "gelu",
        "optimizer": AdamW(rate, weight_decay=0.03 if inputs <= PLANE else DECAY),
        "schedule": OneCycle(rise=RISE, start=0.01),
        "batch_size": _batch_size(rows),
        "epochs": 200 * longer if rows <= FEW else 100 if rows <= MANY else 40,
        "patience": 50 * longer if rows <= FEW else 30 if rows <= MANY else None,
        "dropout": 0.0,
        "members": members,
        "validation": "folds" if members > 1 else 0.1,
        "start": "linear" if rows * inputs <= WIDE else "random",
    }


def patience_for(texts: float, epochs: int, patience: int | None) -> int | None:
    """The patience of a network that begins as a linear model, for which that of the preset is `patience`.

    Where nearly all inputs are words, the linear model is near the best network: training ends if there is no gain in
    twice the epochs in which the rate rises.

    - texts: the share of the inputs that are words of texts.

    >>> patience_for(0.9, 100, 30), patience_for(0.9, 40, None), patience_for(0.5, 100, 30)
    (20, 8, 30)
    """
    return round(TEXT_PATIENCE * RISE * epochs) if texts >= TEXTS else patience


def _members(rows: int, outputs: int) -> int:
    """The number of members: fewer where each has many outputs, because all weights between members are 0."""
    if rows > MOST or (rows > MANY and rows * outputs > TARGETS):
        return 1
    return max(2, min(8 if rows <= FEW else 5, PER_UPDATE // outputs))


def _width(rows: int, members: int, outputs: int) -> int:
    """The number of neurons in a hidden layer, a multiple of eight; two for each output carry the linear start."""
    free = (256 if rows > MANY else 128) if members == 1 else 64 if rows > FEW else 32
    return -(-(free + min(2 * outputs, free)) // 8) * 8


def _batch_size(rows: int) -> int:
    """A power of two: few rows get 15 to 30 updates in each epoch, many rows get hundreds."""
    return 32 if rows <= 1000 else 64 if rows <= 4000 else 128 if rows <= 20_000 else 256
