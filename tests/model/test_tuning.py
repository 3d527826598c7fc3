"""A search: the same for one seed, interrupted or not; its settings make the same model; what it cannot be."""

import contextlib
import dataclasses
import itertools
import json
import os
import signal

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import run
from chainrule.cli import tune as command
from chainrule.errors import SettingError
from chainrule.model import TableSettings, trials, tuning
from chainrule.model.option_file import write_options
from chainrule.model.search_space import settings_for, space_of
from chainrule.schedules import Cosine
from chainrule.training import EpochEnd

pytest.importorskip("optuna", reason="a search needs optuna")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 2))
ROWS = {
    "a": X[:, 0],
    "b": X[:, 1],
    "y": np.sin(2 * X[:, 0]) * X[:, 1] + 0.1 * RNG.normal(size=80),
    "kind": np.where(X[:, 0] * X[:, 1] > 0, "p", "q"),
}
SETTINGS = {"drop": "kind", "epochs": 3, "members": 2}
FEW = ["learning_rate", "dropout"]


def searched(**more):
    return cr.tune(ROWS, "y", **{"trials": 9, "search": FEW, **SETTINGS, **more})


WHOLE = []


def whole():
    if not WHOLE:
        WHOLE.append(searched())
    return WHOLE[0]


def same(a, b):
    return a.document() == b.document()


def test_one_seed_fixes_the_search_and_another_changes_it():
    assert same(whole(), searched())
    other = searched(seed=1, trials=3)
    assert other.trials[1].settings != whole().trials[1].settings


def test_the_first_trial_has_the_settings_of_the_preset_and_bad_ones_are_pruned():
    first = whole().trials[0]
    preset = TableSettings(**SETTINGS).resolved(80, 2)
    assert first.settings == {"learning_rate": preset.rule.learning_rate, "dropout": 0.0}
    plain = cr.train_table(ROWS, "y", **SETTINGS).summary["at_best_epoch"]["validation_cost"]
    assert first.score == plain
    assert {trial.ended for trial in whole().trials} == {"complete", "pruned"}
    assert all(trial.epochs < 3 for trial in whole().trials if trial.ended == "pruned")
    assert whole().best.score == min(trial.score for trial in whole().trials if trial.ended == "complete")
    assert sum(whole().importance.values()) == pytest.approx(1)
    assert whole().importance.keys() == {"learning_rate", "dropout"}


def test_a_search_that_was_interrupted_is_the_whole_one(tmp_path):
    path = tmp_path / "study.log"
    searched(trials=3, study=path)
    epochs = []

    def cut(tuning, event):
        epochs.append(event)
        return isinstance(event, EpochEnd) and len(epochs) > 8

    cut_short = searched(study=path, callback=cut)
    assert cut_short.stopped == "cancelled"
    assert 3 < len(cut_short.trials) < 9

    class CrashError(Exception):
        pass

    def crash(tuning, event):
        if isinstance(event, EpochEnd):
            raise CrashError

    with pytest.raises(CrashError):
        searched(study=path, callback=crash)
    assert same(searched(study=path), whole())
    assert same(searched(study=path), whole())  # nothing is left to do


@pytest.mark.parametrize("calls", [1, 5, 40])
def test_its_time_bounds_the_short_trainings_that_choose_inputs_too(calls, monkeypatch):
    rows = {
        "a": np.linspace(-1, 1, 150),
        "b": RNG.normal(size=150),
        "c": RNG.normal(size=150),
        "y": RNG.normal(size=150),
    }
    ticks, epochs, start = itertools.count(), [], trials.start

    def counted(*given, **more):
        for event in start(*given, **more):
            epochs.append(event)
            yield event

    monkeypatch.setattr(trials, "start", counted)
    monkeypatch.setattr(tuning.clock, "monotonic", lambda: next(ticks))
    found = cr.tune(rows, "y", time=calls, members=2)
    assert (found.stopped, found.trials, found.importance) == ("time", (), {})
    assert len(epochs) < calls + 10


def test_a_time_that_ends_before_the_first_trial_gives_the_trials_of_the_study(tmp_path, monkeypatch):
    before = searched(trials=3, study=tmp_path / "study.log")
    ticks = itertools.count()
    monkeypatch.setattr(tuning.clock, "monotonic", lambda: next(ticks))
    again = searched(trials=9, time=1e-9, study=tmp_path / "study.log")
    assert (again.stopped, again.trials) == ("time", before.trials)
    assert again.settings == before.settings
    assert again.importance == before.importance
    assert searched(trials=9, study=tmp_path / "study.log", cancel=lambda: True).stopped == "cancelled"


def test_the_file_and_the_settings_make_the_same_model(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = [",".join(map(repr, map(float, row))) for row in zip(ROWS["a"], ROWS["b"], ROWS["y"], strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,y", *lines]) + "\n")
    more = {"trials": 4, "epochs": 3, "seed": 7}
    options = ["--trials", "4", "--epochs", "3", "--seed", "7", "--json"]
    assert run(["tune", "t.csv", "--target", "y", *options]) == 0
    *trials, end = map(json.loads, capsys.readouterr().out.splitlines())
    assert [line["event"] for line in trials] == ["trial"] * 4
    tuning = cr.tune("t.csv", "y", **more)
    assert end["trials"][end["best"] - 1]["score"] == tuning.best.score
    assert tuning.best.settings.keys() == {
        "learning_rate", "optimizer", "hidden", "activation", "dropout", "batch_size"
    }  # fmt: skip
    assert run(["train", "t.csv", "--config", "chainrule.toml"]) == 0
    by_file, by_settings = cr.load("model.safetensors"), cr.train_table("t.csv", "y", **tuning.settings)
    assert np.array_equal(by_file.network.theta, by_settings.network.theta)
    assert by_file.summary["at_best_epoch"]["validation_cost"] == tuning.best.score
    assert run(["tune", "t.csv", "--target", "y", *options, "--out", "t.csv"]) == 2
    assert run(["tune", "t.csv", "--target", "y", "--trials", "1", "--epochs", "1"]) == 0  # its own file is replaced
    (tmp_path / "chainrule.toml").write_text("[train]\nepochs = 3\n")
    capsys.readouterr()
    assert run(["tune", "t.csv", "--target", "y", *options]) == 2
    assert "it is there already, with options of your own: name another file" in capsys.readouterr().err


def test_the_command_shows_the_best_trials_and_goes_on(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = [f"{a},{kind}" for a, kind in zip(ROWS["a"], ROWS["kind"], strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(["a,kind", *lines]) + "\n")
    options = [
        "--target",
        "kind",
        "--metric",
        "auc",
        "--epochs",
        "2",
        "--members",
        "2",
        "--search",
        "dropout,batch-size",
    ]
    assert run(["tune", "t.csv", *options, "--trials", "2", "--study", "s.log"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].split() == ["trial", "auc", "dropout", "batch", "size"]
    assert "2 trials: 2 complete" in out
    assert "options written to chainrule.toml" in out
    assert "best auc" in err
    assert run(["tune", "t.csv", *options, "--trials", "3", "--study", "s.log", "--json"]) == 0
    assert [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()] == ["trial", "end"]
    assert run(["tune", "t.csv", *options, "--time", "1ms", "--out", "o.toml"]) == 2  # not a time
    assert run(["tune", "t.csv", *options, "--time", "0.001", "--out", "o.toml"]) == 0
    assert "no trial is complete, so nothing is written" in capsys.readouterr().err
    assert not (tmp_path / "o.toml").exists()


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_ctrl_c_writes_the_best_so_far_and_the_study_goes_on(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = [f"{a},{kind}" for a, kind in zip(ROWS["a"], ROWS["kind"], strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(["a,kind", *lines]) + "\n")
    show = command._Display.show

    def interrupted(display, tuning, event):
        show(display, tuning, event)
        if len(tuning.trials) == 2 and isinstance(event, EpochEnd):
            signal.raise_signal(signal.SIGINT)

    options = ["tune", "t.csv", "--target", "kind", "--epochs", "2", "--members", "2", "--search", "dropout"]
    options += ["--study", "s.log", "--trials", "3"]
    with monkeypatch.context() as patch:
        patch.setattr(command._Display, "show", interrupted)
        assert run(options) == 130
    out = capsys.readouterr().out
    assert out.startswith("stopped after 2 trials; the same command goes on from s.log\n")
    assert "options written to chainrule.toml" in out
    assert run([*options, "--json"]) == 0
    assert [json.loads(line).get("number") for line in capsys.readouterr().out.splitlines()] == [3, None]


def test_a_metric_that_is_better_when_greater_and_values_of_ones_own():
    def sure(y_true, y_pred, probabilities):
        return float(probabilities.max(axis=1).mean())

    settings = {"drop": "y", "metric": sure, "mode": "max", "hidden": 4, "validation": 0.3}
    tuning = cr.tune(ROWS, "kind", trials=4, search={"epochs": [1, 8], "alpha": (0.0, 1.0)}, **settings)
    assert (tuning.metric, tuning.mode) == ("sure", "max")
    assert tuning.best.score == max(trial.score for trial in tuning.trials if trial.ended == "complete")
    assert {trial.settings["epochs"] for trial in tuning.trials} <= {1, 8}
    model = cr.train_table(ROWS, "kind", **tuning.settings)
    assert model.summary["at_best_epoch"]["sure"] == tuning.best.score
    with pytest.raises(SettingError, match=r"metric is .*, which no option can say"):
        tuning.write("never.toml")


def test_time_ends_the_search_and_cancel_too(tmp_path):
    assert searched(trials=None, time=1e-9).stopped == "time"
    stopped = searched(cancel=lambda: True)
    assert (stopped.stopped, stopped.trials, stopped.best) == ("cancelled", (), None)
    with pytest.raises(SettingError, match="no trial is complete, so no settings are the best"):
        _ = stopped.settings
    assert str(stopped) == "0 trials"


def test_a_training_that_diverges_is_not_the_best():
    tuning = cr.tune(ROWS, "y", trials=2, search={"learning_rate": [1e30, 0.01]}, optimizer="sgd", seed=3, **SETTINGS)
    ended = {trial.settings["learning_rate"]: trial.ended for trial in tuning.trials}
    assert ended.get(1e30, "diverged") == "diverged"
    assert json.dumps(tuning.document(), allow_nan=False)


def test_nothing_is_learned_from_the_rows_for_the_test():
    rows = {**ROWS, "y": ROWS["y"].copy()}
    rows["y"][::4] = 1e6  # the rows of the test
    settings = {**SETTINGS, "test_every": 4, "trials": 3}
    assert same(cr.tune(rows, "y", search=FEW, **settings), cr.tune(ROWS, "y", search=FEW, **settings))


def test_the_rows_that_score_a_trial_are_apart_by_group():
    groups = np.repeat(np.arange(20), 4)
    rows = {"copy": [f"g{g}" for g in groups], "g": groups, "y": RNG.normal(size=20)[groups]}
    more = {"kinds": {"copy": "category"}, "epochs": 20, "trials": 2, "search": "dropout", "metric": "r2", "members": 4}
    leaking = cr.tune(rows, "y", drop="g", **more)
    honest = cr.tune(rows, "y", group="g", **more)
    assert leaking.best.score > 0.3
    assert honest.best.score < 0.1


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"trials": 0}, "trials is 0, but must be a whole number from 1, or None"),
        ({"time": -1}, "time is -1, but must be"),
        ({"search": "speed"}, "search is 'speed', but must be some of learning_rate, weight_decay"),
        ({"search": {"speed": [1]}}, "a setting in search is 'speed'"),
        ({"search": {"epochs": []}}, "search of epochs is .*a list of values, or a range"),
        ({"search": {"alpha": (1, 0)}}, r"search of alpha is \(1, 0\)"),
        ({"search": {"dropout": [2]}}, "dropout is 2"),
        ({"search": "dropout", "dropout": 0.1}, "dropout is set and searched: leave one of the two out"),
        ({"search": "weight_decay", "optimizer": "sgd"}, "optimizer is set and searched"),
        ({"validation": 0.0, "members": 1}, "no rows are held out to score a trial: set a greater validation"),
        ({"epoch": 3}, "there is no setting 'epoch'"),
        ({"callback": 3}, "callback is 3"),
    ],
)
def test_refusals(settings, line):
    with pytest.raises(SettingError, match=line) as caught:
        searched(**settings)
    assert "\n" not in str(caught.value)


def test_a_study_of_another_search_is_refused(tmp_path):
    path = tmp_path / "s.log"
    searched(trials=1, study=path)
    for more, line in (
        ({"epochs": 4}, "its trials had another epochs, 3 in place of 4: give the same, or another file"),
        ({"search": "dropout"}, "another search"),
        ({"seed": 5}, "another seed, 0 in place of 5"),
    ):
        with pytest.raises(SettingError, match=line):
            searched(study=path, **more)
    with pytest.raises(SettingError, match="another data: give the same"):
        cr.tune({**ROWS, "a": -X[:, 0]}, "y", search=FEW, study=path, **SETTINGS)
    for name, content in {"text": "hello\n", "bytes": b"\x00\xff" * 9}.items():
        other = tmp_path / name
        other.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(SettingError, match="it is not a study of chainrule tune, or damaged"):
            searched(study=other)
    with pytest.raises(SettingError, match="it is not a file"):
        searched(study=tmp_path)


def test_what_is_set_is_not_searched_and_layers_stay_in_bounds():
    run_settings = TableSettings().resolved(100_000, 10)
    dimensions = space_of(None, TableSettings(hidden=(8,), batch_size=16), run_settings)
    assert [each.name for each in dimensions] == ["learning_rate", "weight_decay", "activation", "dropout"]
    hidden = space_of("hidden", TableSettings(), run_settings)[0]
    assert max(map(max, hidden.values)) == 512
    assert {len(sizes) for sizes in hidden.values} == {1, 2, 3}
    assert settings_for(dimensions, {"weight_decay": 0.5}) == {"optimizer": {"name": "adamw", "weight_decay": 0.5}}
    lbfgs = TableSettings(optimizer="lbfgs", hidden=(4,))
    assert [each.name for each in space_of(None, lbfgs, lbfgs.resolved(100, 4))] == ["activation"]
    everything = TableSettings(hidden=4, optimizer="lbfgs", activation="relu", dropout=0.0)
    with pytest.raises(SettingError, match="every setting that is searched is set"):
        space_of(None, everything, everything.resolved(100, 4))


def test_options_of_every_kind_are_written_as_they_are_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = {
        "drop": ("a,b", 'quo"te', "ü"), "hidden": (), "activation": ["relu", "gelu"], "batch_size": None,
        "optimizer": cr.SGD(0.5, momentum=0.25), "schedule": Cosine(), "class_weight": {"yes": 2.0, "no, ok": 1.0},
        "rates": {"2": 0.5}, "metric": ("auc", "f1"), "clip": cr.Clip(norm=2.0), "patience": None, "weight": "w",
        "validation": 0.25, "epochs": 7, "time_column": "t",
    }  # fmt: skip
    settings["hidden"] = (4, 4)
    write_options("o.toml", "train", {"target": ["y"], **settings}, "a comment")
    seen = []
    monkeypatch.setattr("chainrule.cli.train.training_on", lambda data, target, options, **more: seen.append(options))
    with contextlib.suppress(AttributeError):  # of what comes after the options
        run(["train", "t.csv", "--config", "o.toml"])
    expected = TableSettings(**settings)
    for name in settings:
        if name != "class_weight":
            assert getattr(seen[0], name) == getattr(expected, name), name
    assert dict(seen[0].class_weight) == settings["class_weight"]
    assert dataclasses.is_dataclass(seen[0])
    with pytest.raises(SettingError, match="shuffle is False, which has no option"):
        write_options("p.toml", "train", {"shuffle": False}, "")
