"""How many words of a column become inputs: a hundred, or up to a thousand in a large table whose words come often."""

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
        (200, MANY // 200, 101),  # too few rows
    ],
)
def test_words_become_inputs_up_to_a_thousand(words: int, each: int, inputs: int) -> None:
    cells = [f"w{k}" for k in range(words)] * each
    assert Encoder.fit({"a": cells}).width == inputs
