"""Ordered classes and labels: what is encoded, what outputs stand for, and rows that lack a target."""

import numpy as np
import pytest
from tests.tables.reading import read_table

from chainrule.errors import DataError, RowError
from chainrule.tables.column_kinds import ColumnKind
from chainrule.tables.targets import Classes, LabelTarget, OrderedClasses, Quantity, Targets

SIZE = OrderedClasses("size", "ordered", ("S", "M", "L"))
TAGS = LabelTarget("tags", ";", ("new", "old"))


def fitted(cells, kind):
    return Targets.fit(read_table({"y": cells}), "y", kinds={"y": ColumnKind.of(kind)}).columns[0]


def test_an_order_by_hand():
    assert SIZE.encode(["S", "M", "L"], "float64").tolist() == [[0, 0], [1, 0], [1, 1]]
    A = np.array([[0.9, 0.6], [0.9, 0.2], [0.4, 0.3], [0.4, 0.8]])  # the last one does not fall
    assert SIZE.decode(A).tolist() == ["L", "M", "S", "S"]
    np.testing.assert_allclose(
        SIZE.probabilities(A), [[0.1, 0.3, 0.6], [0.1, 0.7, 0.2], [0.6, 0.1, 0.3], [0.6, 0, 0.4]]
    )
    np.testing.assert_allclose(SIZE.chances(A), [0.6, 0.7, 0.6, 0.6])
    assert SIZE.one_hot(np.array([[1.0, 0.0]])).tolist() == [[0, 1, 0]]
    assert (SIZE.neurons, SIZE.texts, SIZE.code_of("L"), SIZE.code_of("XL")) == (
        ["size>=M", "size>=L"],
        SIZE.words,
        2,
        None,
    )


def test_the_answer_is_the_median_and_the_probabilities_sum_to_one():
    A = np.sort(np.random.default_rng(0).random((200, 4)))[:, ::-1]
    column = OrderedClasses("y", "integer", ("1", "2", "3", "4", "5"))
    p = column.probabilities(A)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    median = (p.cumsum(axis=1) < 0.5).sum(axis=1)
    assert (column.codes(A) == median).all()


@pytest.mark.parametrize(
    ("cells", "kind", "column"),
    [
        (["M", "S", "L"], "ordered:S<M<L", SIZE),
        ([3, 1, 2, 2], "ordered", OrderedClasses("y", "integer", ("1", "2", "3"))),
        (["3", "1"], "ordered:3<1", OrderedClasses("y", "ordered", ("3", "1"))),
        (["new;old", "new"], "labels", TAGS),
        (["b|a", "c", "|"], "labels", LabelTarget("y", "|", ("a", "b", "c"))),
        ([1, 2, 1, 2], "number", Quantity("y", 1.5, 0.5)),
        ([1.5, 2.5, 2.5], "category", Classes("y", "number", ("1.5", "2.5"))),
    ],
)
def test_targets_by_what_a_person_says(cells, kind, column):
    made = fitted(cells, kind)
    assert type(made) is type(column)
    assert {**vars(made), "name": ""} == {**vars(column), "name": ""}


@pytest.mark.parametrize(
    ("cells", "kind", "words"),
    [
        (["M", "S"], "ordered", "nothing says in which order"),
        (["M", "S"], "ordered:S<L", "not in the order S < L"),
        (list(range(101)), "ordered", "more than 100 classes"),
        ([";", ";;"], "labels", "0 labels"),
        (["a", "b"], "text", "must be category, number, labels or ordered"),
        (["a", "b"], "number", "cannot be a number.* or name it category"),
    ],
)
def test_what_cannot_be_such_a_target_is_refused(cells, kind, words):
    with pytest.raises(DataError, match=words):
        fitted(cells, kind)


def test_truth_that_training_did_not_have():
    truth = SIZE.as_truth
    T = truth.encode(["L", "XL"], "float64")
    assert truth.codes(T).tolist() == [2, -1]
    assert truth.learnable(T).tolist() == [True, False]
    assert truth.one_hot(T).tolist() == [[0, 0, 1], [0, 0, 0]]
    assert TAGS.as_truth.encode(["old;other"], "float64").tolist() == [[0, 1]]
    for column, cell in ((SIZE, "XL"), (TAGS, "old;other")):
        with pytest.raises(RowError, match="row 2"):
            column.encode([column.words[0], cell], "float64")


def test_rows_that_lack_a_target_are_marked_and_told_apart():
    columns = (Classes("a", "text", ("x", "y")), SIZE, TAGS, Quantity("q", 2.0, 0.5))
    targets = Targets(columns)
    cells = {"a": ["x", None], "size": [None, "M"], "tags": ["old", None], "q": [None, 2.0]}
    table = read_table(cells)
    lacks = [[True, False, True, False], [False, True, False, True]]
    assert targets.there(targets.truth.encode_some(table)).tolist() == lacks
    assert np.isnan(targets.encode_some(table)).tolist() == np.repeat(~np.array(lacks), [2, 2, 2, 1], axis=1).tolist()
    assert targets.with_any(table).tolist() == [True, True]
    assert targets.present(table).tolist() == [False, False]
    for dtype in ("float32", "float64"):
        for column in columns:
            T = np.full((1, column.width), column.absent, dtype)
            assert not column.present(T).any()
            assert column.present(np.zeros((1, column.width), dtype)).all()


def test_the_lowest_class_of_an_order_can_be_learned_and_an_unknown_one_not():
    targets = Targets((SIZE,))
    T = targets.truth.encode(read_table({"size": ["S", "L", "XL"]}), "float64")
    assert targets.learnable(T).tolist() == targets.truth.learnable(T).tolist() == [True, True, False]
