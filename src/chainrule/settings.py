"""The settings of training: one record, read by training, engines, checkpoints, tables, estimators and options."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.fields import (
    AUTO,
    Choice,
    Flag,
    Instance,
    Number,
    Passed,
    Record,
    Seconds,
    Shares,
    Special,
    Whole,
    documented,
    is_auto,
    setting,
)
from chainrule.optimizers import OPTIMIZERS, Adam, Clip
from chainrule.random import MOST_DROPPED, as_seed
from chainrule.schedules import SCHEDULES, Constant

__all__ = ["BATCH", "TrainingSettings"]

BATCH = 32  # rows of an update under "auto"

_NONE = (Special("none", None),)


def _seed(value: Any) -> int | None:
    """The seed, checked; None stays None, so that a record says what was set and not what was drawn."""
    return None if value is None else as_seed(value)


@documented
@dataclasses.dataclass(frozen=True)
class TrainingSettings(Record):
    """How a network is trained, checked: C falls by `optimizer` along gradients of `batch_size` rows, for `epochs`.

    A choice is a name, a mapping such as {"name": "sgd", "momentum": 0.9}, or an object.

    {settings}

    >>> TrainingSettings(optimizer="sgd", epochs=3).optimizer
    SGD(learning_rate=0.01, momentum=0.0, nesterov=False)

    Raises SettingError in one line for a value that no training could have, and for two that contradict each other.
    """

    optimizer: Any = setting(Adam(), Choice(registry=OPTIMIZERS), "Rule that updates the weights.", group="Descent")
    schedule: Any = setting(
        Constant(),
        Choice(registry=SCHEDULES, specials=(Special("none", None, "a constant rate"),)),
        "What the learning rate is multiplied with over time.",
        group="Descent",
    )
    batch_size: Any = setting(
        AUTO,
        Whole(
            1,
            specials=(
                Special("all", None, "all rows"),
                Special(AUTO, AUTO, f"{BATCH}, or all where the rule needs all"),
            ),
            metavar="ROWS",
        ),
        "Rows of one update.",
        group="Descent",
    )
    clip: Clip | None = setting(
        None, Instance((Clip,), "a Clip, such as cr.Clip(norm=1.0)", specials=_NONE), "Bounds for the gradient.",
        group="Descent",
    )  # fmt: skip
    shuffle: bool = setting(True, Flag(), "Whether each epoch sees the rows in an order of its own.")

    epochs: Any = setting(10, Whole(1, metavar="EPOCHS"), "Passes over the rows, at most.", group="End")
    patience: int | None = setting(
        None,
        Whole(1, specials=(Special("none", None, "no early end"),), metavar="EPOCHS"),
        "Stop after this many epochs without a gain of more than min_delta in the monitored value.",
        group="End",
    )
    min_delta: float = setting(0.0, Number(0), "Least gain that patience counts.", group="End")
    time: float | None = setting(
        None, Seconds(0, above=True, specials=_NONE, metavar="TIME"),
        "Stop after this time; the one setting under which bits depend on the machine.", bits=False, group="End",
    )  # fmt: skip

    alpha: float = setting(0.0, Number(0), "Penalty on squared weights, alpha/(2S) sum W².", group="Penalties")
    l1: float = setting(0.0, Number(0), "Penalty on absolute weights, l1/S sum |W|.", group="Penalties")
    dropout: Any = setting(
        0.0,
        Shares(0, MOST_DROPPED, metavar="SHARE"),
        "Probability of dropping a neuron of a hidden layer, or one for each hidden layer.",
        group="Penalties",
    )

    seed: int | None = setting(
        0,
        Passed(_seed, "a whole number from 0", specials=(Special("none", None, "one that is drawn"),), metavar="INT"),
        "Fixes every random choice.",
        group="Machine",
    )
    engine: str = setting(
        AUTO,
        Passed(str, "the name of an engine", metavar="CHOICE"),
        "What computes; auto takes the first engine that has everything, and says so where it is not the first one.",
        bits=False,
        group="Machine",
    )
    threads: int | None = setting(
        None,
        Whole(1, specials=(Special("none", None, "as many as the work is worth"),), metavar="INT"),
        "Threads of the engine, where it has a choice; no bit depends on them.",
        bits=False,
        group="Machine",
    )
    probe: bool = setting(
        True, Flag(), "Whether the layers are probed on some rows at the start and the end, for `History.diagnose`; no "
        "bit depends on it.", bits=False,
    )  # fmt: skip

    def __post_init__(self) -> None:
        for name, default in (("optimizer", Adam()), ("schedule", Constant())):
            if getattr(self, name) is None:
                object.__setattr__(self, name, default)
        super().__post_init__()
        if not is_auto(self.optimizer) and self.optimizer.line_search:
            self._check_line_search()

    def _check_line_search(self) -> None:
        """Refuse what a rule with a line search cannot have: it takes the cost and its gradient as they are."""
        unsuited = {
            "schedule": not (is_auto(self.schedule) or isinstance(self.schedule, Constant)),
            "clip": self.clip is not None,
            "dropout": not is_auto(self.dropout) and bool(np.any(self.dropout)),
        }
        for name in (name for name, there in unsuited.items() if there):
            raise SettingError(
                f"{name} does not go with {self.optimizer.name}, whose line search finds the step: leave it out"
            )

    def dropouts(self, hidden: int) -> tuple[float, ...]:
        """The probability of dropping a neuron, for each of `hidden` layers. Raises SettingError for another number."""
        if not isinstance(self.dropout, tuple):
            return (self.dropout,) * hidden
        if len(self.dropout) != hidden:
            raise SettingError(
                f"{len(self.dropout)} dropout probabilities came for {hidden} hidden layers: give one for each"
            )
        return self.dropout

    def rows_of_update(self, rows: int) -> int:
        """The rows of an update where there are `rows` to train on.

        >>> [TrainingSettings(optimizer=rule).rows_of_update(100) for rule in ("adam", "rprop")]
        [32, 100]

        Raises SettingError for mini-batches under a rule that needs all rows.
        """
        rule = self.optimizer
        if self.batch_size is None or (is_auto(self.batch_size) and rule.full_batch):
            return rows
        count = min(BATCH if is_auto(self.batch_size) else self.batch_size, rows)
        if rule.full_batch and count < rows:
            raise SettingError(
                f"batch_size is {self.batch_size}, but optimizer {rule.name} needs all {rows} rows in every update: "
                "use None"
            )
        return count

    def settled(self, rows: int, sizes: Sequence[int]) -> "TrainingSettings":
        """The settings for so many rows and a network of these sizes: nothing is left to "auto", None or a draw.

        Raises SettingError for a dropout of another number of layers, and for mini-batches that the rule cannot use.
        """
        return dataclasses.replace(
            self,
            batch_size=self.rows_of_update(rows),
            dropout=self.dropouts(len(sizes) - 2),
            seed=as_seed(self.seed),
        )
