"""The settings of training: one record, read by training, engines, checkpoints, tables, estimators and options."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.fields import (
    AUTO,
    ByLayer,
    Choice,
    Flag,
    Instance,
    Number,
    Numbers,
    Record,
    Seconds,
    Special,
    Text,
    Whole,
    Word,
    documented,
    is_auto,
    setting,
)
from chainrule.hosts import HostsChoice
from chainrule.optimizers import OPTIMIZERS, Adam, Clip
from chainrule.random import MOST_DROPPED, as_seed
from chainrule.schedules import SCHEDULES, Constant
from chainrule.text import counted

__all__ = ["BATCH", "TrainingSettings"]

BATCH = 32  # rows of an update under "auto"


@dataclasses.dataclass(frozen=True)
class _Seed(Whole):
    """A seed. None stays None, so that a record says what was set and not what was drawn."""

    def convert(self, name: str, value: Any) -> int:
        return as_seed(value, name)

    @property
    def words(self) -> str:
        return "a whole number from 0 to 2^64 - 1"


@documented
@dataclasses.dataclass(frozen=True)
class TrainingSettings(Record):
    """How a network is trained: for `epochs`, by `optimizer`, along gradients of `batch_size` rows each.

    {settings}

    A mapping has a name and parameters, such as {"name": "sgd", "momentum": 0.9}.

    >>> TrainingSettings(optimizer="sgd", epochs=3).optimizer
    SGD(learning_rate=0.01, momentum=0.0, nesterov=False)

    Raises SettingError in one line where a value is not allowed, and where two settings contradict each other;
    UnknownNameError where a name is not registered.
    """

    optimizer: Any = setting(Adam(), Choice(OPTIMIZERS), "Rule that updates the weights.", group="Descent")
    schedule: Any = setting(
        Constant(),
        Choice(SCHEDULES, specials=(Special("none", None, "a constant rate"),)),
        "How the learning rate changes over time.",
        group="Descent",
    )
    rates: dict[str, float] | None = setting(
        None,
        ByLayer(0, specials=(Special("none", None, "the same rate in all layers"),), metavar="LAYER=FACTOR,..."),
        "Factors of the learning rate by layer. Layers count from 1, the inputs; 0 freezes a layer, so that its "
        "weights and biases keep their bits.",
        group="Descent",
    )
    batch_size: Any = setting(
        AUTO,
        Whole(
            1,
            specials=(
                Special("all", None, "all rows"),
                Special(AUTO, AUTO, f"{BATCH} rows, or all rows if the optimizer needs them"),
            ),
            metavar="ROWS",
        ),
        "Number of rows in each update.",
        group="Descent",
    )
    clip: Clip | None = setting(  # no group: the command line has an option for each bound
        None, Instance(Clip, "a Clip, such as cr.Clip(norm=1.0)", specials=(Special("none", None),)),
        "Bounds for the gradient.",
    )  # fmt: skip
    shuffle: bool = setting(True, Flag(), "Whether each epoch takes the rows in a new random order.")

    epochs: Any = setting(10, Whole(1, metavar="EPOCHS"), "Number of passes over the rows, at most.", group="End")
    patience: int | None = setting(
        None,
        Whole(1, specials=(Special("none", None, "no early stopping"),), metavar="EPOCHS"),
        "Stop after this many epochs in which the monitored value did not improve by more than min_delta.",
        group="End",
    )
    min_delta: float = setting(0.0, Number(0), "Smallest improvement that counts for patience.", group="End")
    time: float | None = setting(
        None,
        Seconds(0, above=True, specials=(Special("none", None, "no limit"),), metavar="TIME"),
        "Stop after this time. With a limit the result depends on the speed of the machine.",
        bits=False,
        group="End",
    )

    tolerance: float | None = setting(
        None,
        Number(0, specials=(Special("none", None, "no such limit"),)),
        "Stop before an epoch if no |dC/dtheta| over all rows exceeds this. Computing it takes about as long as an "
        "epoch. With lbfgs it replaces the tolerance of the rule.",
        bits=False,
        group="End",
    )

    alpha: float = setting(
        0.0, Number(0), "Factor of the penalty on squared weights, alpha/(2S) sum W².", group="Penalties"
    )
    l1: float = setting(0.0, Number(0), "Factor of the penalty on absolute weights, l1/S sum |W|.", group="Penalties")
    dropout: Any = setting(
        0.0,
        Numbers(0, MOST_DROPPED, metavar="SHARE"),
        "Probability of dropping a neuron, for all hidden layers or for each of them.",
        group="Penalties",
    )

    label_smoothing: float = setting(
        0.0,
        Number(0, 1, below=True, metavar="SHARE"),
        "Share of each class target that is spread evenly over the classes. It changes the rows to train on, not those "
        "of a validation, and only outputs with cross_entropy or binary_cross_entropy.",
        group="Penalties",
    )

    seed: int | None = setting(
        0,
        _Seed(specials=(Special("none", None, "a seed that is drawn"),), metavar="INT"),
        "Seed of every random choice.",
        group="Machine",
    )
    engine: str = setting(
        AUTO,
        Text("the name of an engine", specials=(Special(AUTO, AUTO, "the first one that has all that is needed"),)),
        "Engine that computes.",
        bits=False,
        group="Machine",
    )
    hosts: Any = setting(
        None,
        HostsChoice(specials=(Special("none", None, "this process alone"),)),
        "Processes that train together, by the xla engine. The result depends on `shards`, not on their number.",
        bits=False,
    )
    threads: int | None = setting(
        None,
        Whole(1, specials=(Special("none", None, "as many as make it faster"),), metavar="INT"),
        "Number of threads, if the engine has a choice. The result does not depend on it.",
        bits=False,
        group="Machine",
    )
    devices: int | None = setting(
        None,
        Whole(1, specials=(Special("none", None, "one, or those of all hosts"),), metavar="INT"),
        "Number of devices (GPUs, or parts of a CPU) that share the rows of each update, if the engine has a choice. "
        "The result depends on shards, not on devices.",
        bits=False,
        group="Machine",
    )
    shards: int | None = setting(
        None,
        Whole(1, specials=(Special("none", None, "as many as devices, or one"),), metavar="INT"),
        "Number of parts of each batch whose gradients are computed apart and summed in order; devices must divide it.",
        group="Machine",
    )
    precision: str | None = setting(
        None,
        Word(("tf32", "bf16"), specials=(Special("none", None, "that of the numbers"),)),
        "Precision of the operands of matrix products while a float32 network is trained: bf16 on processors with AMX "
        "or AVX512_BF16 and on GPUs, tf32 on GPUs. Sums, weights and predictions stay float32.",
        group="Machine",
    )
    probe: bool = setting(
        True, Flag(), "Whether the layers are probed on some rows at the start and the end, for `History.diagnose`. "
        "The result does not depend on it.", bits=False,
    )  # fmt: skip

    def __post_init__(self) -> None:
        for name, default in (("optimizer", Adam()), ("schedule", Constant())):
            if getattr(self, name) is None:
                object.__setattr__(self, name, default)
        super().__post_init__()
        if not is_auto(self.optimizer) and self.optimizer.line_search:
            self._check_line_search()
        if self.hosts is not None and self.hosts.shards is not None:
            self._take_shards(self.hosts.shards)
        self._check_devices()

    @property
    def is_sharded(self) -> bool:
        """Whether batches are computed in shards, on one device or on several."""
        return bool(self.shards or self.devices or (self.hosts is not None and self.hosts.hosts > 1))

    def _take_shards(self, shards: int) -> None:
        """Take the number of shards of the hosts. Raises SettingError where the setting is another."""
        if self.shards not in (None, shards):
            raise SettingError(f"shards is {self.shards}, but hosts has {shards} shards: leave one of them out")
        object.__setattr__(self, "shards", shards)

    def _check_line_search(self) -> None:
        """Raise SettingError for a setting that an optimizer with a line search cannot have.

        It needs the cost and its gradient as they are.
        """
        unsuited = {
            "schedule": not (is_auto(self.schedule) or isinstance(self.schedule, Constant)),
            "rates": self.rates is not None,
            "clip": self.clip is not None,
            "dropout": not is_auto(self.dropout) and bool(np.any(self.dropout)),
            "precision": self.precision is not None,
        }
        for name in (name for name, is_set in unsuited.items() if is_set):
            raise SettingError(
                f"{name} does not go with {self.optimizer.name}, whose line search finds the step: leave it out"
            )

    def _check_devices(self) -> None:
        """Raise SettingError where the devices do not divide the shards, and for several with a line search."""
        alone = self.hosts is None or self.hosts.hosts == 1  # several hosts refuse it where they train
        if alone and not is_auto(self.optimizer) and self.optimizer.line_search:
            several = {"shards": self.shards, "devices": self.devices}
            for name in (name for name, count in several.items() if count and count > 1):
                raise SettingError(f"{name} does not go with {self.optimizer.name}, which has one device: leave it out")
        if self.devices and self.shards and self.shards % self.devices:
            raise SettingError(
                f"shards is {self.shards} and devices {self.devices}, but devices must divide shards: "
                f"give {self.devices} or a multiple of it"
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

    def layer_rates(self, layers: int) -> tuple[float, ...] | None:
        """The factor of the learning rate for each layer of weights in a network of `layers` layers, from layer 2 on.

        None where all are 1. Raises SettingError for a layer that the network does not have, and if all are frozen.
        """
        rates = self.rates or {}
        for layer in rates:
            if int(layer) > layers:
                raise SettingError(f"rates has layer {layer[:9]}, but the layers with weights are 2 to {layers}")
        factors = tuple(rates.get(str(layer), 1.0) for layer in range(2, layers + 1))
        if not any(factors):
            raise SettingError("rates is 0 for every layer, so nothing would be trained: leave one layer out")
        return None if set(factors) == {1.0} else factors

    def rows_of_update(self, rows: int) -> int:
        """The number of rows in each update, for `rows` to train on.

        >>> [TrainingSettings(optimizer=rule).rows_of_update(100) for rule in ("adam", "rprop")]
        [32, 100]

        Raises SettingError for mini-batches with an optimizer that needs all rows, and for fewer rows than shards.
        """
        count = self._rows_of_update(rows)
        shards = self.shards or self.devices or 1
        if shards > count > 0:
            raise SettingError(
                f"an update has {counted(count, 'row')}, but {shards} shards need one each: "
                f"give larger batches, or at most {counted(count, 'shard')}"
            )
        return count

    def _rows_of_update(self, rows: int) -> int:
        rule = self.optimizer
        if self.batch_size is None or (is_auto(self.batch_size) and rule.full_batch):
            return rows
        count = min(BATCH if is_auto(self.batch_size) else self.batch_size, rows)
        if rule.full_batch and count < rows:
            raise SettingError(
                f"batch_size is {self.batch_size}, but optimizer {rule.name} needs all {rows} rows in every update: "
                "leave batch_size out"
            )
        return count

    def settled(self, rows: int, sizes: Sequence[int]) -> "TrainingSettings":
        """The settings for `rows` to train on and a network of these sizes, with values in place of "auto" and None.

        Raises SettingError for dropout probabilities of another number of layers, rates of layers that there are not,
        and for mini-batches that the optimizer cannot use.
        """
        self.layer_rates(len(sizes))
        shards = self.shards or self.devices
        return dataclasses.replace(
            self,
            batch_size=self.rows_of_update(rows),
            shards=shards if shards and shards > 1 else None,
            dropout=self.dropouts(len(sizes) - 2),
            seed=as_seed(self.seed),
        )
