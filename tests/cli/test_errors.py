"""Wrong usage and failures of every command: one line, the right exit code, and nothing left behind."""

from pathlib import Path

import pytest

from chainrule.cli import run

from .processes import contents, start

WRONG_USE = [
    ["train"],
    ["trane"],
    ["train", "t.csv"],
    ["train", "t.csv", "--target", "answer", "--bogus"],
    ["train", "t.csv", "--target", "answer", "--hidden", "3,x"],
    ["train", "t.csv", "--target", "answer", "--activation", "rel"],
    ["train", "t.csv", "--target", "answer", "--epochs", "many"],
    ["train", "t.csv", "--target", "answer", "--epochs", "0"],
    ["train", "t.csv", "--target", "answer", "--validation", "1.5"],
    ["train", "t.csv", "--target", "answer", "--learning-rate", "-1"],
    ["train", "t.csv", "--target", "answer", "--seed", "-1"],
    ["train", "t.csv", "--target", "answer", "--epochs", "1.5"],
    ["train", "t.csv", "--target", "answer", "--seed", "2.7"],
    ["train", "t.csv", "--target", "answer", "--out", "t.csv"],
    ["predict", "m.safetensors", "t.csv", "--out", "t.csv"],
    ["predict", "m.safetensors", "t.csv", "--out", "m.safetensors"],
    ["predict", "m.safetensors"],
]


def told(arguments: list[str], capsys: pytest.CaptureFixture[str], code: int) -> str:
    """The one line of a command that must fail with `code` and leave all files as they are; run in the folder."""
    before = contents(Path.cwd())
    assert run(arguments) == code
    out, err = capsys.readouterr()
    assert contents(Path.cwd()) == before
    assert err.startswith("chainrule: ")
    assert err.count("\n") == 1
    assert code == 1 or out == ""
    return err


@pytest.mark.parametrize("arguments", WRONG_USE, ids=" ".join)
def test_wrong_usage_is_one_line_and_exit_code_2(
    arguments: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    told(arguments, capsys, code=2)


TOLD = [
    ("doctor x", "'x' is too much: chainrule doctor takes no arguments (see chainrule doctor --help)"),
    ("check a b c d", "'c', 'd' are too much: chainrule check takes MODEL DATA (see chainrule check --help)"),
    (
        "export m.st m.onnx",
        "'m.onnx' is too much: chainrule export takes MODEL, and the file to write with --out, as in",
    ),
    ("predict m.st t.csv o.csv", "takes MODEL DATA, and the file to write with --out, as in --out o.csv (see"),
    ("train t.csv", "--target is missing (see chainrule train --help)"),
    ("predict m.st", "DATA is missing (see chainrule predict --help)"),
    ("predict m.st t.csv --out", "--out requires an argument. (see chainrule predict --help)"),
]


@pytest.mark.parametrize(("line", "said"), TOLD, ids=[line for line, _ in TOLD])
def test_wrong_usage_names_what_came_and_what_the_command_takes(
    line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(line.split()) == 2
    assert said in capsys.readouterr().err


FAILURES = [
    (["train", "none.csv", "--target", "answer"], "none.csv"),
    (["train", ".", "--target", "answer"], "folder"),
    (["train", "t.csv", "--target", "anser"], "did you mean 'answer'"),
    (["train", "t.csv", "--target", "answer", "--drop", "nothing"], "nothing"),
    (["train", "t.csv", "--target", "answer", "--task", "regression"], "answer"),
    (["train", "t.csv", "--target", "answer", "--out", "no/such/m.safetensors"], "no/such"),
    (["train", "t.csv", "--target", "answer", "--out", "."], "folder"),
    (["train", "t.csv", "--target", "b", "--optimizer", "sgd", "--learning-rate", "1e30"], "learning rate"),
    (["train", "t.csv", "--target", "b", "--learning-rate", "1e38", "--epochs", "1", "--batch-size", "999"], "saved"),
    (["evaluate", "t.csv", "t.csv"], "text"),
    (["evaluate", "m.safetensors", "new.csv.gz"], "answer"),
    (["predict", "none.safetensors", "t.csv"], "none.safetensors"),
    (["predict", "m.safetensors", "m.safetensors"], "m.safetensors"),
    (["predict", "m.safetensors", "t.csv", "--out", "no/such.csv"], "no/such.csv"),
    (["inspect", "t.csv", "--as", "nope=date"], "nope"),
]


@pytest.mark.parametrize(("arguments", "said"), FAILURES, ids=[" ".join(a) for a, _ in FAILURES])
def test_a_failure_is_one_line_names_the_cause_and_leaves_nothing(
    arguments: list[str],
    said: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    assert said in told(arguments, capsys, code=1)


def test_debug_shows_the_traceback(folder: Path) -> None:
    process = start("train", "none.csv", "--target", "y", "--debug", cwd=folder)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" in err


def test_what_nobody_foresaw_is_one_line_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.chdir(folder)
    monkeypatch.setattr("chainrule.cli.evaluate.answering", fail)
    assert "unexpected RuntimeError: two lines: --debug shows where" in told(
        ["evaluate", "m.safetensors", "t.csv"], capsys, code=1
    )


def test_too_little_memory_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.chdir(folder)
    monkeypatch.setattr("chainrule.cli.training_options.open_table", fail)
    assert "not enough memory" in told(["train", "t.csv", "--target", "answer"], capsys, code=1)


@pytest.mark.parametrize("hidden", ["99999999999999", str(2**62), str(2**63)])
def test_a_network_that_no_memory_holds_is_one_line(
    hidden: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    line = told(["train", "t.csv", "--target", "answer", "--hidden", hidden], capsys, code=2)
    assert "2^40 at most" in line or "at most 2^53" in line
