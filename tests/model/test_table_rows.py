"""What the rows and columns of a table mean to a training, and tables that are read block by block."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.tables.cutting import Cut, random_cuts

import chainrule as cr
from chainrule.errors import DataError, SettingError
from chainrule.model import TableSettings, TableTraining
from chainrule.training import EpochEnd

Columns = dict[str, Any]


def houses(n: int = 240, seed: int = 0) -> Columns:
    """A table with a class, a number, words and gaps, and a column of weights in which every fourth is 0."""
    rng = np.random.default_rng(seed)
    x, colour = rng.normal(size=n), rng.choice(["red", "green", "blue"], n)
    return {
        "x": [None if g else float(v) for g, v in zip(rng.random(n) < 0.1, x, strict=True)],
        "colour": colour.tolist(),
        "kind": np.where(x + (colour == "red") > 1, "rare", "common").tolist(),
        "price": (3 * x + (colour == "blue")).tolist(),
        "w": [0.0 if k % 4 == 3 else 0.5 + k % 3 for k in range(n)],
    }


def without(table: Columns, rows: Any) -> Columns:
    """The table without these rows."""
    return {name: [v for k, v in enumerate(values) if k not in set(rows)] for name, values in table.items()}


def bits(model: cr.Model) -> bytes:
    """All that was learned."""
    return model.network.theta.tobytes() + repr((model.encoder, model.targets)).encode()


def trained(table: Any, target: Any = "kind", **settings: Any) -> cr.Model:
    return cr.train_table(table, target, **{"epochs": 2, "hidden": 8, **settings})


# larger than memory ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_cuts_and_the_place_of_the_encoded_rows_change_no_bit(seed: int, tmp_path: Path) -> None:
    table = houses()
    settings: Columns = {"drop": "price", "weight": "w", "class_weight": "balanced", "test_every": 7}
    whole = trained(table, **settings)
    source = Cut(table, random_cuts(240, seed))
    cut = trained(source, cache=tmp_path if seed % 2 else None, **settings)
    assert bits(cut) == bits(whole)
    assert cut.summary == whole.summary
    assert cut.outputs(source).tobytes() == whole.outputs(table).tobytes()
    assert cut.evaluate(source) == whole.evaluate(table)
    assert list(tmp_path.iterdir()) == []


def test_rows_are_read_in_three_passes() -> None:
    source = Cut(houses(), [100, 200])
    trained(source, ["kind", "price"])
    assert source.passes == 3


def test_the_rows_to_train_on_are_not_copied_from_the_file(tmp_path: Path) -> None:
    training = TableTraining(houses(), "price", TableSettings(cache=tmp_path, epochs=1, test_every=5))
    assert not training.rows[0].flags.writeable
    assert any("in a file of" in note and str(tmp_path) in note for note in training.notes)
    assert len(list(training.events())) > 3


def test_bad_cells_are_named_by_their_row_whatever_the_blocks() -> None:
    table = houses() | {"x": ["1", "2"] * 119 + ["oops", "3"]}
    with pytest.raises(DataError, match="row 239"):
        trained(Cut(table, [50, 238]))
    model = trained(houses())
    with pytest.raises(DataError, match="row 239"):
        model.predict(Cut(table, [50, 238]))
    with pytest.raises(DataError, match="row 239"):
        model.evaluate(Cut(table, [50, 238]))


# weights ---------------------------------------------------------------------------------------------------------


def test_rows_of_weight_0_are_as_if_they_were_not_there() -> None:
    table = houses()
    out = range(3, 240, 4)
    for k in out:  # whatever they hold
        table["x"][k], table["colour"][k], table["kind"][k] = "oops" if k % 8 else None, f"c{k}", "other" * (k % 3)
    table["x"] = [v if v is None else str(v) for v in table["x"]]
    a, b = (trained(t, drop="price", weight="w") for t in (table, without(table, out)))
    assert bits(a) == bits(b)
    assert "w" not in a.encoder.columns
    notes = TableTraining(table, "kind", TableSettings(drop="price", weight="w")).notes
    assert "60 rows have weight 0 in w and are left out" in notes


def test_weights_are_those_of_the_rows_to_train_on_and_of_the_held_out() -> None:
    table = houses()
    training = TableTraining(table, "price", TableSettings(weight="w", validation=0.1))
    assert training.held_out is not None
    x = np.array([float(v or 0) for v in table["price"]])
    for _, T, weight in (training.rows, training.held_out):
        target = training.model.targets.decode(T)["price"]
        rows = [int(np.argmin(np.abs(x - value))) for value in target]
        assert weight is not None
        assert weight.tolist() == [table["w"][row] for row in rows]


@pytest.mark.parametrize(
    ("value", "text"), [("-1", "is -1"), ("many", "is 'many'"), ("", "is missing"), ("inf", "inf")]
)
def test_weights_that_are_none_are_refused_with_their_row(value: str, text: str) -> None:
    table = houses() | {"w": ["1"] * 150 + [value] + ["1"] * 89}
    with pytest.raises(DataError, match="row 151") as caught:
        trained(Cut(table, [100]), weight="w")
    assert text in str(caught.value)


# classes ---------------------------------------------------------------------------------------------------------


def test_balanced_classes_weigh_the_same_in_total() -> None:
    training = TableTraining(houses(), ["kind", "price"], TableSettings(weight="w", class_weight="balanced"))
    _, T, weight = training.rows
    assert weight is not None
    plain = TableTraining(houses(), ["kind", "price"], TableSettings(weight="w")).rows[2]
    assert plain is not None
    totals = [weight[T[:, k] == 1, 0].sum() for k in range(2)]
    assert totals == pytest.approx([plain.sum() / 2] * 2, rel=1e-12)
    assert (weight[:, 1] == plain).all()


@pytest.mark.parametrize("weights", [{"rare": 3}, {"kind": {"rare": 3}}])
def test_the_weight_of_a_class_is_that_of_its_rows(weights: Columns) -> None:
    table = houses()
    by_class = trained(table, drop=["w", "price"], class_weight=weights)
    by_row = trained(
        table | {"w": [3.0 if kind == "rare" else 1.0 for kind in table["kind"]]}, drop="price", weight="w"
    )
    assert bits(by_class) == bits(by_row)


OUT = {"class_weight": {"blue": 0}, "drop": ("w", "kind", "price")}  # leaves the rows of a class out


def blue(table: Columns) -> list[int]:
    return [k for k, colour in enumerate(table["colour"]) if colour == "blue"]


@pytest.mark.parametrize(
    "settings", [{}, {"hidden": "auto", "members": 3}, {"validation": 0.3, "class_weight": {"blue": 0, "red": 2}}]
)
def test_a_class_of_weight_0_is_left_out_of_everything(settings: Columns) -> None:
    """As if its rows were not there, to the last bit; one of them has to say that there is such a class."""
    table = houses()
    first, *others = blue(table)
    for k in [first, *others]:  # whatever they hold
        table["x"][k] = 1e9 * k
    fewer = without(table, others)
    model, alone = (trained(t, "colour", **{**OUT, **settings}) for t in (table, fewer))
    assert bits(model) == bits(alone)
    assert model.summary == alone.summary
    assert model.targets.columns[0].words == ("blue", "green", "red")
    notes = TableTraining(table, "colour", TableSettings(**OUT)).notes
    assert f"{len(others) + 1} rows have a class of weight 0 and are left out" in notes


def test_a_class_of_weight_0_is_left_out_of_a_table_to_validate_with_and_not_of_the_test() -> None:
    table, own = houses(), houses(60, seed=1)
    settings: Columns = {**OUT, "epochs": 3, "test_every": 6}
    model, alone = (trained(table, "colour", validation=t, **settings) for t in (own, without(own, blue(own))))
    assert bits(model) == bits(alone)
    assert model.summary == alone.summary
    assert model.summary["validation_rows"] == 60 - len(blue(own))
    assert model.summary["test"]["rows"] == 40


def test_a_row_is_left_out_only_if_none_of_its_targets_has_a_weight() -> None:
    table = houses()
    weights: Columns = {"colour": {"blue": 0}, "kind": {"common": 0}}
    training = TableTraining(table, ["colour", "kind"], TableSettings(class_weight=weights, validation=0, drop="price"))
    _, T, weight = training.rows
    assert weight is not None
    assert (weight == (T[:, [0, 3]] == 0)).all()
    assert weight.any(axis=1).all()
    training = TableTraining(table, ["colour", "price"], TableSettings(class_weight={"blue": 0}, validation=0))
    assert len(training.rows.X) == 240
    assert training.rows.weight is not None
    assert (training.rows.weight == np.stack([training.rows.T[:, 0] == 0, np.ones(240)], axis=1)).all()


def test_classes_that_all_have_weight_0_leave_nothing_to_learn() -> None:
    with pytest.raises(DataError, match="there is nothing to learn"):
        trained(houses(), drop="price", class_weight={"rare": 0, "common": 0})


def test_classes_of_numbers_are_named_by_their_value() -> None:
    table = houses() | {"kind": [k % 3 for k in range(240)]}
    texts = [trained(table, class_weight=weights) for weights in ({1: 2.0}, {"1": 2}, {1.0: 2, 0: 1})]
    assert len({bits(model) for model in texts}) == 1


# rows for the choice of weights and for the test -------------------------------------------------------------------


def test_every_kth_row_is_left_out_of_everything_and_scored() -> None:
    table = houses()
    tested = range(0, 240, 5)
    for k in tested:
        table["colour"][k] = "never seen"
    model, alone = trained(table, test_every=5), trained(without(table, tested))
    assert bits(model) == bits(alone)
    rest = set(range(240)) - set(tested)
    scores = alone.evaluate(without(table, rest))
    assert model.summary["test"] == {"rows": 48, "targets": scores["targets"]}
    assert "rows" in TableTraining(table, "kind", TableSettings(test_every=5, epochs=1)).notes[0]
    assert "48 for the test" in TableTraining(table, "kind", TableSettings(test_every=5, epochs=1)).notes[0]


def test_a_table_of_its_own_chooses_the_weights(tmp_path: Path) -> None:
    table, own = houses(), houses(50, seed=1)
    pd.DataFrame(own).drop(columns="w").to_csv(tmp_path / "own.csv", index=False)
    costs: list[float] = []

    def note(event: object) -> None:
        if isinstance(event, EpochEnd) and event.validation is not None:
            costs.append(event.validation)

    settings: Columns = {"drop": ("w", "price"), "epochs": 3}
    model = trained(table, validation=tmp_path / "own.csv", callback=note, **settings)
    assert (model.summary["rows"], model.summary["validation_rows"]) == (240, 50)
    assert bits(model) == bits(trained(table, validation=own, **settings))
    found = model.evaluate(own)["targets"]["kind"]["log_loss"]
    assert found == pytest.approx(min(costs), rel=1e-5)


def test_an_error_in_that_table_names_it(tmp_path: Path) -> None:
    own = houses(50, seed=1)
    own["price"][9] = "new"
    pd.DataFrame(own).to_csv(tmp_path / "own.csv", index=False)
    with pytest.raises(DataError, match=r"^in '.*own\.csv': .*'new' .*row 10"):
        trained(houses(), target="price", validation=tmp_path / "own.csv")
    with pytest.raises(DataError, match=r"no target \(in the mapping, to validate with\) column 'kind'"):
        trained(houses(), validation={"x": [1.0]})


# columns ---------------------------------------------------------------------------------------------------------


def test_only_the_columns_to_keep_are_inputs() -> None:
    assert trained(houses(), keep="x").encoder.columns == ["x"]
    assert trained(houses(), keep=["price", "x"], weight="w").encoder.columns == ["x", "price"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weight": "v"}, "no weight column 'v'"),
        ({"keep": ["x", "y"]}, "no input column 'y'"),
        ({"drop": ["y"]}, "no excluded column 'y'"),
        ({"keep": "kind"}, "'kind' cannot be both kept as an input and the target"),
        ({"keep": "w", "weight": "w"}, "'w' cannot be both kept as an input and the weight"),
        ({"keep": "x", "drop": "x"}, "'x' cannot be both"),
        ({"kinds": {"x": "category", "v": "category"}}, "there is no column 'v': the columns are"),
        (
            {"kinds": {"w": "category"}, "weight": "w"},
            "'w' cannot be both named in `kinds` (`--as`) and the weight column: choose",
        ),
        (
            {"kinds": {"z": "category", "v": "text"}},
            "there are no columns 'z', 'v': the columns are 'x', 'colour', 'price', 'w'",
        ),
        ({"keep": "z", "weight": "w"}, "there is no input column 'z': the columns are 'x', 'colour', 'price'"),
        ({"weight": "kind"}, "'kind' cannot be both the target and the weight"),
        ({"weight": 3}, "weight is 3"),
        ({"class_weight": "even"}, "class_weight is 'even', but must be 'balanced'"),
        ({"class_weight": {"none": 2}}, "names 'none', but the classes of 'kind' are 'common', 'rare'"),
        ({"class_weight": {"rare": -1}}, "class_weight of 'rare' is -1"),
        ({"class_weight": {"rare": "x"}}, "class_weight of 'rare' is 'x'"),
        ({"target": "price", "class_weight": "balanced"}, "needs a target with classes, but 'price' has none"),
        ({"target": ["kind", "colour"], "class_weight": {"rare": 2}}, "must name targets"),
        ({"quantiles": (0.1, 0.9)}, "quantiles are for targets of numbers, but 'kind' has none: leave them out"),
        ({"test_every": 1}, "test_every is 1"),
        ({"test_every": 2.5}, "test_every is 2.5"),
        ({"validation": -0.1}, "validation is -0.1"),
        ({"cache": 5}, "cache is 5"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(settings: Columns, message: str) -> None:
    with pytest.raises((DataError, SettingError)) as caught:
        trained(houses(), **settings)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("late", [False, True])  # numbers become words when the first word comes late
def test_rows_held_out_have_each_class_in_its_share(late: bool) -> None:
    n = 2000
    y = np.where(np.arange(n) % 50 == 0, "7", np.where(np.arange(n) % 2 == 0, "8", "9")).astype(object)
    y[-40:] = "rare" if late else y[-40:]
    table = {"x": np.arange(float(n)), "y": y}
    training = TableTraining(table, "y", TableSettings(validation=0.1, members=1, seed=3))
    assert training.held_out is not None
    held, kept = training.held_out.T.sum(axis=0), training.rows.T.sum(axis=0)
    assert held.sum() == 200
    assert (np.abs(held - 0.1 * (held + kept)) < 1).all()
