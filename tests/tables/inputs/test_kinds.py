"""What a person says that a column is, and what is recognised without: labels, texts, dates in numbers."""

import datetime
import math

import numpy as np
import pytest
from tests.tables.reading import read_table

from chainrule.errors import DataError, SettingError
from chainrule.tables.column_kinds import ColumnKind
from chainrule.tables.inputs import Encoder, choose_items
from chainrule.tables.inputs.transforms import (
    Categories,
    Dropped,
    Frequent,
    LabelSet,
    NumberColumn,
    Ordered,
    Presence,
    Scaled,
    TextWords,
    Times,
    WeightedText,
)

DAYS = [datetime.date(2021, 1, 5) + datetime.timedelta(days=17 * k) for k in range(40)]
NUMBERS = [int(f"{day:%Y%m%d}") for day in DAYS]


def transform(cells, kind=None, name="c"):
    kinds = {} if kind is None else {name: ColumnKind.of(kind)}
    return Encoder.fit({name: cells, "x": np.arange(float(len(cells)))}, kinds=kinds).transforms[0]


def refused(cells, kind):
    with pytest.raises(DataError) as caught:
        transform(cells, kind)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ------------------------------------------------------------------------------- what is said


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("category", ColumnKind("category")),
        (" date ", ColumnKind("date")),
        ("labels:|", ColumnKind("labels", "|")),
        ("ordered: S<M < L", ColumnKind("ordered", words=("S", "M", "L"))),
    ],
)
def test_kinds_as_they_are_written(text, kind):
    assert ColumnKind.of(text) == kind


@pytest.mark.parametrize("text", ["", "cat", "number:2", "labels:--", "ordered:S", "ordered:S<S", "ordered:S<", "a\nb"])
def test_other_kinds_are_refused_in_one_line(text):
    with pytest.raises(SettingError) as caught:
        ColumnKind.of(text)
    assert "\n" not in str(caught.value)


def test_codes_become_categories_however_few_repeat():
    codes = [10001, 10001, *range(20000, 20038)]
    assert isinstance(transform(codes), NumberColumn)
    assert transform(codes, "category") == Frequent("c", ("10001",), False)
    assert isinstance(transform([1, 2] * 20, "category"), Categories)
    assert isinstance(transform(list(range(40)), "category"), Dropped)
    assert isinstance(transform([None, *range(39)], "category"), Presence)


def test_a_number_is_one_whatever_the_column_looks_like():
    units = ["4 kg", "5 kg"] * 20
    assert isinstance(transform(units), Categories)
    assert transform(units, "number").form == "1234.5 kg"
    assert isinstance(transform(list(range(40)), name="id"), Dropped)
    assert isinstance(transform(list(range(40)), "number", name="id"), Scaled)
    assert isinstance(transform(NUMBERS, "number"), Scaled)
    line = refused([*range(38), "many", "x"], "number")
    assert line.startswith("column 'c' is to be numbers, but 'many' came in row 39: fix it, leave the cell empty, or ")


def test_dates_are_dates_or_refused_with_the_row():
    assert isinstance(transform(NUMBERS[:4] * 10, "date"), Times)
    assert "'soon' came in row 40" in refused([*map(str, DAYS[:39]), "soon"], "date")
    assert "'red' came in row 1" in refused(["red", "blue"] * 20, "date")
    assert "'1.5' came in row 1" in refused([1.5, 2.5] * 20, "date")


def test_an_order_is_the_one_that_is_named_or_that_of_the_cells():
    sizes = ["M", "S", "L", "S"] * 10
    assert transform(sizes, "ordered:S<M<L<XL") == Ordered("c", ("S", "M", "L", "XL"), False)
    assert transform([3, 1, 10, None] * 10, "ordered") == Ordered("c", ("1", "3", "10"), True)
    assert "name it, ordered:A<B<C" in refused(sizes, "ordered")
    assert "has 'L', which is not in the order S < M" in refused(sizes, "ordered:S<M")


# ------------------------------------------------------------------------------- labels and texts

TAGS = ["a;b", "b", "c ;a", "", "b;c", "a", "a;b;c", "c"] * 5


def test_labels_are_recognised_by_what_comes_again_in_other_sets():
    assert transform(TAGS) == LabelSet("c", ("a", "b", "c"), True, ";", False)
    assert isinstance(transform([tag.replace(";", "|") for tag in TAGS]), LabelSet)
    assert isinstance(transform([tag.replace(";", ",") for tag in TAGS]), Categories)
    assert isinstance(transform(["a;b", "c;d"] * 20), Categories)
    assert isinstance(transform([f"{k};{k + 50}" for k in range(40)]), Dropped)


def test_labels_that_are_named_have_any_separator():
    commas = [tag.replace(";", ",") for tag in TAGS]
    assert transform(commas, "labels") == LabelSet("c", ("a", "b", "c"), True, ",", False)
    assert transform([tag.replace(";", "+") for tag in TAGS], "labels:+").separator == "+"
    rare = transform(["a;rare", *["a;b", "b"] * 20][:40], "labels")
    assert (rare.words, rare.other) == (("b", "a"), True)


def test_the_inputs_of_labels_by_hand():
    encoder = Encoder((LabelSet("c", ("a", "b"), True, ";", True),))
    assert encoder.feature_names == ["c=a", "c=b", "c other", "c missing"]
    rows = encoder.encode(read_table({"c": ["a", " b;a ;a", "z;b", ";", None]}), "float64")
    assert rows.tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]]


def test_a_text_becomes_its_frequent_words():
    notes = [f"The {word} here is number {k}!" for k, word in enumerate(["fog", "snow", "snow", "snow"] * 10)]
    made = transform(notes)
    assert made == transform(notes, "text")
    # words in every cell say nothing, nor do pairs that are in the same cells as one of their words
    assert made == WeightedText("c", ("snow", "fog"), False, (1 + math.log(41 / 31), 1 + math.log(41 / 11)))
    assert made.detail == "text with 2 words: snow | fog"
    rows = Encoder((made,)).encode(read_table({"c": ["FOG, fog & Snow", "foggy", "", "fog"]}), "float64")
    weights = np.array(made.weights)
    assert np.allclose(rows[0], 3 * weights / np.linalg.norm(weights), rtol=1e-15)
    assert rows[1:].tolist() == [[0, 0], [0, 0], [0, 3]]


def test_a_text_with_one_frequent_word_has_no_weights():
    assert transform(["fog"] * 3 + ["rain", "hail"], "text") == TextWords("c", ("fog",), False)


def test_pairs_of_words_tell_what_words_do_not():
    cells = ["not good", "good, not bad", "bad", "not bad", "good", "not good at all", "bad! not good"] * 3
    made = transform(cells, "text")
    assert made.words == ("good", "not", "bad", "not good", "not bad", "all", "at", "bad not", "good not")
    assert made.detail == "text with 9 words, 4 of them pairs: good | not | bad | not good | not bad | 4 more"
    encoder = Encoder((made,))
    rows = encoder.encode(read_table({"c": ["not good", "good not", "not, so good"]}), "float64")
    assert [[encoder.feature_names[k] for k in np.flatnonzero(row)] for row in rows] == [
        ["c=good", "c=not", "c=not good"],
        ["c=good", "c=not", "c=good not"],
        ["c=good", "c=not"],
    ]
    assert np.allclose(np.linalg.norm(rows, axis=1), 3, rtol=1e-15)


def test_where_words_are_many_five_of_eight_inputs_are_words(monkeypatch):
    monkeypatch.setattr(choose_items, "MOST_TEXT_WORDS", 16)
    draw = np.random.default_rng(0)
    words = [f"w{k}" for k in range(20)]
    made = transform([" ".join(draw.choice(words, 12)) for _ in range(200)], "text")
    assert [sum(" " in word for word in made.words), len(made.words)] == [6, 16]
    few = transform([" ".join(draw.choice(words[:3], 12)) for _ in range(200)], "text")
    assert {word for word in few.words if " " not in word} <= set(words[:3])
    assert len(few.words) > 10  # where words are few, pairs have what they leave


# ------------------------------------------------------------------------------- dates without marks


@pytest.mark.parametrize(
    "cells", [NUMBERS, [float(n) for n in NUMBERS], [str(n) for n in NUMBERS], [*NUMBERS[:39], None]]
)
def test_numbers_that_are_all_days_are_dates(cells):
    made = transform(cells)
    assert isinstance(made, Times)
    assert (made.form, made.parts) == ("yearmonthday", ("days", "season", "weekday"))
    assert made.missing == (None in cells)
    days = Encoder((made,)).encode(read_table({"c": cells[:2]}), "float64")
    texts = Encoder((transform([f"{day}" for day in DAYS][: len(cells)]),)).encode(read_table({"c": ["2021-01-05"]}))
    np.testing.assert_allclose(days[0, 1:5], texts[0, 1:5], rtol=1e-6)


@pytest.mark.parametrize("odd", [20210230, 20211301, 14991231, 22000101, 20210105.5, 7])
def test_one_number_that_is_no_day_leaves_numbers(odd):
    for cells in ([*NUMBERS[:39], odd], [odd, *NUMBERS[:39]]):
        assert isinstance(transform(cells), Scaled)


def test_a_few_days_may_be_chance():
    assert isinstance(transform([*NUMBERS[:9], *[None] * 31]), Scaled)
    assert isinstance(transform([*NUMBERS[:10], *[None] * 30]), Times)
