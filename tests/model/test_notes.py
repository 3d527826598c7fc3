"""What a person is told of the columns before training starts."""

from typing import Any

import numpy as np
import pandas as pd

from chainrule.model import TableSettings, TableTraining


def notes(columns: Any, **settings: Any) -> list[str]:
    return TableTraining(columns | {"y": [0.5, 1.5, 2.5, 4.5] * 15}, "y", TableSettings(**settings)).notes[1:]


def test_as_what_every_column_is_seen() -> None:
    sizes = pd.Series(pd.Categorical(list("SML") * 20, ["S", "M", "L"], ordered=True))
    found = notes(
        {
            "age": np.random.default_rng(0).normal(size=60),
            "fare": np.random.default_rng(0).lognormal(3, 3, 60),
            "sex": ["f", "m"] * 30,
            "when": ["2020-02-01", "2021-01-05", "2022-11-25"] * 20,
            "size": sizes,
            "sold": [1, None] * 30,
            "same": [7] * 60,
            "name": [f"n{k}" for k in range(60)],
            "town": ["a", "b", "c"] * 20,
        }
    )
    assert found == [
        "target y: a number",
        "used as numbers: 'age'",
        "used as numbers on a logarithmic scale: 'fare'",
        "used as words: 'sex', 'town'",
        "used as times: 'when'",
        "used as words in an order: 'size'",
        "used only as there or missing, because every value is the same: 'sold'",
        "left out, because every value is the same: 'same'",
        "left out, because hardly any word comes twice, as in names and identifiers: 'name'",
    ]


def test_what_may_not_be_as_it_was_meant() -> None:
    found = notes({"x": ["1", "-", "2"] * 20, "day": ["03/04/2020", "05/06/2021"] * 30})
    assert found[3:] == [
        "column x holds numbers: cells such as '-' count as missing",
        "column day has times such as '03/04/2020', which are read as month/day/year",
    ]
    counted = "column n goes up by 1 with every row: drop it if it only numbers them"
    assert counted in notes({"n": range(5, 65)})
    assert counted not in notes({"n": [*range(5, 64), 70]})
    assert notes({"id": range(5, 65), "x": [1, 2, 3] * 20})[2:] == [
        "left out, because its whole numbers are all different, as those of rows and identifiers: 'id'"
    ]
    assert counted not in notes({"n": [*range(5, 64), None]})
    assert counted in TableTraining({"n": range(1, 61), "y": ["a", "b"] * 30}, "y", TableSettings(test_every=3)).notes


def test_a_target_over_many_decades_is_said_to_be_learned_as_its_logarithm() -> None:
    table = {"x": np.arange(60.0), "y": 10.0 ** np.linspace(-5, 5, 60)}
    assert (
        TableTraining(table, "y", TableSettings())
        .notes[1]
        .startswith("target y: a number over many decades, learned as")
    )
    assert TableTraining(table, "y", TableSettings(cost="quadratic")).notes[1] == "target y: a number"


def test_a_few_numbers_that_go_up_by_1_may_be_anything() -> None:
    few, many = (
        TableTraining({"n": np.arange(rows), "y": np.sin(np.arange(rows))}, "y", TableSettings()).notes
        for rows in (19, 20)
    )
    assert [any("goes up by 1" in note for note in found) for found in (few, many)] == [False, True]
