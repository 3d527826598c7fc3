"""How many words of a column become inputs: a thousand, or a hundred of many rows where words come rarely."""

import pytest

from chainrule.tables.inputs import Encoder
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
