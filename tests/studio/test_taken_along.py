"""What leaves the studio: Python, models, exports, a recording; and what-if answers of a row."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import chainrule as cr
from chainrule.errors import SettingError
from chainrule.studio import Session

Train = Callable[[Session], None]


def trainer_of(session: Session) -> Any:
    return session.work.required()


def run(session: Session, code: str) -> dict[str, Any]:
    """Run Python as the page shows it, in the folder of the session."""
    names: dict[str, Any] = {}
    exec(compile(code, "shown", "exec"), names)
    return names


def test_the_python_of_a_set_gives_the_same_bits(circles: Session, train: Train) -> None:
    circles.do({"do": "change", "settings": {"optimizer": {"name": "adam"}, "dropout": 0.2, "clip": {"norm": 2.0}}})
    circles.do({"do": "epoch"})
    train(circles)
    circles.do({"do": "update"})
    names = run(circles, circles.do({"do": "python"})["python"])
    assert (names["net"].theta == trainer_of(circles).net.theta).all()


@pytest.mark.parametrize("epochs", [3, 50])
def test_the_python_of_a_table_gives_the_same_bits(
    session: Session, folder: Path, train: Train, epochs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of training, when the best weights come back, and in the middle of it."""
    session.do({"do": "open", "path": "flowers.csv", "target": "kind", "held_out": 0.25, "drop": ["width"]})
    session.do({"do": "change", "settings": {"hidden": [5], "epochs": epochs, "seed": 4}})
    for _ in range(3):
        session.do({"do": "epoch"})
        train(session)
    if epochs == 3:
        session.do({"do": "run"})
        train(session)
    else:
        session.do({"do": "update"})
    assert trainer_of(session).finished == (epochs == 3)
    monkeypatch.chdir(folder)
    names = run(session, session.do({"do": "python"})["python"])
    assert (names["net"].theta == trainer_of(session).net.theta).all()


def test_a_table_trained_here_is_the_model_of_train_table(session: Session, folder: Path, train: Train) -> None:
    session.do({"do": "open", "path": "flowers.csv", "target": "kind", "held_out": 0.25})
    settings = {"hidden": [4], "activation": "relu", "epochs": 5, "batch_size": 8, "seed": 1}
    session.do({"do": "change", "settings": {**settings, "optimizer": {"name": "adam", "learning_rate": 0.01}}})
    session.do({"do": "run"})
    train(session)
    session.do({"do": "save", "path": "here.safetensors"})
    model = cr.train_table(
        folder / "flowers.csv",
        "kind",
        validation=0.25,
        start="random",
        schedule="constant",
        optimizer="adam",
        learning_rate=0.01,
        **settings,
    )
    saved = cr.load(folder / "here.safetensors")
    assert (saved.network.theta == model.network.theta).all()
    assert (saved.outputs(folder / "flowers.csv") == model.outputs(folder / "flowers.csv")).all()
    assert saved.summary["best_epoch"] == model.summary["best_epoch"]


def test_models_are_saved_exported_and_opened_again(session: Session, folder: Path) -> None:
    session.do({"do": "open", "path": "flowers.csv", "target": "kind"})
    session.do({"do": "update"})
    saved = session.do({"do": "save", "path": "m.safetensors"})
    assert saved == {"path": "m.safetensors", "bytes": (folder / "m.safetensors").stat().st_size}
    assert session.do({"do": "export", "path": "m.js"})["format"]
    assert "m.safetensors" in session.do({"do": "files"})["models"]
    about = session.do({"do": "open_model", "path": "m.safetensors"})
    assert (about["kind"], about["targets"], about["sizes"][-1]) == ("Model", ["kind"], 2)
    scores = session.do({"do": "evaluate", "path": "flowers.csv"})
    assert scores["rows"] == 40
    assert "confused" in scores["mistakes"]["kind"]
    for path in ("m.txt", "nowhere/m.safetensors", ".hidden.safetensors"):
        with pytest.raises((cr.ChainruleError, OSError)):
            session.do({"do": "save", "path": path})


def test_what_if_moves_the_cells_of_one_row(session: Session) -> None:
    session.do({"do": "open", "path": "flowers.csv", "target": "kind"})
    first = session.do({"do": "what_if"})
    assert [slider["name"] for slider in first["sliders"]] == ["width", "height", "colour"]
    moved = session.do({"do": "what_if", "values": {"height": 40.0, "colour": "blue"}})
    assert moved["outputs"] != first["outputs"]
    model = session.work.required().dataset.table.model  # type: ignore[union-attr]
    assert len(moved["gradients"]) == model.encoder.width
    for wrong in ({"size": 3}, {"height": [1]}, ["height"]):
        with pytest.raises(cr.ChainruleError):
            session.do({"do": "what_if", "values": wrong})


def test_what_if_begins_with_a_row_of_a_table(session: Session, folder: Path) -> None:
    session.do({"do": "open", "path": "flowers.csv", "target": "kind"})
    session.do({"do": "save", "path": "m.safetensors"})
    model = cr.load(folder / "m.safetensors")
    for row, colour, kind in ((0, "blue", "small"), (1, "red", "tall")):
        answer = session.do({"do": "what_if", "row": row, "table": "flowers.csv"})
        assert [slider["value"] for slider in answer["sliders"]][2] == colour
        assert answer["truth"] == {"kind": kind}
        outputs = model.outputs(folder / "flowers.csv")[row]
        assert [output["value"] for output in answer["outputs"]] == pytest.approx(outputs.tolist(), rel=1e-6)
    moved = session.do({"do": "what_if", "row": 1, "table": "flowers.csv", "values": {"colour": "blue"}})
    assert moved["outputs"] != answer["outputs"]
    for wrong in ({"row": 40}, {"row": -1}, {"row": "a"}, {"table": "nowhere.csv"}, {"table": "../flowers.csv"}):
        with pytest.raises(SettingError):
            session.do({"do": "what_if", "row": 0, "table": "flowers.csv", **wrong})


def test_what_if_of_a_set_has_the_gradients_of_the_network(circles: Session) -> None:
    answer = circles.do({"do": "what_if", "values": {"x1": 0.25, "x2": -0.5}})
    net = trainer_of(circles).net
    expected = net.input_gradients([[0.25, -0.5]])[0, 0]
    assert [g["gradient"] for g in answer["gradients"]] == expected.tolist()
    assert answer["outputs"][0]["value"] == float(net.predict([[0.25, -0.5]])[0, 0])


def test_a_recording_is_one_file_without_a_reference_to_anything(circles: Session, folder: Path) -> None:
    for _ in range(3):
        circles.do({"do": "update"})
    answer = circles.do({"do": "record", "path": "r.html"})
    text = (folder / "r.html").read_text("utf-8")
    assert answer["steps"] >= 3
    assert "default-src 'none'" in text
    assert "<script src" not in text
    assert '<link rel="stylesheet"' not in text


def test_a_recording_has_each_step_once_and_goes_on_where_epochs_are_added(circles: Session, folder: Path) -> None:
    circles.do({"do": "update"})
    circles.do({"do": "change", "settings": {"epochs": 10**6}})
    circles.do({"do": "update"})
    circles.do({"do": "record", "path": "r.html"})
    data = (folder / "r.html").read_text("utf-8").partition('id="recorded">')[2].partition("</script>")[0]
    assert [frame["place"]["update"] for frame in json.loads(data)["frames"]] == [0, 1, 2]
