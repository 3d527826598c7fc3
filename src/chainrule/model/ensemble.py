"""An ensemble: several networks that are trained as one, and merged into one ordinary network at the end.

K members of the same shape lie side by side in one network: hidden layers K times as wide, with weights between
different members masked to 0, and K times the output blocks. A weight of 0 hides a row from a member.

    hidden     | member 1 | member 2 | ... |     W^l = diag(W^l of member 1, W^l of member 2, ...)
    outputs    | blocks   | blocks   | ... |     C_x = sum over members of s_xk C_xk

Each member leaves out one fold of the rows. The validation set is all rows, each predicted by the member that leaves it
out: the validation cost is cross-validated, and no row is lost. `merged` averages Z^L over the members, for which the
last weights are divided by K; for softmax this is the normalised geometric mean of the probabilities. Members that are
trained before, with other settings or on other inputs (see `chainrule.model.blend`), join the others there.

Sources: Krogh & Vedelsby, Neural network ensembles, cross validation, and active learning, NIPS 1994; Breiman,
Stacked regressions, Machine Learning 24, 1996 (each row is predicted by models that were not trained on it).
"""

import dataclasses
import itertools
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.examples import Examples, RowArrays, as_examples, folds
from chainrule.network import Network
from chainrule.random import Purpose, raw_words
from chainrule.training import EpochEnd, Event, Finished, History, Progress, Updated

__all__ = ["Ensemble", "on_inputs"]

Score = Callable[[Array, Array], float]


@dataclasses.dataclass(frozen=True, eq=False)
class Ensemble:
    """Networks that are trained together.

    - one: the architecture of each member.
    - count: the number of members.
    - fold: for each row (n,) the member that leaves it out; None if no row is left out.
    - further: members that are trained already, which the merged network has, too; their hidden layers are those of
      `one`, and they see all inputs.
    - places: the inputs that the other members see, by their numbers; None if these are all.
    """

    one: Architecture
    count: int = 1
    fold: Array | None = None
    further: tuple[Network, ...] = ()
    places: Array | None = None

    @classmethod
    def of(
        cls,
        one: Architecture,
        count: int,
        seed: int,
        rows: int,
        classes: Array | None = None,
        groups: Array | None = None,
    ) -> "Ensemble":
        """The ensemble in which each member leaves out one fold of the rows.

        - one, count: the architecture of a member, and the number of members.
        - seed: the seed of the folds.
        - rows: the number of rows.
        - classes: the class (n,) of each row: every fold then has its share of each class.
        - groups: the group (n,) of each row, in place of classes: the rows of a group are then in one fold.

        Raises SettingError where there are more members than rows or groups.
        """
        if count == 1:
            return cls(one)
        if count > rows:
            raise SettingError(f"members is {count}, but there are {rows} rows to train on: take fewer members")
        if groups is not None and count > len(np.unique(groups)):
            there_are = f"members is {count}, but there are {len(np.unique(groups))} groups to train on"
            raise SettingError(f"{there_are}: take fewer members")
        return cls(one, count, folds(seed, count, rows, classes, groups))

    def network(self, initializer: Any, seed: int, dtype: Any) -> Network:
        """The network of all members side by side, each with first weights of its own.

        >>> one = cr.Architecture.of([2, 3, 1], "relu", "identity")
        >>> Ensemble(one, 4).network("he_uniform", 0, "float32").sizes
        (2, 12, 4)
        """
        if self.count == 1:
            return self._network(initializer, seed, dtype)
        seeds = raw_words(seed, Purpose.MEMBERS, 0, self.count).tolist()
        return self._joined([self._network(initializer, member, "float64") for member in seeds], seed, dtype)

    def _joined(self, nets: list[Network], seed: int | None, dtype: Any) -> Network:
        """The network of all members, from the networks of each."""
        W = [_side_by_side([net.W[l] for net in nets], dense=l == 0) for l in range(len(nets[0].W))]
        b = [np.concatenate([net.b[l] for net in nets]) for l in range(len(W))]
        output, costs = (parts * self.count for parts in _blocks(self.one))
        hidden = list(self.one.hidden)
        return Network(self.sizes, hidden, output, costs, initializer=(W, b), masks=self._masks, seed=seed, dtype=dtype)

    @property
    def sizes(self) -> list[int]:
        """The sizes of the network of all members."""
        first, *others = self.one.sizes
        return [first, *(self.count * n for n in others)]

    def part(self, layer: int, member: int) -> slice:
        """The neurons of a member in a layer, both counted from 0; all members share the inputs."""
        n = self.one.sizes[layer]
        return slice(0, n) if layer == 0 else slice(member * n, (member + 1) * n)

    def member(self, network: Network, member: int) -> Network:
        """The network of one member (from 0) of the network of all of them, with a copy of its weights.

        >>> members = Ensemble(cr.Architecture.of([2, 3, 1], "relu", "identity"), 4)
        >>> net = members.network("he_uniform", 0, "float64")
        >>> x = np.ones((1, 2))
        >>> bool(members.member(net, 2).predict(x)[0, 0] == net.predict(x)[0, 2])
        True
        """
        parts = [self.part(l, member) for l in range(len(self.one.sizes))]
        W = [own[before, after] for own, before, after in zip(network.W, parts, parts[1:], strict=False)]
        b = [own[after] for own, after in zip(network.b, parts[1:], strict=True)]
        theta = np.concatenate([part.ravel() for layer in zip(W, b, strict=True) for part in layer])
        return Network.from_parts(self.one, theta, network.seed)

    def merged(self, network: Network) -> Network:
        """The network whose Z^L is the mean over the members, exact but for rounding; with one member `network` itself.

        >>> members = Ensemble(cr.Architecture.of([2, 3, 1], "relu", "identity"), 4)
        >>> net = members.network("he_uniform", 0, "float64")
        >>> x = np.ones((1, 2))
        >>> bool(abs(members.merged(net).predict(x) - net.predict(x).mean()) < 1e-12)
        True
        """
        if self.count == 1:
            return network
        if self.further:
            whole, network = self.whole(network)
            return whole.merged(network)
        W, b = network.architecture.views(network.theta.astype(np.float64))
        *_, before, last = range(len(self.one.sizes))
        ends = [(self.part(before, k), self.part(last, k)) for k in range(self.count)]
        parts = [W[-1][rows, columns] for rows, columns in ends]
        W[-1] = np.vstack(parts) / self.count if before else np.mean(parts, axis=0)
        b[-1] = np.mean([b[-1][columns] for _, columns in ends], axis=0)
        theta = np.concatenate([part.ravel() for layer in zip(W, b, strict=True) for part in layer])
        return Network.from_parts(self._joint, theta.astype(network.dtype), network.seed)

    def update(self, merged: Network, network: Network) -> None:
        """Give a merged network the weights that the members have now; those of `further` stay as they are."""
        if not self.further:
            merged.theta = self.merged(network).theta
            return
        count, last = self.count + len(self.further), len(network.W) - 1
        for l in range(last):
            width = network.W[l].shape[1]
            before: Any = slice(network.W[l].shape[0]) if l or self.places is None else self.places
            merged.W[l][before, :width], merged.b[l][:width] = network.W[l], network.b[l]
        for k in range(self.count):
            rows = self.part(last, k)
            merged.W[last][rows] = network.W[last][rows, self.part(last + 1, k)] / count
        biases = [*network.b[last].reshape(self.count, -1), *(net.b[last] for net in self.further)]
        merged.b[last][...] = np.mean(np.array(biases, np.float64), axis=0)

    def whole(self, network: Network) -> tuple["Ensemble", Network]:
        """The ensemble that has the further members as its last ones, and the network of all of them."""
        if not self.further:
            return self, network
        nets = [on_inputs(self.member(network, k), self.places, self.further[0].sizes[0]) for k in range(self.count)]
        nets += self.further
        ensemble = Ensemble(nets[0].architecture, len(nets), self.fold)
        return ensemble, ensemble._joined(nets, network.seed, network.dtype)

    def seen(self, X: Array) -> Array:
        """Those of all inputs X (n, n_1) that the members see."""
        return X if self.places is None else X[:, self.places]

    @cached_property
    def _joint(self) -> Architecture:
        """The architecture of the merged network."""
        sizes = [*self.sizes[:-1], self.one.sizes[-1]]
        output, costs = _blocks(self.one)
        return Architecture.of(sizes, list(self.one.hidden), output, costs, [*self._masks[:-1], None])

    @cached_property
    def _masks(self) -> list[Array | None]:
        """The masks of the layers from 2, which are 1 within a member; None for a layer without one."""
        ones = [np.ones(shape) for shape in itertools.pairwise(self.one.sizes)]
        return [None, *(_side_by_side([part] * self.count) for part in ones[1:])]

    def checked(
        self, network: Network, rows: RowArrays, validation: RowArrays | None
    ) -> tuple[Examples, Examples | None]:
        """The examples to train and to validate the network of all members with, checked once.

        - network: the network of all members.
        - rows: the rows to train on. Several members are validated on them too, each row by the member that leaves it
          out.
        - validation: the held-out rows for one member, or None.

        Raises DataError in one line where the rows do not fit the network.
        """
        if self.count > 1:
            rows, validation = self.shared(rows._replace(X=self.seen(rows.X)))
        architecture, dtype = network.architecture, network.dtype
        examples = as_examples(architecture, *rows, dtype, sparse=True)
        if validation is None:
            return examples, None
        return examples, as_examples(architecture, *validation, dtype, sparse=True).present()

    def shared(self, rows: RowArrays) -> tuple[RowArrays, RowArrays]:
        """The rows to train the members on, and those to validate them with: the same with other weights by member."""
        X, T, weight = rows
        assert self.fold is not None, "each row is left out by a member"
        weights = self.weights(weight, X.shape[0])
        left_out = np.repeat(self.fold[:, None] == np.arange(self.count), self.one.sizes[-1], axis=1)
        weights, targets = np.tile(weights, self.count), np.tile(T, self.count)
        return RowArrays(X, targets, weights * ~left_out), RowArrays(X, targets, weights * left_out)

    def unseen(self, score: Score) -> Score:
        """A score of the network of all members: `score` of A and T with each row by the member that leaves it out."""
        width, fold = self.one.sizes[-1], self.fold
        assert fold is not None, "each row is left out by a member"

        def score_of_unseen(A: Array, T: Array) -> float:
            rows = np.arange(len(A))
            return score(A.reshape(len(A), -1, width)[rows, fold], T[:, :width])

        return score_of_unseen

    def history(self, history: History) -> History:
        """The history with the mean of the members' costs in place of their sum, which training minimises."""
        cost, validation = ([value / self.count for value in values] for values in (history.cost, history.validation))
        probes = {
            name: [value / self.count for value in values] if name.endswith(" cost") else values
            for name, values in history.probes.items()
        }
        return dataclasses.replace(history, cost=cost, validation=validation, probes=probes)

    def event(self, event: Event) -> Event:
        """The event with the mean of the members' costs in place of their sum."""
        if isinstance(event, Progress | Updated):
            return dataclasses.replace(event, cost=event.cost / self.count)
        if isinstance(event, EpochEnd):
            validation = None if event.validation is None else event.validation / self.count
            return dataclasses.replace(event, cost=event.cost / self.count, validation=validation)
        return Finished(self.history(event.history)) if isinstance(event, Finished) else event

    def _network(self, initializer: Any, seed: int, dtype: Any) -> Network:
        """The network of one member."""
        one = self.one
        return Network(one.sizes, list(one.hidden), *_blocks(one), initializer=initializer, seed=seed, dtype=dtype)

    def weights(self, weight: Array | None, n: int) -> Array:
        """Weights (n, n_L) of outputs, from weights (n,), (n, blocks), (n, n_L) or None."""
        widths = [block.width for block in self.one.blocks]
        if weight is None or weight.ndim == 1:
            return np.repeat(np.ones(n) if weight is None else weight, sum(widths)).reshape(n, -1)
        return weight if weight.shape[1] == sum(widths) else np.repeat(weight, widths, axis=1)


def on_inputs(network: Network, places: Array | None, width: int) -> Network:
    """The network that takes more inputs, to which it gives no weight.

    - network: a network of some inputs.
    - places, width: which of how many inputs these are; None for all, which leaves the network as it is.

    >>> net = cr.Network([2, 3, 1], initializer="he_uniform")
    >>> bool((on_inputs(net, np.array([2, 0]), 4).predict([[2, 9, 1, 9]]) == net.predict([[1, 2]])).all())
    True
    """
    if places is None:
        return network
    one, W = network.architecture, [np.array(own) for own in network.W]
    W[0] = np.zeros((width, one.sizes[1]), network.dtype)
    W[0][places] = network.W[0]
    theta = np.concatenate([part.ravel() for layer in zip(W, network.b, strict=True) for part in layer])
    more = Architecture.of([width, *one.sizes[1:]], list(one.hidden), *_blocks(one))
    return Network.from_parts(more, theta, network.seed)


def _blocks(architecture: Architecture) -> tuple[list[Any], list[Any]]:
    """The output blocks and their costs, as a network takes them."""
    blocks = architecture.blocks
    return [(block.activation, block.width) for block in blocks], [block.cost for block in blocks]


def _side_by_side(parts: list[Array], dense: bool = False) -> Array:
    """K matrices (n, m) as one: (n, K m) if dense, else the diagonal blocks of (K n, K m)."""
    if dense:
        return np.hstack(parts)
    (n, m), K = parts[0].shape, len(parts)
    whole = np.zeros((K * n, K * m))
    for k, part in enumerate(parts):
        whole[k * n : (k + 1) * n, k * m : (k + 1) * m] = part
    return whole
