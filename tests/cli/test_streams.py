"""What a command does when nobody reads its output, when it cannot be written, and when a stream is not there."""

import os
import subprocess
from pathlib import Path

import pytest

from .processes import CLEAN, MAIN, PROGRAM, call, here, start

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")


def in_shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A line of sh in which `$c` is the program."""
    line = f'c() {{ "$0" -c "{MAIN}" "$@"; }}; {command}'
    return subprocess.run(
        ["sh", "-c", line, PROGRAM[0]], cwd=folder, env=CLEAN, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "command",
    ["--help", "inspect m.safetensors", "predict m.safetensors t.csv", "evaluate m.safetensors t.csv --json"],
)
def test_output_onto_a_full_device_is_one_line(command: str, folder: Path) -> None:
    done = in_shell(f"c {command} >/dev/full", folder)
    assert (done.returncode, done.stderr) == (1, "chainrule: standard output: No space left on device\n")


@pytest.mark.parametrize("command", ["inspect m.safetensors", "predict m.safetensors t.csv"])
def test_output_that_is_closed_is_one_line(command: str, folder: Path) -> None:
    done = in_shell(f"c {command} >&- <&-", folder)
    assert (done.returncode, done.stderr) == (1, "chainrule: standard output: Bad file descriptor\n")


@pytest.mark.parametrize("where", ["2>/dev/full", "2>&-", ">&- 2>&- <&-"])
def test_an_error_that_cannot_be_told_is_an_exit_code(where: str, folder: Path) -> None:
    done = in_shell(f"c inspect none.safetensors {where}", folder)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_an_error_never_goes_to_stdout(folder: Path) -> None:
    assert in_shell("c inspect none.safetensors 2>&-", folder).stdout == ""


def test_input_that_is_closed_changes_nothing(folder: Path) -> None:
    done = in_shell("c evaluate m.safetensors t.csv <&-", folder)
    assert done.returncode == 0
    assert "120 rows" in done.stdout


def test_a_model_never_lands_in_a_stream(folder: Path) -> None:
    """A file that is opened takes the lowest number that is free, such as that of a closed stdout."""
    before = (folder / "m.safetensors").read_bytes()
    done = in_shell("c train t.csv --target answer --epochs 1 --out n.safetensors --json >&- 2>&- <&-", folder)
    assert done.returncode == 1
    assert not (folder / "n.safetensors").exists()
    assert (folder / "m.safetensors").read_bytes() == before


@pytest.mark.parametrize("command", ["predict m.safetensors t.csv", "predict m.safetensors t.csv --json", "--help"])
def test_output_into_a_closed_pipe_ends_quietly(command: str, folder: Path) -> None:
    process = start(*command.split(), cwd=folder)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) == 1


def test_notes_are_seen_while_it_trains(folder: Path) -> None:
    process = start("train", "t.csv", "--target", "answer", "--epochs", "1000000", cwd=folder)
    assert process.stdout is not None
    assert "rows to train on" in process.stdout.readline()
    process.kill()
    process.communicate()


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX")
def test_names_may_be_any_bytes(folder: Path, tmp_path: Path) -> None:
    for name in (b"\xff.safetensors", b"a\nb.safetensors", b" .safetensors", b"-m.safetensors"):
        path = os.fsencode(tmp_path) + b"/" + name
        Path(os.fsdecode(path)).write_bytes((folder / "m.safetensors").read_bytes())
        by = call if name.startswith(b"\xff") else here
        out, _ = by("inspect", "--", os.fsdecode(name), cwd=tmp_path)
        assert "softmax" in out
        train = ("train", folder / "t.csv", "--target", "answer", "--epochs", "1")
        out, _ = by(*train, "--drop", "colour", f"--out={os.fsdecode(name)}", cwd=tmp_path)
        assert len(out.splitlines()) == 5
        assert [os.fsencode(path.name) for path in tmp_path.iterdir()] == [name]
        Path(os.fsdecode(path)).unlink()


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX")
def test_an_error_about_any_name_is_one_line(tmp_path: Path) -> None:
    for name in (b"\xff.safetensors", b"a\nb.safetensors", b"\x1b[31m.safetensors"):
        _, err = (call if name.startswith(b"\xff") else here)("inspect", os.fsdecode(name), cwd=tmp_path, code=1)
        assert err.count("\n") == 1
        assert err.rstrip("\n").isprintable()


def test_debug_is_an_option_only_before_two_dashes(tmp_path: Path) -> None:
    _, err = call("inspect", "--", "--debug", cwd=tmp_path, code=1)
    assert "--debug" in err
