"""What a page can ask a session for, without any transport."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import SettingError
from chainrule.optimizers import OPTIMIZERS
from chainrule.studio import Session
from chainrule.studio.playground import SETS

Train = Callable[[Session], None]


def trainer_of(session: Session) -> Any:
    return session.work.required()


# ---------------------------------------------------------------------------------------------- data


@pytest.mark.parametrize("name", SETS)
def test_every_set_can_be_opened_and_learned(session: Session, name: str) -> None:
    setup = session.do({"do": "open", "set": name, "rows": 40})
    before = trainer_of(session).net.cost(*trainer_of(session).dataset.train[:2])
    session.do({"do": "change", "settings": {"optimizer": {"name": "adam", "learning_rate": 0.02}}})
    for _ in range(60):
        session.do({"do": "update"})
    assert setup["dataset"]["held_out"] > 0
    assert trainer_of(session).net.cost(*trainer_of(session).dataset.train[:2]) < before


def test_a_table_is_read_as_train_table_reads_it(session: Session) -> None:
    assert session.do({"do": "columns", "path": "flowers.csv"})["columns"] == ["width", "height", "colour", "kind"]
    setup = session.do({"do": "open", "path": "flowers.csv", "target": "kind", "held_out": 0.2, "drop": ["width"]})
    columns = {column["name"]: column["kind"] for column in setup["dataset"]["columns"]}
    assert columns == {"height": "scaled", "colour": "categories"}
    assert setup["dataset"]["outputs"] == ["kind=small", "kind=tall"]


def test_a_dropped_file_is_a_table_and_is_deleted_at_the_end(session: Session) -> None:
    content = "YSxiCjEseAoyLHkKMyx4CjQseQo1LHgKNix5CjcseAo4LHkKOSx4CjEwLHkKMTEseAoxMix5Cg=="
    path = session.do({"do": "drop", "name": "../../etc/<img src=x>.csv", "data": content})["path"]
    assert path == "dropped/_img src_x_.csv"
    place = session.work.folder.existing(path)
    assert session.do({"do": "open", "path": path, "target": "b"})["dataset"]["kind"] == "classes"
    session.close()
    assert not place.exists()


@pytest.mark.parametrize(
    "path", ["../secret.csv", "/etc/passwd", "a/../../secret.csv", "link.csv", "", "a\0b", 3, None]
)
def test_only_paths_below_the_folder_are_read_or_written(session: Session, folder: Path, path: Any) -> None:
    secret = folder.parent / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    (folder / "link.csv").symlink_to(secret)
    session.do({"do": "open", "set": "xor", "rows": 20})
    for command in (
        {"do": "columns", "path": path},
        {"do": "open", "path": path if path is not None else "", "target": "b"},
        {"do": "open_model", "path": path},
        {"do": "evaluate", "path": path},
        {"do": "save", "path": path},
        {"do": "export", "path": path, "to": "python"},
        {"do": "record", "path": path},
    ):
        with pytest.raises((cr.ChainruleError, OSError)):
            session.do(command)
    assert secret.read_text() == "a,b\n1,2\n"


# ---------------------------------------------------------------------------------------------- the network


def test_layers_neurons_and_activations_are_added_changed_and_removed(circles: Session) -> None:
    change = {"hidden": [3, 2, 5], "activation": ["relu", "tanh"]}
    assert circles.do({"do": "change", "settings": change})["sizes"] == [2, 3, 2, 5, 1]
    assert [str(a) for a in trainer_of(circles).net.architecture.hidden] == ["relu", "tanh", "tanh"]
    assert circles.do({"do": "change", "settings": {"hidden": []}})["sizes"] == [2, 1]
    assert circles.do({"do": "change", "settings": {"hidden": [4]}})["sizes"] == [2, 4, 1]


def test_every_setting_of_the_page_reaches_training(circles: Session) -> None:
    changes = {
        "output": "sigmoid",
        "cost": "quadratic",
        "initializer": "he_normal",
        "dtype": "float64",
        "optimizer": {"name": "sgd", "learning_rate": 0.5, "momentum": 0.9, "nesterov": True},
        "schedule": {"name": "cosine"},
        "batch_size": 7,
        "epochs": 12,
        "patience": 5,
        "alpha": 0.1,
        "l1": 0.2,
        "dropout": 0.25,
        "clip": {"norm": 1.0},
        "shuffle": False,
        "seed": 9,
    }
    design = circles.do({"do": "change", "settings": changes})["design"]
    settings = trainer_of(circles).training.settings
    assert {name: design[name] for name in ("batch_size", "epochs", "alpha", "l1", "dropout", "seed")} == {
        name: changes[name] for name in ("batch_size", "epochs", "alpha", "l1", "dropout", "seed")
    }
    assert (settings.optimizer.momentum, settings.schedule.name, settings.clip.norm) == (0.9, "cosine", 1.0)
    assert (settings.batch_size, settings.shuffle, settings.seed, settings.patience) == (7, False, 9, 5)
    block = trainer_of(circles).net.architecture.blocks[0]
    assert (block.activation.name, block.cost.name) == ("sigmoid", "quadratic")
    assert trainer_of(circles).net.dtype == np.float64


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_every_optimizer_of_the_form_makes_updates(circles: Session, name: str) -> None:
    settings: dict[str, Any] = {"optimizer": {"name": name}}
    if name in ("rprop", "lbfgs"):
        settings["batch_size"] = None
    circles.do({"do": "change", "settings": settings})
    assert circles.do({"do": "update"})["place"]["update"] == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden": [0]},
        {"hidden": [10**7]},
        {"hidden": [2] * 50},
        {"hidden": "auto"},
        {"activation": "no such"},
        {"optimizer": {"name": "adam", "rate": 3}},
        {"learning_rate": 1},
        {"dropout": 1.5},
        {"clip": {"length": 2}},
        {"cost": "poisson", "output": "tanh"},
        {"epochs": 0},
        {"batch_size": 1.5},
        ["hidden"],
        {"cache": "/tmp"},
        {"engine": "native"},
        {"optimizer": "lbfgs", "dropout": 0.5},
    ],
)
def test_a_setting_that_is_not_allowed_changes_nothing(circles: Session, settings: Any) -> None:
    before = circles.do({"do": "setup"})
    with pytest.raises(cr.ChainruleError) as error:
        circles.do({"do": "change", "settings": settings})
    assert "\n" not in str(error.value)
    assert circles.do({"do": "setup"}) == before


# ---------------------------------------------------------------------------------------------- training


def test_run_pause_one_epoch_one_update(circles: Session, train: Train) -> None:
    batches = circles.do({"do": "setup"})["place"]["batches"]
    assert circles.do({"do": "update"})["place"]["update"] == 1
    circles.do({"do": "epoch"})
    train(circles)
    assert circles.do({"do": "setup"})["place"]["update"] == batches
    circles.do({"do": "run"})
    circles.advance()
    assert circles.do({"do": "pause"})["running"] is False
    place = circles.do({"do": "setup"})["place"]
    circles.advance()
    assert circles.do({"do": "setup"})["place"] == place


def test_back_by_one_update_has_the_bits_of_before(circles: Session, train: Train) -> None:
    """Also across the end of an epoch, and behind updates that were made in one call."""
    thetas = [trainer_of(circles).net.theta.copy()]
    batches = circles.do({"do": "setup"})["place"]["batches"]
    for _ in range(batches + 3):
        circles.do({"do": "update"})
        thetas.append(trainer_of(circles).net.theta.copy())
    circles.do({"do": "restart"})
    circles.do({"do": "epoch"})
    train(circles)
    for _ in range(3):
        circles.do({"do": "update"})
    for update in range(batches + 2, -1, -1):
        assert circles.do({"do": "back"})["place"]["update"] == update
        assert (trainer_of(circles).net.theta == thetas[update]).all()
    with pytest.raises(SettingError, match="this is the start"):
        circles.do({"do": "back"})


def test_states_to_go_back_to_are_bounded(circles: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chainrule.studio.trainer.KEPT_BYTES", 20_000)
    for _ in range(60):
        circles.do({"do": "update"})
    kept = trainer_of(circles)._kept
    assert len(kept) < 30
    assert (kept[0].run.step, kept[-1].run.step) == (0, 60)
    assert circles.do({"do": "back"})["place"]["update"] == 59


def test_training_ends_and_more_epochs_let_it_go_on(circles: Session, train: Train) -> None:
    circles.do({"do": "change", "settings": {"epochs": 2}})
    circles.do({"do": "run"})
    train(circles)
    assert circles.do({"do": "setup"})["place"]["finished"]
    with pytest.raises(SettingError, match="training is over"):
        circles.do({"do": "run"})
    before = circles.do({"do": "setup"})["place"]["update"]
    assert circles.do({"do": "change", "settings": {"epochs": 4}})["place"]["update"] == before
    circles.do({"do": "run"})
    train(circles)
    longer = trainer_of(circles).net.theta.copy()
    circles.do({"do": "restart"})
    circles.do({"do": "run"})
    train(circles)
    assert (trainer_of(circles).net.theta == longer).all()


def test_speed_is_so_many_updates_a_second(circles: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("chainrule.studio.session.time.monotonic", lambda: now[0])
    circles.do({"do": "speed", "updates": 10})
    circles.do({"do": "run"})
    for _ in range(21):  # two seconds, in steps of 0.1
        circles.advance()
        circles.advance()
        now[0] += 0.1
    assert 19 <= circles.do({"do": "setup"})["place"]["update"] <= 22


def test_a_training_that_diverges_says_so(circles: Session, train: Train) -> None:
    circles.do(
        {"do": "change", "settings": {"optimizer": {"name": "sgd", "learning_rate": 1e30}, "output": "identity"}}
    )
    circles.do({"do": "run"})
    train(circles)
    assert "finite" in circles.view()["place"]["stopped"]
    json.dumps(circles.view(), allow_nan=False)


# ---------------------------------------------------------------------------------------------- what is seen


def test_the_view_has_curves_weights_surface_and_events(circles: Session, train: Train) -> None:
    circles.do({"do": "epoch"})
    train(circles)
    view = json.loads(json.dumps(circles.view(), allow_nan=False))
    assert set(view["curves"]["lines"]) == {"cost", "held out", "accuracy, held out", "accuracy, trained on"}
    W = trainer_of(circles).net.W[0]
    assert view["layers"][0]["W"][1][2] == pytest.approx(float(W[1, 2]), rel=1e-5)
    assert view["surface"]["answer"]["values"]["shape"] == [40, 40]
    assert [len(layer) for layer in view["surface"]["neurons"]] == [4, 2]
    assert view["events"][-1]["event"] == "epoch"


def test_above_two_hundred_weights_matrices_are_sent(session: Session) -> None:
    session.do({"do": "open", "set": "digits"})
    session.do({"do": "change", "settings": {"hidden": [100, 30]}})
    view = session.view()
    assert view["layers"][0]["matrix"]["shape"] == [64, 64]
    assert view["layers"][0]["of"] == [64, 100]
    assert view["surface"]["answer"]["classes"]["shape"] == [40, 40]
    assert len(json.dumps(view)) < 200_000


def test_any_two_inputs_can_be_the_axes_of_the_surface(session: Session) -> None:
    session.do({"do": "open", "path": "flowers.csv", "target": "kind"})
    setup = session.do({"do": "axes", "x": 2, "y": 0, "row": 3, "output": 1})
    assert setup["axes"] == {"x": 2, "y": 0, "row": 3, "output": 1}
    trainer = trainer_of(session)
    P = np.array([[0.25, 0.5]])
    X = trainer.dataset.points(3, 2, 0, P)
    rest = [k for k in range(X.shape[1]) if k not in (0, 2)]
    assert X[0, [2, 0]].tolist() == [0.25, 0.5]
    assert X[0, rest] == pytest.approx(trainer.dataset.train.X[3, rest])
    for wrong in ({"x": 1, "y": 1}, {"x": 99}, {"row": 10**6}, {"x": -1}, {"x": "a"}):
        with pytest.raises(SettingError):
            session.do({"do": "axes", **wrong})


def test_the_spread_has_every_quantity_of_every_layer_over_time(circles: Session) -> None:
    circles.do({"do": "update"})
    circles.do({"do": "update"})
    spread = circles.do({"do": "spread"})
    assert spread["times"] == [0, 1, 2]
    assert np.shape(spread["bands"]) == (3, 3, 4, 5)
    trainer = trainer_of(circles)
    ledger = trainer.ledger(range(len(trainer.dataset.train.X)))
    assert spread["bands"][-1][1][2][2] == pytest.approx(np.median(ledger.delta[1]), rel=1e-4, abs=1e-7)
    counts = spread["now"][0]["dW"]["counts"]
    assert sum(counts) == ledger.dW[0].size


def test_the_doctor_speaks_while_training_runs(session: Session, train: Train) -> None:
    session.do({"do": "open", "set": "circles", "rows": 60})
    session.do({"do": "change", "settings": {"optimizer": {"name": "sgd", "learning_rate": 0.003}, "epochs": 12}})
    session.do({"do": "run"})
    train(session)
    findings = session.do({"do": "doctor"})["findings"]
    assert "rate too low" in [finding["name"] for finding in findings]
    assert session.view()["findings"] == findings


# ---------------------------------------------------------------------------------------------- wrong commands


@pytest.mark.parametrize(
    "command",
    [
        None,
        3,
        [],
        {},
        {"do": 3},
        {"do": "eval"},
        {"do": "_run"},
        {"do": "__init__"},
        {"do": "update", "times": 3},
        {"do": "open"},
        {"do": "open", "set": "xor", "path": "flowers.csv"},
        {"do": "open", "set": ["xor"]},
        {"do": "open", "path": "flowers.csv"},
        {"do": "open", "path": "flowers.csv", "target": "no"},
        {"do": "open", "path": "flowers.csv", "target": "kind", "held_out": 2},
        {"do": "open", "path": "flowers.csv", "target": "kind", "drop": 3},
        {"do": "speed", "updates": 0},
        {"do": "speed", "updates": "fast"},
        {"do": "drop", "name": "a.csv", "data": "???"},
        {"do": "drop", "name": 3, "data": ""},
    ],
)
def test_a_command_that_there_is_not_is_refused_in_one_line(session: Session, command: Any) -> None:
    with pytest.raises(cr.ChainruleError) as error:
        session.do(command)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600


@pytest.mark.parametrize(
    "name", ["run", "epoch", "update", "back", "restart", "spread", "tour", "certificate", "python"]
)
def test_without_data_a_command_says_what_to_do(session: Session, name: str) -> None:
    with pytest.raises(SettingError, match="choose a set, or open a table"):
        session.do({"do": name})
    assert session.view()["place"] is None


def test_arrays_and_a_network_of_ones_own_can_be_opened(session: Session) -> None:
    X, T = np.arange(12.0).reshape(6, 2), np.array([0, 1, 2, 0, 1, 2])
    net = cr.Network([2, 3, 3], "tanh", "softmax", "cross_entropy", seed=5)
    session.open_arrays(X, T, net)
    assert (trainer_of(session).net.theta == net.theta).all()
    session.do({"do": "update"})
    json.dumps(session.do({"do": "setup"}), allow_nan=False)
