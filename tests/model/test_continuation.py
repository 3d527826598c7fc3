"""Training goes on from a model: its columns, targets and weights; what does not fit is refused in one line."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import run
from chainrule.errors import ChainruleError
from chainrule.model.settings import TableSettings
from chainrule.model.training import TableTraining

RNG = np.random.default_rng(0)
X = RNG.normal(size=80)
ROWS = {
    "x": X,
    "word": np.where(X > 0, "a", "b"),
    "w": np.ones(80),
    "y": 3 * X + 100,
    "kind": np.where(X > 1, "no", "yes"),
}
NEW = {name: cells[40:] for name, cells in ROWS.items()}
ONE = {"hidden": 8, "epochs": 3, "seed": 1}


def model(target="y", **settings):
    return cr.train_table(ROWS, target, keep=("x", "word"), **{**ONE, **settings})


def test_it_has_the_columns_the_targets_and_the_weights_of_the_model():
    first = model()
    before = first.network.theta.copy()
    frozen = {"validation": 0.0, "rates": {"2": 0, "3": 1e-30}}
    same = cr.train_table(NEW, "y", start_from=first, epochs=1, **frozen)
    assert np.array_equal(same.network.theta[: 8 * first.network.sizes[0]], before[: 8 * first.network.sizes[0]])
    assert np.allclose(same.network.theta, before)
    assert same.encoder.document() == first.encoder.document()
    assert same.targets.document() == first.targets.document()
    assert same.summary["start"] == "model"
    assert np.array_equal(first.network.theta, before)


def test_it_goes_on_where_the_model_ended():
    first = model(epochs=40)
    cost = first.summary["at_best_epoch"]["cost"]
    again = cr.train_table(ROWS, "y", start_from=first, epochs=1, learning_rate=1e-9)
    assert again.history.cost[0] == pytest.approx(cost, rel=0.5)
    assert model(epochs=1, start="random").history.cost[0] > 2 * again.history.cost[0]


def notes(first, **settings):
    """What is said of scores that are too good."""
    lines = TableTraining(ROWS, "y", TableSettings(**settings), start_from=first).notes
    return [line for line in lines if "learned from it before" in line]


def test_scores_of_rows_that_the_model_may_have_learned_are_said():
    first = model()
    assert notes(first, test_every=5)[0].startswith("the rows held out for validation and the test are of this table")
    assert notes(first)[0].startswith("the rows held out for validation are of this table")
    assert notes(first, validation=NEW) == notes(first, validation=0.0) == []
    assert notes(None, keep=("x", "word"), test_every=5) == []


def test_one_model_one_table_and_one_seed_fix_the_bits(tmp_path):
    first = model()
    path = tmp_path / "m.safetensors"
    first.save(path)
    a, b = (cr.train_table(NEW, "y", start_from=start, epochs=3, seed=5) for start in (first, path))
    assert np.array_equal(a.network.theta, b.network.theta)


def test_members_go_on_as_one_network_whose_masks_hold():
    first = cr.train_table(ROWS, ["y", "kind"], keep=("x", "word"), epochs=2)
    again = cr.train_table(NEW, ["y", "kind"], start_from=first, epochs=3)
    assert again.summary.get("members") is None
    assert again.network.architecture == first.network.architecture
    assert (again.network.W[1][first.network.W[1] == 0] == 0).all()
    assert not np.array_equal(again.network.theta, first.network.theta)


def test_a_logarithmic_target_and_weights_and_groups_go_on():
    rows = {**ROWS, "y": np.exp(4 * X), "g": np.arange(80) % 9}
    first = cr.train_table(rows, "y", keep=("x", "word"), **ONE)
    again = cr.train_table(rows, "y", start_from=first, weight="w", group="g", epochs=2)
    assert again.targets.document() == first.targets.document()


@pytest.mark.parametrize(
    ("rows", "target", "more", "line"),
    [
        (ROWS, "kind", {}, r"target is \['kind'\], but must be \['y'\], as in the model"),
        ({"x": X, "y": X}, "y", {}, "'word'"),
        (
            ROWS,
            "y",
            {"hidden": 4},
            r"hidden is \(4,\), but training goes on from a model, which has its own: leave it out",
        ),
        (ROWS, "y", {"members": 3}, "members is 3, but training goes on"),
        (ROWS, "y", {"dtype": "float64"}, "dtype is 'float64', but must be float32, as in the model"),
        (ROWS, "y", {"validation": "folds"}, "validation is 'folds', but must be a share or a table for 1 member"),
        (ROWS, "y", {"weight": "x"}, "column 'x' is an input or the target of the model to go on from"),
        (ROWS, "y", {"start_from": cr.Network([1, 1])}, "start_from is a Network, but training on a table goes on"),
        (ROWS, "y", {"start_from": "nowhere.safetensors"}, "nowhere"),
        ({**ROWS, "word": [1.5] * 80, "x": ["abc"] * 80}, "y", {}, "x"),
    ],
)
def test_refusals(rows, target, more, line):
    with pytest.raises((ChainruleError, OSError), match=line) as caught:
        cr.train_table(rows, target, **{"start_from": FIRST, "epochs": 1, **more})
    assert "\n" not in str(caught.value)


FIRST = model()


def test_a_class_that_the_model_does_not_have_is_refused():
    first = model("kind")
    rows = {**NEW, "kind": ["maybe", *NEW["kind"][1:]]}
    with pytest.raises(ChainruleError, match="'maybe'"):
        cr.train_table(rows, "kind", start_from=first, epochs=1)


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    FIRST.save("m.safetensors")
    lines = [",".join(map(str, row)) for row in zip(*NEW.values(), strict=True)]
    (tmp_path / "t.csv").write_text("\n".join([",".join(NEW), *lines]) + "\n")
    options = ["--target", "y", "--from", "m.safetensors", "--epochs", "2", "--out", "n.safetensors"]
    assert run(["train", "t.csv", *options]) == 0
    expected = cr.train_table("t.csv", "y", start_from="m.safetensors", epochs=2)
    assert np.array_equal(cr.load("n.safetensors").network.theta, expected.network.theta)
    assert run(["train", "t.csv", *options, "--hidden", "4"]) == 2
    assert "hidden is (4,), but training goes on from a model" in capsys.readouterr().err
    assert run(["train", "t.csv", *options[:-1], "m.safetensors"]) == 2
    assert "which is also an input" in capsys.readouterr().err
