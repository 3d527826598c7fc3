"""The cells of a target: kept by row while they are of one kind, else not at all."""

import numpy as np
import pyarrow as pa
import pytest

from chainrule.tables.columns import NumberCells
from chainrule.tables.profile import TargetCells, target_cells


def numbers(*values, boolean=False):
    return NumberCells(np.array(values, float), boolean)


def cells_of(*parts, present=None):
    cells, start = TargetCells(), 0
    for part in parts:
        rows = np.arange(start, start + len(part.values if isinstance(part, NumberCells) else part))
        start += len(rows)
        if isinstance(part, NumberCells):
            cells.add_numbers(rows, part)
        else:
            cells.add_words(rows, pa.array(part, pa.large_string()))
    cells.finish(np.ones(start, bool) if present is None else np.array(present))
    return cells


def test_words_have_one_code_in_all_chunks():
    cells = cells_of(["b", None, "a"], ["c", "a", "b"], present=[True, False, True, True, True, True])
    assert cells.numbers is None
    assert [None if code < 0 else cells.words[code] for code in cells.codes] == ["b", None, "a", "c", "a", "b"]
    assert (cells.codes.dtype, cells.text(3)) == (np.int32, "c")


def test_numbers_are_kept_with_gaps_where_no_target_is():
    cells = cells_of(numbers(1, np.nan), numbers(2.5), present=[True, False, True])
    np.testing.assert_array_equal(cells.numbers, [1, np.nan, 2.5])
    assert (cells.codes, cells.boolean, cells.text(0), cells.text(2)) == (None, False, "1", "2.5")


def test_chunks_without_values_are_of_every_kind():
    gap = numbers(np.nan, np.nan)
    assert cells_of(gap, ["a"], present=[False, False, True]).codes.tolist() == [-1, -1, 0]
    assert cells_of(gap, numbers(1, boolean=True), present=[False, False, True]).boolean


@pytest.mark.parametrize(
    "parts",
    [
        (numbers(1), ["a"]),
        (["a"], numbers(1)),
        (numbers(1), numbers(0, boolean=True)),
        (numbers(np.inf),),
        (numbers(1), numbers(-np.inf)),
        (["a"], numbers(1), ["b"]),
    ],
    ids=str,
)
def test_other_cells_are_not_kept(parts):
    cells = cells_of(*parts)
    assert (cells.numbers, cells.codes) == (None, None)


def test_too_many_words_are_not_kept(monkeypatch):
    monkeypatch.setattr(target_cells, "MOST_WORDS", 3)
    assert cells_of(["a", "b"], ["c", "a"]).codes is not None
    assert cells_of(["a", "b"], ["c", "d"], ["a"]).codes is None
