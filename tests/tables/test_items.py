"""Items: the labels of a cell and the words of a text, by Arrow and by hand."""

import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.tables.items import counts_of, has_items, pair_counts, separator_of, split


def words(cells):
    return pa.array(cells, pa.large_string())


def by_hand(cell, separator):
    parts = cell.split(separator) if separator else re.findall(r"[^\W_]+", cell.lower())
    return [part.strip() for part in parts if part.strip()]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.none() | st.text("ab ;|,.É1", max_size=8), max_size=6), st.sampled_from([";", "|", ""]))
def test_items_are_those_of_pythons_split(cells, separator):
    expected = [None if cell is None else by_hand(cell, separator) for cell in cells]
    assert split(words(cells), separator).to_pylist() == expected
    known = ["a", "b", "é"]
    has = has_items(words(cells), known, separator).toarray()
    for row, items in zip(has, expected, strict=True):
        other = any(item not in known for item in items or [])
        assert row.tolist() == [*(word in (items or []) for word in known), other]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | st.text("ab É,", max_size=9), max_size=5), st.permutations(["a", "b", "a b", "b é", "é é"]))
def test_pairs_are_words_that_follow_each_other(cells, known):
    parts = [[] if cell is None else by_hand(cell, "") for cell in cells]
    expected = [{*own, *map(" ".join, pairwise(own))} for own in parts]
    has = has_items(words(cells), known, "").toarray()
    assert [{item for item, is_there in zip(known, row[:-1], strict=True) if is_there} for row in has] == [
        items & set(known) for items in expected
    ]
    assert has[:, -1].tolist() == [bool({*own} - {*known}) for own in parts]
    present = [(cell, 2) for cell in dict.fromkeys(cells) if cell]
    counts = Counter(pair for cell, times in present for pair in pairs_by_hand(cell) & set(ALL) for _ in range(times))
    assert dict(pair_counts(present, ["a", "é"]) if present else []) == counts


ALL = ["a a", "a é", "é a", "é é"]


def pairs_by_hand(cell):
    return set(map(" ".join, pairwise(by_hand(cell, ""))))


def test_an_item_counts_once_in_a_cell_and_as_often_as_the_cell_comes():
    assert counts_of([("a;b;a", 3), ("b ; c", 2), (";", 5)], ";") == [("b", 5), ("a", 3), ("c", 2)]
    assert counts_of([("The fog, the FOG", 2), ("snow", 1)], "") == [("fog", 2), ("the", 2), ("snow", 1)]


@pytest.mark.parametrize(
    ("cells", "separator"),
    [([("a;b", 1), ("c,d", 1)], ";"), ([("a|b", 2), ("c,d", 1)], "|"), ([("a, b", 3)], ","), ([("a", 1)], ";")],
)
def test_the_separator_is_the_one_that_most_cells_have(cells, separator):
    assert separator_of(cells) == separator


def test_no_cells_have_no_items():
    assert has_items(words([]), ["a"], ";").shape == (0, 2)
    assert not has_items(words([None]), ["a"], ";").toarray().any()
    assert np.array_equal(has_items(words(["a"]), ["a"], ";").toarray(), [[True, False]])
    assert has_items(words([]), ["a b"], "").shape == (0, 2)
