"""What a model makes of its columns: each number is the one that predictions of changed tables give."""

import json
import math

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import run
from chainrule.errors import DataError, SettingError
from chainrule.model.contributions import integrated_gradients
from chainrule.model.importance import Importance
from chainrule.random import Purpose, permutation


def table(rows=120):
    draw = np.random.default_rng(0)
    x, z = draw.normal(size=(2, rows))
    word = [["a", "b", "c", None][k % 4] for k in range(rows)]
    day = [str(np.datetime64("2020-01-01") + int(d)) for d in draw.integers(0, 700, rows)]
    y = 2 * x + np.array([{"a": 1, "b": -1}.get(w, 0) for w in word])
    return {
        "x": np.where(np.arange(rows) % 17 == 3, np.nan, x).tolist(),
        "z": z.tolist(),
        "word": word,
        "day": day,
        "y": y.tolist(),
        "kind": np.where(y + 0.3 * draw.normal(size=rows) > 0, "high", "low").tolist(),
        "people": np.exp(3 * x + 8).tolist(),
    }


@pytest.fixture(scope="module")
def model():
    return cr.train_table(table(), ["kind", "y", "people"], epochs=40, hidden=(8,), dtype="float64", seed=1)


def test_importance_is_the_loss_of_scores_on_permuted_tables(model):
    rows = table()
    importance = model.importance(rows, repeats=2, seed=3, groups={"both": ["z", "day"]})
    before = model.evaluate(rows)["targets"]
    assert set(importance.losses) == {"both", "x", "word"}
    for k in range(2):
        order = permutation(3, Purpose.PERMUTED, k, 120)
        for name, columns in {"x": ["x"], "both": ["z", "day"]}.items():
            changed = rows | {column: [rows[column][i] for i in order] for column in columns}
            after = model.evaluate(changed)["targets"]
            losses = importance.losses[name]
            assert losses["y"]["rmse"][k] == pytest.approx(after["y"]["rmse"] - before["y"]["rmse"], abs=1e-12)
            assert losses["kind"]["auc"][k] == pytest.approx(before["kind"]["auc"] - after["kind"]["auc"], abs=1e-12)
    assert importance.scores["y"] == pytest.approx(before["y"])
    assert importance.ranked("y") == ["x", "word", "both"]
    assert importance.mean("x", "kind", "log_loss") > importance.mean("both", "kind", "log_loss")
    assert math.isnan(model.importance(rows, repeats=1).spread("x", "y", "r2"))
    assert json.dumps(importance.document(), allow_nan=False)


def test_contributions_add_up_to_the_difference(model):
    rows = table()
    row = {name: [cells[7]] for name, cells in rows.items()}
    contributions = model.contributions(row, background=rows)
    assert contributions.outputs == ("kind=high", "kind=low", "y", "people")
    total = np.sum(list(contributions.columns.values()), axis=0)
    assert np.abs(total - (contributions.answer - contributions.base)).max() <= contributions.gap + 1e-12
    assert contributions.gap <= 2e-3 * np.abs(contributions.answer - contributions.base).max()
    outputs = model.outputs(row)
    assert contributions.answer[:2] == pytest.approx(outputs[0, :2])
    assert contributions.answer[2] == pytest.approx(model.predict(row)["y"][0])
    assert math.exp(contributions.answer[3]) == pytest.approx(model.predict(row)["people"][0])
    assert contributions.cells["word"] == "missing"
    ranked = contributions.ranked("y")
    assert [abs(value) for _, value in ranked] == sorted((abs(value) for _, value in ranked), reverse=True)
    X = model.encoder.encode(_arrow(rows), "float64")
    assert contributions.base[:2] == pytest.approx(model.network.predict(X.mean(axis=0)[None])[0, :2])


def _arrow(rows):
    from chainrule.tables.sources import as_source

    return as_source(rows).table()


def test_integrated_gradients_of_a_network_without_hidden_layer_are_exact():
    net = cr.Network([3, 2], output="identity", seed=0, dtype="float64")
    x, x0 = np.array([1.0, -2.0, 0.5]), np.array([0.2, 0.0, 3.0])
    parts, answer, base = integrated_gradients(net, x, x0)
    assert parts == pytest.approx((net.W[0] * (x - x0)[:, None]).T)
    assert (answer, base) == (pytest.approx(net.predict([x])[0]), pytest.approx(net.predict([x0])[0]))


def test_dependence_is_the_mean_prediction_of_changed_tables(model):
    rows = table()
    by_x = model.dependence(rows, "x", points=5)
    assert by_x.values[-1] == "missing"
    assert by_x.numbers[0] == np.nanmin(rows["x"])
    for k, value in enumerate([*by_x.numbers[:-1], None]):
        changed = rows | {"x": [value] * 120}
        predictions = model.predict(changed)
        assert by_x.mean[k, 2] == pytest.approx(predictions["y"].mean())
        assert by_x.mean[k, 3] == pytest.approx(predictions["people"].mean())
        assert by_x.mean[k, 0] == pytest.approx(model.probabilities(changed)["kind=high"].mean())
        assert by_x.curves[:, k, 2] == pytest.approx(predictions["y"])
    by_word = model.dependence(rows | {"word": ["a", "new", None] * 40}, "word")
    words = model.encoder.transforms[2].words
    assert by_word.values == (*words, "other", "missing")
    for k, word in enumerate([*words, "new", None]):
        assert by_word.mean[k, 2] == pytest.approx(model.predict(rows | {"word": [word] * 120})["y"].mean())
    by_day = model.dependence(rows, "day", points=3, rows=50)
    assert by_day.values[0] == min(rows["day"][:50])
    assert len(by_day.curves) == 50
    assert json.dumps(by_day.document())


def test_refusals(model):
    rows = table()
    with pytest.raises(DataError, match=r"^row is a table of 2 rows, but must have 1: give the row to explain$"):
        model.contributions({name: cells[:2] for name, cells in rows.items()})
    with pytest.raises(SettingError, match=r"^'y' is not an input: the inputs are 'x', 'z', 'word', 'day'$"):
        model.dependence(rows, "y")
    with pytest.raises(SettingError, match=r"^group 'g' has 'q', which is not an input"):
        model.importance(rows, groups={"g": ["x", "q"]})
    with pytest.raises(SettingError, match=r"^group 'g' has no column"):
        model.importance(rows, groups={"g": []})
    with pytest.raises(SettingError, match="repeats is 0"):
        model.importance(rows, repeats=0)
    without = rows | {"y": [None] * 120}
    with pytest.raises(DataError, match="no row has a value for every target"):
        model.importance(without)


def test_the_command(model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    model.save("m.safetensors")
    rows = zip(*table().values(), strict=True)
    lines = [",".join("" if cell is None or cell != cell else str(cell) for cell in row) for row in rows]
    (tmp_path / "t.csv").write_text("\n".join([",".join(table()), *lines]) + "\n")
    assert run(["explain", "m.safetensors", "t.csv", "--repeats", "2", "--group", "z+day"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "120 rows; how much worse each score is when the cells of a column are permuted"
    assert [line.split()[0] for line in out[1:4]] == ["kind", "log", "x"]
    assert run(["explain", "m.safetensors", "t.csv", "--row", "8"]) == 0
    assert "for the mean row" in capsys.readouterr().out
    assert run(["explain", "m.safetensors", "t.csv", "--column", "word", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["values"] == [*model.encoder.transforms[2].words, "missing"]
    assert run(["explain", "m.safetensors", "t.csv", "--row", "121"]) == 2
    assert "row is 121, but 't.csv' has rows 1 to 120" in capsys.readouterr().err
    assert run(["explain", "m.safetensors", "t.csv", "--row", "1", "--column", "x"]) == 2
    cr.save(cr.Network([4, 1]), "n.safetensors")
    assert run(["explain", "n.safetensors", "t.csv"]) == 2
    assert "it has a Network, which does not know the columns" in capsys.readouterr().err


def test_what_if_gives_the_predictions_of_changed_rows(model):
    rows = table()
    row = {name: [cells[7]] for name, cells in rows.items()}
    changes = model.what_if(row, {"x": [-1.0, 2.5], "word": ["a", "new", None]})
    assert changes.columns == ("x", "word")
    assert changes.cells == tuple((x, word) for x in ("-1.0", "2.5") for word in ("a", "new", "missing"))
    assert changes.answer[2] == pytest.approx(model.predict(row)["y"][0])
    for k, (x, word) in enumerate([(x, w) for x in (-1.0, 2.5) for w in ("a", "new", None)]):
        changed = row | {"x": [x], "word": [word]}
        assert changes.answers[k, :2] == pytest.approx(model.outputs(changed)[0, :2])
        assert changes.answers[k, 2] == pytest.approx(model.predict(changed)["y"][0])
        assert changes.answers[k, 3] == pytest.approx(model.predict(changed)["people"][0])
    moved = changes.contributions["x"] + changes.contributions["word"]
    differences = changes.answers - changes.answer
    differences[:, 3] = np.log(changes.answers[:, 3] / changes.answer[3])  # it is learned as its logarithm
    assert np.abs(moved - differences).max() <= changes.gap + 1e-9
    assert changes.gap <= 2e-3 * np.abs(differences).max()
    same = model.what_if(row, {"x": [rows["x"][7]]})
    assert (same.contributions["x"] == 0).all()
    assert json.dumps(changes.document(), allow_nan=False)


def test_what_if_refuses_in_one_line(model):
    row = {name: [cells[7]] for name, cells in table().items()}
    for values, line in {
        "x": "must be lists by column",
        (): "must be lists by column",
    }.items():
        with pytest.raises(SettingError, match=line):
            model.what_if(row, values)
    with pytest.raises(SettingError, match=r"^the values of 'word' are 'a', but must be a list such as \[20, 40\]$"):
        model.what_if(row, {"word": "a"})
    with pytest.raises(SettingError, match=r"^the values make 1,001 combinations, 1,000 at most: give fewer$"):
        model.what_if(row, {"x": range(1001)})
    with pytest.raises(SettingError, match=r"^'y' is not an input"):
        model.what_if(row, {"y": [1]})
    with pytest.raises(DataError, match=r"x.*'many'"):
        model.what_if(row, {"x": ["1", "many"]})
    with pytest.raises(DataError, match="must have 1"):
        model.what_if(table(), {"x": [1]})


def test_the_spread_of_a_dependence_is_that_of_its_curves(model):
    by_x = model.dependence(table(), "x", points=3)
    document = by_x.document()
    assert document["low"]["y"] == np.quantile(by_x.curves[:, :, 2], 0.1, axis=0).tolist()
    assert document["high"]["y"] == np.quantile(by_x.curves[:, :, 2], 0.9, axis=0).tolist()
    assert model.dependence(table(), "word", points=2).values == (*model.encoder.transforms[2].words[:2], "missing")


@pytest.mark.filterwarnings("ignore::chainrule.errors.ChainruleWarning")
def test_a_column_of_labels_takes_each_alone_and_none():
    rows = {"tags": ["a;b", "b", "b;c", None] * 10, "x": list(range(40)), "y": [1.0, 2.0, 4.0, 3.0] * 10}
    model = cr.train_table(rows, "y", kinds={"tags": "labels", "y": "number"}, epochs=5, hidden=(4,), dtype="float64")
    dependence = model.dependence(rows, "tags")
    assert dependence.values == ("b", "a", "c", "none")
    alone = model.predict(rows | {"tags": ["a"] * 40})
    np.testing.assert_allclose(dependence.curves[:, 1, 0], alone)


def test_columns_are_sorted_by_a_finite_score():
    losses = {
        name: {"y": {"log_loss": np.array([loss, 1.0]), "auc": np.array([auc, auc])}}
        for name, loss, auc in (("a", 1.0, 0.1), ("b", math.inf, 0.2))
    }
    importance = Importance(2, {"y": {"auc": 0.9, "log_loss": 0.5}}, losses)
    assert (importance.loss("y"), importance.ranked("y")) == ("auc", ["b", "a"])
    assert math.isnan(importance.spread("b", "y", "log_loss"))
