"""What is trained, on what and how: everything about a training that is fixed before its first update."""

import dataclasses
import functools
from collections.abc import Sequence

from chainrule.arrays import Array
from chainrule.engines import Engine
from chainrule.engines.moves import frozen
from chainrule.examples import Examples, converted
from chainrule.hosts import ALONE, Link, shard_edges
from chainrule.network import Network
from chainrule.settings import TrainingSettings
from chainrule.training.monitor import Monitor

__all__ = ["Problem"]


@dataclasses.dataclass(frozen=True)
class Problem:
    """A network to train, the examples, and how to train.

    - net: the network, whose theta changes in place.
    - examples: the rows to train on.
    - settings: the settings, settled: no value is left to "auto" or to a draw.
    - engine: what computes.
    - validation: examples that are scored after each epoch, or None.
    - monitor: the scores on them, and which of them chooses the weights.
    - divisor: S, by which alpha and l1 are divided.
    - feature_names: names of the columns of X for messages, or None.
    - link: the other hosts that train the same network, if there are any.
    """

    net: Network
    examples: Examples
    settings: TrainingSettings
    engine: Engine
    validation: Examples | None
    monitor: Monitor
    divisor: float
    feature_names: Sequence[str] | None = None
    link: Link = ALONE

    @functools.cached_property
    def taken(self) -> Examples:
        """The rows to train on as the engine takes them fastest."""
        taken = self._as_taken(self.examples)
        return taken.together() if self.settings.optimizer.full_batch else taken

    @functools.cached_property
    def scored(self) -> Examples | None:
        """The validation set as the engine takes it fastest."""
        return None if self.validation is None else self._as_taken(self.validation)

    def _as_taken(self, examples: Examples) -> Examples:
        taken = examples.for_engine(self.engine.takes_sparse)
        return taken._replace(X=converted(taken.X, self.net.dtype))

    @property
    def batches(self) -> int:
        """The number of updates of an epoch."""
        return -(-len(self.examples.rows) // self.settings.batch_size)

    @property
    def probed_rows(self) -> Array:
        """The rows to train on that may be read to describe them: all, or with several shards those of the first."""
        rows, shards = self.examples.rows, self.settings.shards or 1
        return rows[: int(shard_edges(len(rows), self.settings.batch_size, shards)[1])]

    @property
    def chooses_weights(self) -> bool:
        """Whether the best weights on the validation set come back at the end."""
        return self.validation is not None and self.monitor.name != "training"

    def gradient(self, theta: Array) -> Array:
        """dC/dtheta of the objective over all rows to train on, without dropout; 0 in frozen layers."""
        s, architecture = self.settings, self.net.architecture

        def of_some(X: Array, T: Array, weight: Array | None) -> Array:
            return self.engine.gradient(architecture, theta, X, T, weight, self.divisor, s.alpha, s.l1)

        g = self.taken.gradient(of_some)
        for place in frozen(architecture, s):
            g[place] = 0
        return g

    def penalty(self, theta: Array) -> float:
        """alpha/(2S) sum W² + l1/S sum |W| of the weights in theta."""
        s = self.settings
        return self.net.architecture.penalty(theta, s.alpha, s.l1, self.divisor)
