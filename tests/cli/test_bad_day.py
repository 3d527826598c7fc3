"""Pipes as tables and outputs, no folder, no threads, warnings of libraries, signals at bad moments: one line each."""

import os
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest

from chainrule.cli import main, run, streams, threads

from . import processes

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes with names and signals are POSIX")

TABLE = "x,y\n" + "".join(f"{k},{k * k % 7}.5\n" for k in range(60))
TRAIN = ("train", "t.csv", "--target", "y", "--epochs", "1")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a table, a model and a pipe that nobody reads or writes."""
    here = tmp_path / "above" / "here"
    here.mkdir(parents=True)
    (here / "t.csv").write_text(TABLE)
    monkeypatch.chdir(here)
    assert run([*TRAIN, "--out", "m"]) == 0
    os.mkfifo("pipe")
    os.mkfifo("pipe.csv")
    return here


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr."""
    err = capsys.readouterr().err
    assert (err.count("\n"), err[:11]) == (1, "chainrule: ")
    return err[11:-1]


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "pipe.csv", "--target", "y"),
        ("train", "t.csv", "--target", "y", "--validation", "pipe.csv"),
        ("predict", "m", "pipe.csv"),
        ("evaluate", "m", "pipe"),
    ],
    ids=" ".join,
)
def test_a_table_that_is_a_pipe(here: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    capsys.readouterr()
    assert run([*arguments]) == 1
    assert said(capsys).endswith("is a pipe, but a table is read several times: write it to a regular file first")


@pytest.mark.parametrize(
    "arguments",
    [
        (*TRAIN, "--out", "pipe"),
        (*TRAIN, "--plot", "pipe.png"),
        (*TRAIN, "--checkpoint", "pipe"),
        (*TRAIN, "--config", "pipe"),
        ("predict", "m", "t.csv", "--out", "pipe"),
    ],
    ids=" ".join,
)
def test_a_file_to_write_or_of_options_that_is_a_pipe(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    os.mkfifo("pipe.png")
    capsys.readouterr()
    assert run([*arguments]) in (1, 2)
    assert said(capsys).endswith(": it is a pipe: name a regular file")


def test_standard_input(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    advice = "a table is read several times: write it to a file first"
    assert run(["train", "-", "--target", "y"]) == 2
    assert said(capsys) == f"'-' is standard input, but {advice}"
    line = processes.fails("train", "/dev/stdin", "--target", "y", cwd=here, stdin=subprocess.PIPE)
    assert (
        line
        == "chainrule: '/dev/stdin' is a pipe, but a table is read several times: write it to a regular file first\n"
    )


def test_a_device_of_options(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run([*TRAIN, "--config", "/dev/zero"]) == 1
    assert said(capsys) == "/dev/zero: it is a device: name a regular file"


def test_options_that_write_are_not_taken_from_a_folder_above(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    above = here.parent / "chainrule.toml"
    above.write_text('[train]\nepochs = 2\nout = "m"\nplot = "p.png"\n')
    before = Path("m").read_bytes()
    capsys.readouterr()
    assert run([*TRAIN]) == 0
    assert Path("m").read_bytes() == before
    assert Path("model.safetensors").exists()
    assert not Path("p.png").exists()
    assert said(capsys).startswith(f"{above}: out, plot ignored: a file to write is named on the command line")
    assert run([*TRAIN[:-2], "--json"]) == 0
    assert f"chainrule: options from {above}\n" in capsys.readouterr().err
    above.rename(here / "chainrule.toml")
    assert run([*TRAIN, "--plot", "q.png"]) == 0
    assert Path("m").read_bytes() != before or Path("q.png").exists()
    assert capsys.readouterr().err == ""


def test_no_current_folder(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = ["train", f"{here}/t.csv", "--target", "y", "--epochs", "1"]
    Path("gone").mkdir()
    os.chdir("gone")
    Path("../gone").rmdir()
    capsys.readouterr()
    assert run([*train, "--out", f"{here}/n"]) == 0
    assert capsys.readouterr().err == ""
    assert run(train) == 1
    assert said(capsys) == "model.safetensors: No such file or directory"


def test_too_few_threads(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The limit itself does not hold for root, so that threads fail here as they do at the limit."""
    assert threads.threads_can_start()
    start, started = threading.Thread.start, []

    def fail(self: threading.Thread) -> None:
        if len(started) >= 3:
            raise RuntimeError("can't start new thread")
        started.append(self)
        start(self)

    for _ in range(2):  # with a thread for signals, and without
        with monkeypatch.context() as context:
            context.setattr(threading.Thread, "start", fail)
            with pytest.raises(SystemExit) as stop:
                main(["doctor"])
        assert stop.value.code == 1
        assert said(capsys).startswith("too few threads can be started: raise the limit (ulimit -u)")
    assert not any(thread.is_alive() for thread in started)


def test_a_program_that_has_imported_pydantic_changes_no_option(tmp_path: Path) -> None:
    """cyclopts then checks values by pydantic, too."""
    pytest.importorskip("pydantic")
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{k},{2 * k}\n" for k in range(30)))
    program = [sys.executable, "-c", f"import pydantic\n{processes.MAIN}"]
    done = subprocess.run(
        [*program, *TRAIN], cwd=tmp_path, env=processes.CLEAN, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_warnings_of_libraries_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings(action="always"):
        warnings.showwarning = streams.print_warning
        warnings.warn("of two\nlines", RuntimeWarning, stacklevel=1)
    assert said(capsys) == "warning: of two lines"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_the_program_is_loading_ends_it_silently(here: Path, number: int, code: int) -> None:
    """It comes at the first import of the command line's packages."""
    early = f"""
import os, runpy, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "cyclopts":
            os.kill(os.getpid(), {int(number)})
sys.meta_path.insert(0, Finder())
sys.argv = ["chainrule", "doctor"]
runpy.run_module("chainrule", run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", early], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


@pytest.mark.parametrize("place", ["streams.finish", "Interrupt.__exit__", "_fail", "Interrupt.signalled"])
def test_a_second_signal_at_any_moment_of_the_end_is_one_line(here: Path, place: str) -> None:
    """The first one comes while a command runs, the second one before or after the function."""
    code = f"""
import os, signal, chainrule.cli as cli
from chainrule.cli import Interrupt, streams, _fail
def twice(function):
    def wrapped(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        return function(*arguments)
    return wrapped
def run(*arguments):
    try: os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt as stop: return _fail("stopped", False, stop.code)
cli.run = run
{place} = twice({place})
cli.main([])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) in [(143, "chainrule: stopped\n"), (130, "chainrule: stopped\n")]
