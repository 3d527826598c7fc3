"""Rows that may have a wrong label: planted ones come first, and every score is computed once more in another way."""

import json

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DataError, SettingError
from chainrule.model import TableSettings, TableTraining

RNG = np.random.default_rng(5)
N, WRONG = 120, [3, 50, 51, 90]
X = RNG.normal(size=(N, 3))
LABELS = np.where(X[:, 0] + X[:, 1] > 0, "up", "down").astype(object)
LABELS[np.abs(X[:, 0] + X[:, 1]) < 0.2] = "near"
FLIPPED = LABELS.copy()
FLIPPED[WRONG] = np.where(LABELS[WRONG] == "up", "down", "up")
COLUMNS = {f"x{k}": X[:, k] for k in range(3)}
TABLE = {**COLUMNS, "y": FLIPPED}
QUICK = {"epochs": 40, "hidden": 16, "learning_rate": 0.01}
WAYS = {
    "members": {"members": 4, "validation": "folds"},
    "self-influence": {"members": 1, "validation": 0.0, "self_influence": True},
}


def numbers(found):
    return [each["row"] for each in found["suspects"]]


@pytest.mark.parametrize("way", WAYS)
def test_planted_labels_come_first_and_a_file_does_not_keep_the_scores(way, tmp_path):
    model = cr.train_table(TABLE, "y", **QUICK, **WAYS[way])
    found = model.suspicious()
    assert len(found["suspects"]) == 20
    assert len(set(numbers(found)[:12]) & set(WRONG)) >= 3
    assert found["rows"] == N
    scores = [each["score"] for each in found["suspects"]]
    assert scores == sorted(scores, reverse=True)
    assert [each["targets"]["y"]["true"] for each in found["suspects"]] == FLIPPED[numbers(found)].tolist()
    json.dumps(found, allow_nan=False)
    model.save(tmp_path / "m.safetensors")
    with pytest.raises(SettingError, match="has no scores of the rows that it was trained on: train with members=5"):
        cr.load(tmp_path / "m.safetensors").suspicious()


def test_the_out_of_fold_cost_is_by_the_outputs_of_the_member_that_leaves_the_row_out():
    training = TableTraining(TABLE, "y", TableSettings(**QUICK, members=4))
    list(training.events())
    found, fold = training.model.row_scores, training.ensemble.fold
    assert found.method == "out-of-fold cost of 4 members"
    all_outputs = training.network.predict(training.rows.X).reshape(N, 4, 3)
    own = all_outputs[np.arange(N), fold]
    np.testing.assert_allclose(found.A, own, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.scores, -np.log(own[training.rows.T > 0]), rtol=1e-3, atol=1e-5)
    assert found.scores.mean() == pytest.approx(training.model.summary["at_best_epoch"]["validation_cost"], rel=1e-4)


def test_self_influence_is_the_sum_of_squared_gradient_norms_over_epochs():
    settings = TableSettings(**{**QUICK, "epochs": 5}, members=1, validation=0.0)
    training = TableTraining(TABLE, "y", settings, self_influence=True)
    expected = np.zeros(N)
    for event in training.events():
        if isinstance(event, cr.EpochEnd):
            expected += training.network.example_gradients(*training.rows[:2]).norms() ** 2
    np.testing.assert_array_equal(training.model.row_scores.scores, expected)
    assert training.model.suspicious(1)["method"] == "self-influence over 5 epochs"


def test_no_bit_of_the_model_depends_on_the_scores_and_without_them_an_error_says_what_to_do():
    one = {**QUICK, "members": 1, "validation": 0.0}
    scored, plain = cr.train_table(TABLE, "y", **one, self_influence=True), cr.train_table(TABLE, "y", **one)
    assert (scored.network.theta == plain.network.theta).all()
    with pytest.raises(SettingError, match=r"^this model has no scores [^\n]*self_influence=True[^\n]*$"):
        plain.suspicious()
    with pytest.raises(SettingError, match="self_influence is 'yes'"):
        cr.train_table(TABLE, "y", self_influence="yes")


def test_rows_have_the_numbers_of_the_table_where_others_are_left_out():
    y = FLIPPED.copy()
    y[[0, 60]] = None
    weight = np.ones(N)
    weight[[1, 10]] = 0
    table = {**COLUMNS, "y": y, "w": weight}
    for way in WAYS.values():
        with pytest.warns(cr.ChainruleWarning, match="lack a target"):
            model = cr.train_table(table, "y", weight="w", test_every=7, **QUICK, **way)
        found = model.suspicious(N)
        left_in = [k for k in range(N) if k % 7 and k not in (0, 1, 10, 60)]
        assert sorted(numbers(found)) == left_in
        for each in found["suspects"]:
            assert each["targets"]["y"]["true"] == y[each["row"]]


def test_numbers_are_shown_as_they_are_in_the_table_and_an_outlier_comes_first():
    y = 3 * X[:, 0] + 10.1
    y[[0, 17]] = 0.0, 99.9
    model = cr.train_table({**COLUMNS, "y": y}, "y", epochs=20, members=3)
    found = model.suspicious(N)
    assert numbers(found)[0] == 17
    assert [each["targets"]["y"]["true"] for each in found["suspects"]] == y[numbers(found)].tolist()
    assert set(found["suspects"][0]["targets"]["y"]) == {"true", "answer"}


def test_several_targets_have_one_score_and_a_cell_each():
    table = {**TABLE, "z": X[:, 2] * 2 + 1}
    found = cr.train_table(table, ["y", "z"], epochs=10, members=3).suspicious(3)
    for each in found["suspects"]:
        assert list(each["targets"]) == ["y", "z"]
        assert set(each["targets"]["y"]) == {"true", "said", "probability"}
        assert each["targets"]["z"]["true"] == table["z"][each["row"]]


def test_other_rows_are_scored_by_the_cost_of_the_model():
    model = cr.train_table({**COLUMNS, "y": LABELS}, "y", **QUICK, members=4)
    y = FLIPPED.copy()
    y[[7, 8]] = None, "never seen"
    found = model.suspicious(N, {**COLUMNS, "y": y})
    assert found["method"] == "cost"
    assert found["rows"] == N - 2
    assert not {7, 8} & set(numbers(found))
    assert set(WRONG) <= set(numbers(found)[:12])
    chances = model.probabilities(COLUMNS)
    for each in found["suspects"][:20]:
        own = chances[f"y={y[each['row']]}"][each["row"]]
        assert each["score"] == pytest.approx(-np.log(own), rel=1e-3, abs=1e-5)
        said = each["targets"]["y"]
        assert said["probability"] == pytest.approx(chances[f"y={said['said']}"][each["row"]], abs=1e-5)


def test_what_is_wrong_is_refused_in_one_line():
    model = cr.train_table(TABLE, "y", epochs=1, members=3)
    for n in (0, -1, 1.5, "3", None, True):
        with pytest.raises(SettingError, match=r"^n is [^\n]*a whole number from 1[^\n]*$"):
            model.suspicious(n)
    with pytest.raises(DataError, match=r"^no row of the mapping has a target that training had[^\n]*$"):
        model.suspicious(5, {**COLUMNS, "y": ["new"] * N})
