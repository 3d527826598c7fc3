"""Models of tables: what is learned, what is held out, what is said, and what comes back."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.errors import DataError, SettingError
from chainrule.model import TableSettings, TableTraining
from chainrule.tables.targets import Quantity
from chainrule.training import EpochEnd


def shapes(n: int = 300) -> dict[str, list[object]]:
    """A table of numbers, words and gaps whose two targets follow from them."""
    rng = np.random.Generator(np.random.PCG64(0))
    x, y = rng.uniform(-1, 1, n), rng.uniform(0, 10, n)
    colour = np.array(["red", "green", "blue"])[rng.integers(0, 3, n)]
    gap = rng.uniform(size=n) < 0.1
    return {
        "x": [None if g else float(v) for g, v in zip(gap, x, strict=True)],
        "y": y.tolist(),
        "colour": colour.tolist(),
        "sign": np.where((x > 0) | (colour == "red"), "plus", "minus").tolist(),
        "total": (3 * x + y + 5 * (colour == "blue")).tolist(),
    }


def test_a_classifier_learns_words_and_answers_in_them() -> None:
    model = cr.train_table(shapes(), target="sign", drop=("total",), epochs=60)
    assert model.evaluate(shapes())["targets"]["sign"]["accuracy"] > 0.9
    assert set(model.predict(shapes())) == {"plus", "minus"}
    probabilities = model.probabilities(shapes())
    np.testing.assert_allclose(probabilities["sign=plus"] + probabilities["sign=minus"], 1, atol=1e-6)


def test_a_regression_answers_in_the_targets_own_units() -> None:
    model = cr.train_table(shapes(), target="total", drop=("sign",), epochs=100)
    assert model.evaluate(shapes())["targets"]["total"]["r2"] > 0.9
    assert 4 < model.predict(shapes()).mean() < 9


def test_targets_of_both_kinds_share_one_network() -> None:
    model = cr.train_table(shapes(), target=["sign", "total"], epochs=60)
    assert [block.width for block in model.network.architecture.blocks] == [2, 1]
    found = model.evaluate(shapes())["targets"]
    assert found["sign"]["accuracy"] > 0.85
    assert found["total"]["r2"] > 0.8


def test_columns_are_found_by_name_in_any_order_and_others_are_ignored() -> None:
    table = shapes()
    model = cr.train_table(table, target="total", drop=("sign",), epochs=3)
    turned = {"more": ["?"] * 300, **dict(reversed(list(table.items())))}
    np.testing.assert_array_equal(model.predict(table), model.predict(turned))
    with pytest.raises(DataError, match="'y'"):
        model.predict({"x": [1.0], "colour": ["red"]})


def test_a_frame_a_file_and_a_mapping_give_the_same_bits(tmp_path: Path) -> None:
    table = shapes()
    frame = pd.DataFrame(table)
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_csv(tmp_path / "t.csv.gz", index=False)
    sources = [table, frame, tmp_path / "t.csv", str(tmp_path / "t.csv.gz")]
    models = [cr.train_table(source, target="sign", epochs=2) for source in sources]
    assert len({model.network.theta.tobytes() for model in models}) == 1


def test_one_row_gives_the_same_bits_alone() -> None:
    table = shapes()
    model = cr.train_table(table, target="total", drop=("sign",), epochs=2)
    alone = model.predict({name: values[7:8] for name, values in table.items()})
    assert alone[0] == model.predict(table)[7]


def test_the_held_out_rows_are_seen_by_neither_encoder_nor_network() -> None:
    table = shapes()
    training = TableTraining(table, "total", TableSettings(drop=("sign",), validation=0.1))
    held = training.held_out
    assert held is not None
    assert len(held[0]) == 30
    assert len(training.rows[0]) == 270
    mean = training.rows[0][:, training.model.encoder.feature_names.index("y")].mean(dtype=np.float64)
    assert abs(mean) < 1e-6 < abs(held[0][:, training.model.encoder.feature_names.index("y")].mean(dtype=np.float64))


def test_rows_without_a_target_are_left_out_and_counted() -> None:
    table = shapes()
    gaps = {**table, "total": [None] * 5 + table["total"][5:]}
    training = TableTraining(gaps, "total", TableSettings(drop=("sign",), validation=0.1))
    assert len(training.rows[0]) + len(training.held_out[0]) == 295  # type: ignore[index]
    assert any("5 rows lack a target" in note for note in training.notes)
    model = cr.train_table(gaps, target="total", drop=("sign",), epochs=1)
    assert model.evaluate(gaps)["without_target"] == 5


def test_the_weights_kept_are_those_of_the_best_epoch() -> None:
    costs: list[float] = []

    def note(event: object) -> None:
        if isinstance(event, EpochEnd) and event.validation is not None:
            costs.append(event.validation)

    model = cr.train_table(shapes(60), target="sign", epochs=40, learning_rate=0.05, callback=note)
    assert model.summary["best_epoch"] == int(np.argmin(costs)) + 1
    assert model.summary["at_best_epoch"]["validation_cost"] == min(costs)


def test_a_callback_that_returns_true_ends_training() -> None:
    ends: list[EpochEnd] = []

    def note(event: object) -> bool:
        ends.extend([event] if isinstance(event, EpochEnd) else [])
        return len(ends) == 2

    history = cr.train_table(shapes(60), target="sign", epochs=40, callback=note).history
    assert history is not None
    assert (history.epochs, history.stopped) == (2, "cancelled")


def test_too_few_rows_are_all_trained_on() -> None:
    training = TableTraining({"x": [1.0, 2.0, 3.0], "y": [1.5, 2.5, 3.5]}, "y", TableSettings())
    assert training.held_out is None
    assert len(training.rows[0]) == 3


def test_the_seed_fixes_every_bit_and_none_draws_one_that_is_kept() -> None:
    bits = [cr.train_table(shapes(), target="sign", epochs=2, seed=seed).network.theta.tobytes() for seed in (1, 1, 2)]
    assert bits[0] == bits[1] != bits[2]
    drawn = cr.train_table(shapes(), target="sign", epochs=2, seed=None)
    again = cr.train_table(shapes(), target="sign", epochs=2, seed=drawn.summary["seed"])
    assert drawn.network.theta.tobytes() == again.network.theta.tobytes()


def test_threads_change_no_bit() -> None:
    models = [cr.train_table(shapes(), target="sign", epochs=3, threads=threads) for threads in (1, 2)]
    assert len({model.network.theta.tobytes() for model in models}) == 1
    assert len({model.outputs(shapes()).tobytes() for model in models}) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"validation": 1.0},
        {"hidden": (0,)},
        {"epochs": 0},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"dropout": 1.0},
        {"activation": "rleu"},
        {"optimizer": "adma"},
        {"task": "clustering"},
        {"seed": -1},
        {"alpha": -1.0},
        {"dtype": "int8"},
    ],
)
def test_wrong_settings_are_refused_in_one_line(wrong: dict[str, object]) -> None:
    with pytest.raises((SettingError, ValueError)) as caught:
        cr.train_table(shapes(20), target="sign", **wrong)
    assert "\n" not in str(caught.value)


def bad_cell(name: str, value: object, row: int) -> dict[str, list[object]]:
    table = shapes()
    return {**table, name: [*table[name][: row - 1], value, *table[name][row:]]}


@pytest.mark.parametrize("row", [1, 2, 77, 150, 300])
@pytest.mark.parametrize("value", ["oops", "inf"])
def test_a_bad_cell_is_named_by_its_row_in_the_table_wherever_the_split_puts_it(row: int, value: str) -> None:
    table = {
        name: [None if v is None else str(v) for v in values] for name, values in bad_cell("y", value, row).items()
    }
    table["sign"][:5] = [None] * 5  # rows without a target do not shift the count
    with pytest.raises(DataError, match=f"row {row}\\b"):
        cr.train_table(table, target="sign", drop=("total",))


def test_a_bad_cell_is_named_by_its_row_at_evaluation_too() -> None:
    model = cr.train_table(shapes(), target="sign", drop=("total",), epochs=1)
    table = bad_cell("colour", "red", 9) | {"sign": [None] * 5 + shapes()["sign"][5:]}
    table["y"] = ["oops" if k == 8 else str(v) for k, v in enumerate(table["y"])]
    with pytest.raises(DataError, match="row 9"):
        model.evaluate(table)


def test_numbers_as_targets_are_standardised_by_the_rows_to_train_on() -> None:
    training = TableTraining(shapes(), "total", TableSettings(drop=("sign",)))
    T = training.rows[1].astype(np.float64)
    assert abs(T.mean()) < 1e-6
    assert abs(T.std() - 1) < 1e-6


def test_one_name_is_one_name() -> None:
    table = {"a": [1.0, 2.0] * 20, "b": [2.0, 1.0] * 20, "ab": [1.0, 3.0] * 20, "y": ["p", "q"] * 20}
    model = cr.train_table(table, target="y", drop="ab", hidden=3, epochs=1)
    assert model.encoder.columns == ["a", "b"]
    assert model.network.sizes == (2, 3, 2)


def test_columns_of_words_that_are_mostly_numbers_are_pointed_out() -> None:
    table = {"x": ["1", "2", "3", "4"] * 20 + ["about 3"] * 20, "y": ["p", "q"] * 50}
    assert any("'about 3'" in note for note in TableTraining(table, "y", TableSettings()).notes)


def test_a_model_is_pickled_with_its_answers() -> None:
    model = cr.train_table(shapes(), target="sign", drop=("total",), epochs=2)
    model.predict(shapes())
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict(shapes()) == model.predict(shapes())).all()


def test_answers_that_are_no_numbers_are_refused() -> None:
    model = cr.train_table(shapes(), target="total", drop=("sign",), epochs=1)
    model.network.W[0][...] = 3e38
    with pytest.raises(DataError, match="no finite prediction"):
        model.predict(shapes())


def test_times_are_the_same_as_words_and_as_time_stamps() -> None:
    days = pd.to_datetime(["2020-01-01", "2020-01-02 12:30", "2020-01-03 01:02:03.5"] * 20, format="ISO8601")
    frame = pd.DataFrame({"t": days, "y": ["a", "b", "b"] * 20})
    model = cr.train_table(frame, target="y", epochs=30)
    assert model.encoder.feature_names == ["t", "t clock sin", "t clock cos"]
    assert model.predict(frame)[:3].tolist() == ["a", "b", "b"]
    words = frame.assign(t=["2020-01-01", "2020-01-02 12:30:00", "2020-01-03 01:02:03.5"] * 20)
    assert (model.predict(words) == model.predict(frame)).all()


def test_an_unknown_setting_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(SettingError, match=r"'epoch'.*epochs"):
        cr.train_table(shapes(), target="sign", epoch=3)


def test_a_target_over_ten_decades_is_learned_unless_its_own_unit_is_asked_for() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, 400)
    table = {"x": x, "y": 10 ** (5 * x)}
    model = cr.train_table(table, target="y", epochs=40, learning_rate=0.01)
    assert np.abs(np.log10(model.predict(table)) - 5 * x).max() < 0.5
    assert (model.predict({"x": [1e300, -1e300, None]}) > 0).all()
    for plain in ({"cost": "quadratic"}, {"output": "identity"}, {"metric": "rmse"}):
        assert type(cr.train_table(table, target="y", epochs=1, **plain).targets.columns[0]) is Quantity


def test_real_tables_are_learned(shared_data) -> None:  # type: ignore[no-untyped-def]
    mushroom = cr.train_table(shared_data("mushroom-train.csv.gz"), target="y", epochs=10)
    assert mushroom.evaluate(shared_data("mushroom-test.csv.gz"))["targets"]["y"]["accuracy"] > 0.998
    building = cr.train_table(shared_data("building-train.csv.gz"), target=["y1", "y2", "y3"], epochs=30)
    assert building.evaluate(shared_data("building-test.csv.gz"))["overall"]["r2"] > 0.76


@pytest.mark.parametrize(
    ("activation", "initializer"),
    [
        ("relu", "he_uniform"),
        ("selu", "lecun_normal"),
        ("tanh", "glorot_uniform"),
        (["relu", "tanh"], "glorot_uniform"),
    ],
)
def test_the_first_weights_suit_the_activation(activation: str | list[str], initializer: str) -> None:
    assert TableSettings(hidden=(4, 4), activation=activation).first_weights.name == initializer
    assert TableSettings(hidden=(4, 4), activation=activation, initializer="nielsen").first_weights.name == "nielsen"


def test_evaluate_by_weights_counts_a_row_of_weight_2_twice_and_leaves_out_weight_0() -> None:
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=60), np.arange(60) % 4
    rows = {"x": x, "number": 2 * x + rng.normal(size=60), "kind": np.where(x > 0, "a", "b"), "w": weight}
    model = cr.train_table(rows, ["number", "kind"], drop="w", epochs=3, hidden=4)
    twice = {name: np.repeat(cells, weight) for name, cells in rows.items()}
    scores, expected = (
        model.evaluate(rows, weight="w", metric=["mcc", "mse"]),
        model.evaluate(twice, metric=["mcc", "mse"]),
    )
    assert (scores["rows"], scores["weightless"], scores["without_target"]) == (45, 15, 0)
    for target, by_metric in expected["targets"].items():
        assert scores["targets"][target] == pytest.approx(by_metric, rel=1e-9)
    assert {"mcc"} < scores["targets"]["kind"].keys()
    with pytest.raises(
        DataError, match=r"^the weight in row 1 of column 'kind' is '[ab]': weights are numbers from 0$"
    ):
        model.evaluate(rows, weight="kind")
    with pytest.raises(DataError, match="'v'"):
        model.evaluate(rows, weight="v")
    with pytest.raises(DataError, match="no row has a value for any target and a weight above 0 in 'w'"):
        model.evaluate({**rows, "w": np.zeros(60)}, weight="w")
    with pytest.raises(SettingError, match="weight is 'w', but must be None with a function"):
        model.evaluate(rows, weight="w", metric=lambda y_true, y_pred: 0.0)
    with pytest.raises(SettingError, match="metric is 'acc'"):
        model.evaluate(rows, metric="acc")
