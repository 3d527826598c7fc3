"""Columns that a network is better without: it learns noise from them, where a tree does not split by them.

    rise of a row, by a column   its cost with the cells of the column permuted in its fold - its cost
    t of a column                mean of the rises / (their standard deviation / sqrt(rows))

Each row is answered by the member that has not seen it. A column whose t is low is left out. What rows choose they
cannot judge: of many columns without effect some help these rows by chance and are kept, and so the cost of these rows
falls. So `Rises.below` also chooses by the other folds alone, and the cost of a fold is then that of a member without
the columns that the others choose.

Sources: Breiman, Random forests, Machine Learning 45, 2001; Grinsztajn, Oyallon & Varoquaux, Why do tree-based models
still outperform deep learning on typical tabular data?, NeurIPS 2022, on columns that say nothing; Ambroise &
McLachlan, Selection bias in gene extraction on the basis of microarray gene-expression data, PNAS 99, 2002, on costs
of rows that choose.
"""

import dataclasses
from collections.abc import Collection
from functools import partial

import numpy as np

from chainrule.arrays import Array
from chainrule.examples import RowArrays
from chainrule.model.blend import Judge, Tried
from chainrule.random import Purpose, permutation
from chainrule.tables.inputs import Encoder

__all__ = ["LOW_T", "REASON", "Rises", "may_be_left_out", "rises_of"]

FEW_ROWS = 300  # rows: of so many, few for each fold, the choice is noise
LOW_T = (1.0, 2.0)  # t below which columns are left out: first a few, then more
REPEATS, PASSES = 3, 60  # permutations of each column, and at most so many of all, but one of each
MOST_NUMBERS = 1_000_000_000  # columns times rows times inputs: beyond this the permutations take too long
REASON = "short trainings cost less without it"


@dataclasses.dataclass(frozen=True, eq=False)
class Rises:
    """How much the costs of rows rise where the cells of a column are permuted.

    - columns: the names of the columns.
    - by_row: the mean over the permutations (columns, n).
    - fold: for each row (n,) the member that leaves it out.

    >>> rises = Rises(["a", "b"], np.array([[1.0, 2.0, 0.0, 0.1], [0.1, -0.1, 2.0, 1.9]]), np.array([0, 0, 1, 1]))
    >>> rises.below(1.0), rises.below(2.0), rises.below(1.0, apart_from=0), rises.below(1.0, apart_from=1)
    ([], ['a', 'b'], [], ['b'])
    """

    columns: list[str]
    by_row: Array
    fold: Array

    def below(self, t: float, apart_from: int | None = None) -> list[str]:
        """The columns whose t is not above this, by the rows of all folds, or of those apart from one."""
        rises = self.by_row if apart_from is None else self.by_row[:, self.fold != apart_from]
        with np.errstate(invalid="ignore"):  # a rise that is infinite or not a number keeps its column
            are_low = rises.mean(axis=1) <= t * rises.std(axis=1) / np.sqrt(rises.shape[1])
        return [name for name, is_low in zip(self.columns, are_low, strict=True) if is_low]


def may_be_left_out(encoder: Encoder, rows: int) -> bool:
    """Whether trials without columns are made, by the columns and the number of rows to train on."""
    columns = len(encoder.slices)
    return columns > 1 and rows > FEW_ROWS and columns * rows * encoder.width <= MOST_NUMBERS


def rises_of(tried: Tried, encoder: Encoder, rows: RowArrays, seed: int, named: Collection[str] = ()) -> Rises:
    """The rises of each column that the members of a trial see.

    - tried: the trial.
    - encoder: that of its inputs.
    - rows: X with all inputs, T and weights of the rows to train on.
    - seed: the seed of the permutations.
    - named: columns that are never left out; their t is infinite.
    """
    judge, columns = Judge(tried, rows), encoder.slices
    before = judge.costs(judge.outputs(tried))
    repeats = max(1, min(REPEATS, PASSES // len(columns)))

    def rise(part: slice) -> Array:
        def permuted(X: Array, k: int) -> Array:
            X = X.copy()
            X[:, part] = X[permutation(seed, Purpose.PERMUTED, k, len(X)), part]
            return X

        after = (judge.costs(judge.outputs(tried, partial(permuted, k=k))) for k in range(repeats))
        with np.errstate(invalid="ignore"):
            return np.mean([costs - before for costs in after], axis=0)

    names = [transform.name for transform, _ in columns]
    always = np.full(len(before), np.inf)
    by_row = np.stack([always if name in named else rise(part) for name, (_, part) in zip(names, columns, strict=True)])
    return Rises(names, by_row, judge.fold)
