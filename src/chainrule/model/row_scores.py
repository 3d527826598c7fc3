"""Row scores: which rows of a table may have a wrong label or odd values, by how hard they are to predict.

    out-of-fold cost    C_x of each row, by the member of the ensemble that was not trained on it
    self-influence      sum over epochs of ||dC_x/dtheta||², where one network was trained on all rows
    cost                C_x of the rows of another table, by the model

A network learns wrong labels by heart, and their cost falls like that of the others; a member that has not seen a row
cannot have learned it, and the gradients of the early epochs were computed before it was learned. Weights of rows and
classes do not count in a score: it judges the label, not what the row is worth.

Sources: Northcutt, Jiang & Chuang, Confident learning, JAIR 70, 2021 (out-of-fold probabilities); Pruthi, Liu, Kale &
Sundararajan, Estimating training data influence by tracing gradient descent, NeurIPS 2020 (self-influence).
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.equations import forward
from chainrule.examples import is_sparse
from chainrule.model.ensemble import Ensemble
from chainrule.network import Network
from chainrule.tables.profile import TargetCells
from chainrule.tables.targets import ClassTarget, Outputs, Targets

__all__ = ["RowScores", "costs_of", "out_of_fold", "true_values"]

_ROWS = 1024  # computed together


@dataclasses.dataclass(frozen=True, eq=False)
class RowScores:
    """The scores of some rows of a table, and what is needed to show them.

    - method: what the scores are, in words.
    - rows: the number (n,) of each row in its table, from 0.
    - scores: (n,) float64; the greater, the more suspect.
    - A: predictions, (n, n_L).
    - true: the true values (n,) of each target, by its name.
    """

    method: str
    rows: Array
    scores: Array
    A: Array
    true: Mapping[str, Array]

    def most(self, targets: Outputs, n: int) -> dict[str, Any]:
        """The n rows with the greatest scores, as `Model.suspicious` returns them."""
        worst = np.argsort(-np.where(np.isnan(self.scores), np.inf, self.scores), kind="stable")[:n]
        rows, scores = self.rows[worst].tolist(), self.scores[worst].tolist()
        answers = _answers(targets, self.A[worst], {name: values[worst] for name, values in self.true.items()})
        suspects = [{"row": r, "score": s, "targets": a} for r, s, a in zip(rows, scores, answers, strict=True)]
        return {"method": self.method, "rows": len(self.rows), "suspects": suspects}


def _answers(targets: Outputs, A: Array, true: Mapping[str, Array]) -> list[dict[str, Any]]:
    """The true value and the answer of each row, by target."""
    said = targets.decode(A)
    by_row: list[dict[str, Any]] = [{} for _ in A]
    for column, part in targets.slices:
        chances = column.chances(A[:, part]).tolist() if isinstance(column, ClassTarget) else None
        for k, pair in enumerate(zip(true[column.name].tolist(), said[column.name].tolist(), strict=True)):
            if chances is None:
                word = "said" if column.texts else "answer"
                by_row[k][column.name] = {"true": pair[0], word: pair[1]}
            else:
                by_row[k][column.name] = {"true": pair[0], "said": pair[1], "probability": chances[k]}
    return by_row


def costs_of(network: Network, X: Array, T: Array, weight: Array | None = None) -> tuple[Array, Array]:
    """C_x (n,) and A^L (n, n_L) of rows X (n, n_1), also sparse, with targets T (n, n_L), in float64, from Z^L.

    `weight` (n, n_L) is 0 for outputs that do not count.

    >>> net = cr.Network([1, 1], output="identity", initializer=([[[2]]], [[0]]))
    >>> costs_of(net, np.array([[1.0], [2.0]]), np.zeros((2, 1)))[0]
    array([2., 8.])
    """
    architecture = network.architecture
    layers = architecture.layers(network.theta.astype(np.float64))
    costs, A = np.empty(len(T)), np.empty((len(T), network.sizes[-1]))
    with np.errstate(all="ignore"):
        for rows in (slice(start, start + _ROWS) for start in range(0, len(T), _ROWS)):
            own: Any = X[rows]
            own = own.toarray() if is_sparse(own) else own
            done = forward(own.astype(np.float64), layers)
            own_weight = None if weight is None else weight[rows]
            costs[rows] = architecture.costs(done.Z[-1], done.sigma[-1], T[rows].astype(np.float64), own_weight)
            A[rows] = done.sigma[-1]
    return costs, A


def out_of_fold(
    ensemble: Ensemble, network: Network, X: Array, T: Array, weight: Array | None = None
) -> tuple[Array, Array]:
    """The same for the rows of training, each by the member that leaves it out.

    - ensemble, network: the members, and the network of all of them.
    - X, T, weight: the rows that the members were trained on, with the targets of one member; see `costs_of`.
    """
    assert ensemble.fold is not None, "each row is left out by a member"
    X = ensemble.seen(X)
    costs, A = np.empty(len(X)), np.empty((len(X), ensemble.one.sizes[-1]))
    for k in range(ensemble.count):
        left_out = np.flatnonzero(ensemble.fold == k)
        own = None if weight is None else weight[left_out]
        costs[left_out], A[left_out] = costs_of(ensemble.member(network, k), X[left_out], T[left_out], own)
    return costs, A


def true_values(targets: Targets, cells: Mapping[str, TargetCells], rows: Array, T: Array) -> dict[str, Array]:
    """The targets T (n, n_L) of some rows as true values (n,), by target, without the rounding of T.

    - cells: what each target holds in the rows of its table.
    - rows: the number (n,) of each row in its table.
    """
    true: dict[str, Array] = {}
    for column, (_, place) in zip(targets.columns, targets.slices, strict=True):
        part = T[:, place]
        numbers = cells[column.name].numbers
        if column.kind == "numbers" and numbers is not None and column.name not in targets.unparsed(cells):
            values = numbers[rows]
        else:
            values = column.decode(part)
        there = column.present(part)
        if not there.all():
            values = values.astype(object)
            values[~there] = None
        true[column.name] = values
    return true
