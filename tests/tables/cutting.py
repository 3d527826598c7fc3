"""A source whose blocks are cut wherever a test wants."""

import numpy as np
import pytest
from tests.tables.reading import read_table

from chainrule.tables.sources import Source


class Cut(Source):
    """The rows of a table in blocks that begin at `cuts`, without types; `passes` counts how often they were read."""

    typed = False

    def __init__(self, table, cuts):
        self._table = read_table(table)
        super().__init__("the table", self._table.column_names)
        self._cuts = [0, *cuts, self._table.num_rows]
        self.passes = 0

    def _read(self):
        self.passes += 1
        return (self._table.slice(a, b - a) for a, b in zip(self._cuts, self._cuts[1:], strict=False))


def seeds(quick, full):
    """Seeds of cuts: `quick` of them, and `full` in all under `-m full`."""
    return [pytest.param(seed, marks=[] if seed < quick else [pytest.mark.full]) for seed in range(full)]


def random_cuts(rows, seed):
    """From none to forty borders, some of them twice (an empty block)."""
    rng = np.random.default_rng(seed)
    return sorted(rng.integers(0, rows + 1, rng.integers(0, 40)).tolist())
