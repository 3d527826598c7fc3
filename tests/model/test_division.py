"""Rows of a group stay together and time goes forward, wherever rows are held out.

Each path gets a table with a leak: `copy` names the group of a row, whose level is the target. Who has seen other rows
of the group knows the target; who has not cannot. Groups follow each other in time.
"""

import json

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import run
from chainrule.errors import DataError, SettingError
from chainrule.model import TableSettings, TableTraining

GROUPS = np.repeat(np.arange(30), 4)
LEVEL = np.random.default_rng(1).normal(size=30)[GROUPS]
ROWS = {
    "copy": [f"g{g}" for g in GROUPS],
    "g": [f"g{g}" for g in GROUPS],
    "when": [f"2020-{1 + k // 28:02}-{1 + k % 28:02}" for k in range(120)],
    "y": LEVEL.tolist(),
}
PLAIN = {"kinds": {"copy": "category"}, "hidden": (), "epochs": 20, "seed": 3}
APART = {"group": {"group": "g", "drop": "when"}, "time": {"time_column": "when", "drop": ("when", "g")}}
LEAKING = {"drop": ("when", "g")}
KNOWN, UNKNOWN = 0.3, 0.1  # r2 of who knows the groups and of who does not


def validated(**settings):
    return cr.train_table(ROWS, "y", validation=0.25, metric="r2", **PLAIN, **settings).summary["at_best_epoch"]["r2"]


def folds(**settings):
    return cr.train_table(ROWS, "y", members=4, metric="r2", **PLAIN, **settings).summary["at_best_epoch"]["r2"]


def by_test(**settings):
    scores = cr.train_table(ROWS, "y", test_every=4, validation=0.0, **PLAIN, **settings).summary["test"]
    return scores["targets"]["y"]["r2"]


def crossed(**settings):
    scores = cr.cross_validate(ROWS, "y", folds=4, compare=None, validation=0.0, **PLAIN, **settings)
    return scores.mean("network", "y", "r2")


def suspected(**settings):
    """The share of the variance that the out-of-fold predictions explain."""
    model = cr.train_table(ROWS, "y", members=4, **PLAIN, **settings)
    rows = model.suspicious(n=120)["suspects"]
    true, said = (np.array([row["targets"]["y"][what] for row in rows]) for what in ("true", "answer"))
    return 1 - np.square(true - said).mean() / true.var()


@pytest.mark.parametrize("path", [validated, folds, by_test, crossed, suspected])
def test_a_leak_through_the_group_is_closed(path):
    assert path(**LEAKING) > KNOWN
    assert path(**APART["group"]) < UNKNOWN


@pytest.mark.parametrize("path", [validated, by_test, crossed])
def test_a_leak_through_neighbours_in_time_is_closed(path):
    assert path(**APART["time"]) < UNKNOWN


@pytest.mark.parametrize("apart", APART)
def test_no_group_is_in_two_parts_and_no_row_to_train_on_is_late(apart):
    rows = ROWS | {"group number": GROUPS.tolist(), "time": np.arange(120.0).tolist()}
    keep = "group number" if apart == "group" else "time"
    settings = TableSettings.of(keep=keep, test_every=5, validation=0.2, hidden=(4,), **APART[apart])
    training = TableTraining(rows, "y", settings)
    parts = [np.unique(X[:, 0]) for X in (training.rows.X, training.held_out.X, training.test[0])]
    assert [len(X) for X in parts] == ([19, 5, 6] if apart == "group" else [76, 20, 24])
    if apart == "group":
        assert len(set(np.concatenate(parts).tolist())) == sum(map(len, parts))
    else:
        assert parts[0].max() < parts[1].min() <= parts[1].max() < parts[2].min()
    assert training.notes[0].endswith(("whole groups of g; 1 input", "the latest by when; 1 input"))


def test_the_range_test_holds_out_the_same_rows(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = [",".join(map(str, row)) for row in zip(*ROWS.values(), strict=True)]
    (tmp_path / "t.csv").write_text("\n".join([",".join(ROWS), *lines]) + "\n")
    for command in ("rate", "suspects"):
        options = ["--group", "g", "--drop", "when", "--hidden", "4", "--validation", "0.2"]
        assert run([command, "t.csv", "--target", "y", *options]) in (0, 1)
        out, err = capsys.readouterr()
        assert "96 rows to train on, 24 held out for validation, whole groups of g" in out, err
    more = ["--time-column", "when", "--epochs", "2", "--json"]
    assert run(["train", "t.csv", "--target", "y", *more]) == 0
    end = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (end["time_column"], end["validation_rows"], end.get("members")) == ("when", 12, None)


def test_equal_times_stay_together():
    rows = {"x": np.arange(40.0), "y": np.arange(40.0), "t": np.repeat([1, 2, 3, 4], 10)}
    training = TableTraining(rows, "y", TableSettings(time_column="t", keep="x", validation=0.4))
    assert (len(training.rows.X), len(training.held_out.X)) == (30, 10)


def test_few_groups_make_few_members():
    rows = {"x": np.arange(60.0), "g": np.arange(60) % 3, "y": np.arange(60.0)}
    training = TableTraining(rows, "y", TableSettings(group="g"))
    assert training.ensemble.count == 3
    assert len({(g, f) for g, f in zip(rows["g"], training.ensemble.fold, strict=True)}) == 3


def test_a_weight_of_0_needs_no_time_and_a_row_without_target_neither():
    rows = {"x": np.arange(40.0), "t": [None, None, *range(38)], "w": [0] + [1] * 39, "y": [1.0, None, *range(38)]}
    training = TableTraining(rows, "y", TableSettings(time_column="t", weight="w"))
    assert len(training.rows.X) == 34


ONE = {"x": list(range(40)), "y": list(range(40)), "g": ["a"] * 40, "t": [1] * 40}
OWN = {name: cells[:5] for name, cells in ROWS.items()}


@pytest.mark.parametrize(
    ("rows", "settings", "error", "line"),
    [
        (ROWS, {"group": "gg"}, DataError, "'gg'"),
        (ROWS, {"group": "y"}, SettingError, "column 'y' cannot be both the target and the group: choose"),
        (ROWS, {"group": "g", "keep": "g"}, SettingError, "both kept as an input and the group column"),
        (ROWS, {"group": "g", "time_column": "when"}, SettingError, "time_column fixes the order of the rows"),
        (ROWS, {"time_column": "copy"}, DataError, "neither times of one form nor numbers"),
        (ROWS, {"time_column": "when", "members": 3}, SettingError, "members is 3, but folds learn from later rows"),
        (ROWS, {"time_column": "when", "validation": "folds"}, SettingError, "validation is 'folds', but folds learn"),
        (ROWS, {"group": "g", "members": 31}, SettingError, "members is 31, but there are 30 groups to train on"),
        (ONE, {"group": "g"}, DataError, "all rows to train on are of one group"),
        (ONE, {"time_column": "t"}, DataError, "all rows to train on have one time"),
        (ONE | {"t": [None, *range(39)]}, {"time_column": "t"}, DataError, "but row 1 has no value: fill it in"),
        (ROWS, {"group": "g", "validation": OWN}, SettingError, "2 groups of 'g', such as 'g0', have rows to train on"),
        (ROWS, {"time_column": "when", "validation": OWN}, SettingError, "are not later by 'when' than all rows to"),
        (ROWS, {"group": 3}, SettingError, "group is 3, but must be the name of a column"),
    ],
)
def test_refusals(rows, settings, error, line):
    with pytest.raises(error, match=line):
        cr.train_table(rows, "y", epochs=1, **settings)


def test_rows_to_validate_with_that_are_apart_are_taken():
    later = {"copy": ["z"] * 4, "g": ["z"] * 4, "when": ["2021-01-01"] * 4, "y": [0.0, 1.0, 2.0, 3.0]}
    for settings in APART.values():
        model = cr.train_table(ROWS, "y", validation=later, **PLAIN, **settings)
        assert model.summary["validation_rows"] == 4


def test_a_checkpoint_of_another_group_is_refused(tmp_path):
    path = tmp_path / "c.safetensors"
    settings = {**PLAIN, "validation": 0.2, "drop": "when"}
    cr.train_table(ROWS, "y", checkpoint=path, group="g", **settings)
    with pytest.raises(SettingError, match="group"):
        cr.train_table(ROWS, "y", checkpoint=cr.Checkpoint(path, resume=True), **settings | {"drop": ("when", "g")})
