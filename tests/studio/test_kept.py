"""What is kept of a session, so that a studio that is started again goes on where another one ended."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import SettingError
from chainrule.studio import Session, kept

CIRCLES = {"do": "open", "set": "circles", "rows": 60}
FLOWERS = {"do": "open", "path": "flowers.csv", "target": "kind", "drop": ["colour"]}
SETTINGS = {
    "hidden": [5],
    "optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9},
    "clip": {"norm": 1.0},
    "dropout": 0.1,
    "batch_size": 7,
}


def updated(folder: Path, opened: dict[str, Any], count: int) -> Session:
    """A session that keeps, after some updates."""
    session = Session(folder, keeps=True)
    session.do(opened)
    session.do({"do": "change", "settings": SETTINGS})
    for _ in range(count):
        session.do({"do": "update"})
    return session


def theta(session: Session) -> Any:
    return session.work.required().net.theta


@pytest.mark.parametrize("opened", [CIRCLES, FLOWERS])
def test_another_session_goes_on_with_the_same_bits(folder: Path, opened: dict[str, Any]) -> None:
    first = updated(folder, opened, 11)
    first.close()
    second = Session(folder, keeps=True)
    offered = second.do({"do": "form"})["kept"]
    assert offered == {"title": first.work.required().dataset.title, "update": 11}
    setup = second.do({"do": "resume"})
    assert setup["place"]["update"] == 11
    assert setup["design"] == first.work.design.document()
    for session in (first, second):
        for _ in range(5):
            session.do({"do": "update"})
    assert (theta(first) == theta(second)).all()
    for _ in range(8):  # back beyond where it went on
        second.do({"do": "back"})
    assert (theta(second) == theta(updated(folder, opened, 8))).all()


def test_it_is_kept_now_and_then_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chainrule.studio.session.KEEP_EVERY", 0.0)
    session = updated(folder, CIRCLES, 0)
    session.do({"do": "run"})
    session.advance()
    assert Session(folder, keeps=True).do({"do": "form"})["kept"]["update"] == session.work.required().updates


def test_only_what_was_trained_and_can_be_opened_again_is_kept(folder: Path) -> None:
    updated(folder, CIRCLES, 0).close()
    Session(folder).close()
    arrays = Session(folder, keeps=True)
    arrays.open_arrays(np.eye(4), np.array([0, 1, 0, 1]))
    dropped = Session(folder, keeps=True)
    path = dropped.do({"do": "drop", "name": "d.csv", "data": "YSxiCjEsMgozLDQKNSw2Cg=="})["path"]
    dropped.do({"do": "open", "path": path, "target": "b", "held_out": 0.0})
    for session in (arrays, dropped):
        session.do({"do": "update"})
        session.close()
    assert not (folder / kept.NAME).exists()
    assert Session(folder, keeps=True).do({"do": "form"})["kept"] is None
    with pytest.raises(SettingError, match="no training is kept"):
        Session(folder, keeps=True).do({"do": "resume"})


def test_rows_that_changed_since_are_said(folder: Path) -> None:
    updated(folder, FLOWERS, 3).close()
    lines = (folder / "flowers.csv").read_text().splitlines()
    (folder / "flowers.csv").write_text("\n".join([*lines[:-1], "9.9,9,red,tall"]) + "\n")
    session = Session(folder, keeps=True)
    with pytest.raises(SettingError, match="the rows have changed since"):
        session.do({"do": "resume"})
    assert session.do({"do": "setup"})["place"]["update"] == 0


def test_another_file_in_its_place_is_refused_in_one_line(folder: Path) -> None:
    for content in (b"", b"\0" * 100, b"{}"):
        (folder / kept.NAME).write_bytes(content)
        session = Session(folder, keeps=True)
        assert session.do({"do": "form"})["kept"] is None
        with pytest.raises(cr.ChainruleError) as error:
            session.do({"do": "resume"})
        assert "\n" not in str(error.value)


def test_a_folder_that_cannot_be_written_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept, "write_state", full)
    session = updated(folder, CIRCLES, 1)
    session.close()
    assert session.view()["events"][-1]["message"] == "the training cannot be kept: No space left on device"


def test_the_page_cannot_name_it(folder: Path) -> None:
    session = updated(folder, CIRCLES, 2)
    for command in ("record", "save", "export"):
        with pytest.raises(cr.ChainruleError):
            session.do({"do": command, "path": kept.NAME})
    session.close()
    assert kept.NAME not in str(session.do({"do": "files"}))
