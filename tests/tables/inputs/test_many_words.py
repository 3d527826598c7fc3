"""How many words of a column become inputs: a thousand, or a hundred of many rows where words come rarely."""

import pytest

from chainrule.tables.column_kinds import ColumnKind
from chainrule.tables.inputs import Encoder, choose_items
from chainrule.tables.inputs.choose import CELLS_EACH, MANY


@pytest.mark.parametrize(
    ("words", "each", "inputs"),
    [
        (300, 20, 300),
        (1200, CELLS_EACH, 1001),  # and one for all others
        (900, CELLS_EACH - 1, 101),  # they do not come often enough
        (100, 51, 100),
        (200, MANY // 200, 200),
        (1200, 2, 1001),  # of few rows, words that come twice
    ],
)
def test_words_become_inputs_up_to_a_thousand(words: int, each: int, inputs: int) -> None:
    cells = [f"w{k}" for k in range(words)] * each
    assert Encoder.fit({"a": cells}).width == inputs


@pytest.mark.parametrize(
    ("kind", "separator", "most", "limit"),
    [("text", " ", 8000, "MOST_TEXT_NUMBERS"), ("labels", ";", 1001, "MOST_NUMBERS")],
)
def test_texts_and_labels_have_thousands_of_words_and_of_many_rows_fewer(
    kind, separator, most, limit, monkeypatch
) -> None:
    cells = [separator.join(f"w{k + i}" for i in range(3)) for k in range(8100)] * 2
    kinds = {"a": ColumnKind(kind)}
    other = int(kind == "labels")
    monkeypatch.setattr(choose_items, limit, 16200 * 9000)
    assert Encoder.fit({"a": cells}, kinds=kinds).width == most
    monkeypatch.setattr(choose_items, limit, 16200 * 300)
    assert Encoder.fit({"a": cells}, kinds=kinds).width == 300 + other
    monkeypatch.setattr(choose_items, limit, 16200)
    assert Encoder.fit({"a": cells}, kinds=kinds).width == 100 + other
