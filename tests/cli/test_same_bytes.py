"""One seed, one file: the model's bytes depend neither on the process nor on where and how it runs."""

import random
from pathlib import Path

import pytest

from chainrule.cli import run

from .processes import CLEAN, call, contents, here

COMMAND = ("train", "t.csv", "--target", "answer", "--epochs", 12, "--schedule", "constant", "--dropout", 0.2)
COMMAND += ("--patience", 5, "--metric", "f1")
NO_UTF8 = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
PLACES = {
    "hash seed, C locale, no UTF-8": {"PYTHONHASHSEED": "1", **NO_UTF8},
    "another hash seed, Turkish": {"PYTHONHASHSEED": "4294967295", "LC_ALL": "tr_TR.UTF-8"},
    "German numbers, a time zone": {"LC_ALL": "de_DE.UTF-8", "TZ": "Asia/Kathmandu"},
}


def table(folder: Path) -> None:
    rng = random.Random(5)
    letters = ["I", "ı", "i", "İ", ""]
    lines = [f"{rng.gauss(0, 1)!r},{rng.choice(letters)},{rng.choice(['ja', 'NEİN'])}" for _ in range(90)]
    (folder / "t.csv").write_text("\n".join(["Größe,Il,answer", *lines]), encoding="utf-8")


def tried(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """The exit code of a command in this process, and what it says on stderr."""
    code = run([*map(str, arguments)])
    return code, capsys.readouterr().err


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("first")
    table(folder)
    call(*COMMAND, "--out", "m", cwd=folder)
    return (folder / "m").read_bytes()


@pytest.mark.parametrize("place", PLACES)
def test_the_place_changes_no_byte(place: str, expected: bytes, tmp_path: Path) -> None:
    table(tmp_path)
    call(*COMMAND, "--out", "m", cwd=tmp_path, env={**CLEAN, **PLACES[place]})
    assert (tmp_path / "m").read_bytes() == expected


def test_the_folder_and_the_names_of_files_change_no_byte(expected: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "données – ü" / "x"
    folder.mkdir(parents=True)
    table(folder)
    out = tmp_path / "another name"
    here(COMMAND[0], folder / "t.csv", *COMMAND[2:], "--out", out, "--threads", 1, "--json", cwd=tmp_path)
    assert out.read_bytes() == expected


def test_a_checkpoint_and_going_on_from_it_change_no_byte(
    expected: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    table(tmp_path)
    keep = ("--checkpoint", "run", "--checkpoint-every", "0s")
    assert tried(capsys, *COMMAND, "--out", "whole", *keep) == (0, "")
    assert Path("whole").read_bytes() == expected
    Path("run").unlink()
    for epochs in (3, 7, 12, 12):
        command = [epochs if word == 12 else word for word in COMMAND]
        assert tried(capsys, *command, "--out", "pieces", *keep, "--resume") == (0, "")
    assert Path("pieces").read_bytes() == expected


REFUSED = {
    "--learning-rate": ("0.002", "learning_rate of adamw is 0.002, there 0.0"),
    "--seed": ("1", "seed is 1, there 0"),
    "--validation": ("0.3", "validation is 0.3, there 0.1"),
    "--hidden": ("7", "sizes is"),
    "--schedule": ("plateau", "schedule is 'plateau', there 'constant'"),
    "--patience": ("6", "patience is 6, there 5"),
    "--metric": ("accuracy", "monitor is 'accuracy', there 'f1'"),
    "--drop": ("Il", "drop is ['Il'], there []"),
}


@pytest.fixture
def kept(expected: bytes, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a finished training and its checkpoint."""
    folder = tmp_path_factory.mktemp("kept")
    table(folder)
    monkeypatch.chdir(folder)
    assert run([*map(str, COMMAND), "--members", "1", "--out", "m", "--checkpoint", "run", "--json"]) == 0
    return folder


@pytest.mark.parametrize("option", REFUSED)
def test_another_setting_is_refused_in_one_line(option: str, kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value, said = REFUSED[option]
    command = [*COMMAND, "--members", 1]
    if option in command:
        del command[command.index(option) : command.index(option) + 2]
    before = contents(kept)
    code, err = tried(capsys, *command, "--out", "m", "--checkpoint", "run", "--resume", option, value)
    assert (code, err.count("\n")) == (2, 1)
    assert said in err
    assert contents(kept) == before


def test_one_changed_cell_is_refused_in_one_line(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (kept / "t.csv").read_text(encoding="utf-8").splitlines()
    text[41] = "9" + text[41].lstrip("-")
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("\n".join(text), encoding="utf-8")
    code, err = tried(capsys, *COMMAND, "--members", 1, "--out", "m", "--checkpoint", kept / "run", "--resume")
    assert (code, err.count("\n")) == (2, 1)
    assert "belongs to a training on other data (the inputs, validation inputs differ)" in err


def test_a_damaged_checkpoint_is_refused_in_one_line_and_left(
    kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = bytearray((kept / "run").read_bytes())
    raw[len(raw) // 2] ^= 1
    (tmp_path / "run").write_bytes(raw)
    before = contents(kept)
    code, err = tried(capsys, *COMMAND, "--checkpoint", tmp_path / "run", "--resume", "--out", "n")
    assert (code, err.count("\n")) == (1, 1)
    assert str(tmp_path / "run") in err
    assert (tmp_path / "run").read_bytes() == raw
    assert contents(kept) == before


USAGE = {
    "--resume": (["--resume"], "--resume needs a file"),
    "--checkpoint-every": (["--checkpoint-every", "5s"], "--checkpoint-every needs a file"),
    "a time": (["--checkpoint", "new", "--checkpoint-every", "soon"], "'soon' is not a time"),
    "in the way": (["--checkpoint", "run"], "run exists already: resume from it, or remove it first"),
    "the model": (["--checkpoint", "m"], "--checkpoint is 'm', which is also --out"),
    "the data": (["--checkpoint", "./t.csv"], "which is also the data"),
}


@pytest.mark.parametrize("case", USAGE)
def test_options_that_contradict_each_other_are_wrong_usage(
    case: str, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options, said = USAGE[case]
    before = contents(kept)
    code, err = tried(capsys, *COMMAND, "--out", "m", *options)
    assert (code, err.count("\n")) == (2, 1)
    assert said in err
    assert contents(kept) == before
