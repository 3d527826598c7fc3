"""The members of an ensemble apart: what each of the networks answers that one merged network has the mean of.

The merged network has the members' hidden layers side by side, and in its last layer their weights divided by K. What
it lacks is the last biases of each, of which it has the mean; without hidden layers also the weights.
"""

import dataclasses
from typing import Any

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.engines import choose
from chainrule.errors import DataError
from chainrule.model.ensemble import Ensemble
from chainrule.network import Network

__all__ = ["Members", "members_of"]


@dataclasses.dataclass(frozen=True, eq=False)
class Members:
    """What undoes the merging of K members.

    - b: the last biases (K, n_L) of each member.
    - W: the weights (K, n_1, n_L) of members without hidden layers; None for others.
    """

    b: Array
    W: Array | None = None

    @property
    def count(self) -> int:
        """The number of members, K."""
        return len(self.b)

    def outputs(self, merged: Network, X: Array) -> Array:
        """A^L (n, K, n_L) of each member for encoded rows X (n, n_1)."""
        architecture, theta = self._wide(merged)
        return choose("auto", architecture).predict(architecture, theta, X).reshape(len(X), self.count, -1)

    def divided(self, part: slice, divisor: float) -> "Members":
        """The members of a merged network of which z^L of some outputs was divided."""
        b = self.b.copy()
        b[:, part] = b[:, part] / divisor
        W = None if self.W is None else self.W.copy()
        if W is not None:
            W[:, :, part] = W[:, :, part] / divisor
        return Members(b, W)

    def _wide(self, merged: Network) -> tuple[Architecture, Array]:
        """The architecture and theta of the network of all members side by side."""
        one, K, n_L = merged.architecture, self.count, merged.sizes[-1]
        W = np.hstack(list(self.W)) if self.W is not None else np.asarray(merged.W[-1]) * K
        mask = None
        if self.W is None:
            member = np.arange(len(W)) // (len(W) // K)
            mask = np.repeat(member[:, np.newaxis] == np.arange(K), n_L, axis=1)
            W = np.tile(W, K) * mask
        output = [(block.activation, block.width) for block in one.blocks] * K
        costs, masks = [block.cost for block in one.blocks] * K, [*one.masks[:-1], mask]
        wide = Architecture.of([*one.sizes[:-1], K * n_L], list(one.hidden), output, costs, masks)
        before = merged.theta[: one.slices[-1][0].start]
        return wide, np.concatenate([before, W.ravel(), self.b.ravel()]).astype(merged.dtype)

    def tensors(self) -> dict[str, Array]:
        """The arrays by name, for a file."""
        return {"members.b": self.b, **({} if self.W is None else {"members.W": self.W})}

    @classmethod
    def from_tensors(cls, tensors: Any, merged: Network) -> "Members":
        """What `tensors` wrote. Raises DataError where it does not fit the merged network."""
        b, W, sizes = tensors["members.b"], tensors.get("members.W"), merged.sizes
        shape = None if W is None else (len(b), sizes[0], sizes[-1])
        whole = b.ndim == 2 and b.shape[1] == sizes[-1] and len(b) > 1 and (W is None) == (len(sizes) > 2)
        if not whole or (W is not None and W.shape != shape) or (W is None and sizes[-2] % len(b)):
            raise DataError(f"its members have biases {b.shape}, which are not those of {merged!r}")
        for part in (b, W):
            if part is not None and (part.dtype != merged.dtype or not np.isfinite(part).all()):
                raise DataError(f"the weights of its members are not finite numbers of type {merged.dtype}")
        return cls(b, W)


def members_of(ensemble: Ensemble, network: Network) -> Members:
    """The members of an ensemble, of the network of all of them.

    >>> ensemble = Ensemble(cr.Architecture.of([2, 3, 1], "relu", "identity"), 4)
    >>> net, X = ensemble.network("he_uniform", 0, "float64"), np.ones((1, 2))
    >>> apart = members_of(ensemble, net).outputs(ensemble.merged(net), X)
    >>> bool(np.allclose(apart[:, :, 0], net.predict(X)))
    True
    """
    ensemble, network = ensemble.whole(network)
    one, K = ensemble.one, ensemble.count
    b = np.array(network.b[-1]).reshape(K, one.sizes[-1])
    alone = len(one.sizes) == 2
    W = np.stack([network.W[0][:, ensemble.part(1, k)] for k in range(K)]) if alone else None
    return Members(b, W)
