"""The command line as real processes, and in this process where none is the subject: a start takes a second."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chainrule.cli import run

CLEAN = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE")}
# PyArrow imports pandas where it is installed, which is a quarter of a start; the command line needs none.
MAIN = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name == 'pandas':
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
from chainrule.cli import main
main()
"""
PROGRAM = [sys.executable, "-c", MAIN]


def start(*arguments: object, cwd: Path, **how: Any) -> subprocess.Popen[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8", "env": CLEAN}
    return subprocess.Popen([*PROGRAM, *map(str, arguments)], cwd=cwd, **(pipes | how))


def call(*arguments: object, cwd: Path, code: int = 0, **how: Any) -> tuple[str, str]:
    """Stdout and stderr of a command that must leave with `code`."""
    process = start(*arguments, cwd=cwd, **how)
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, (out, err)
    assert "Traceback" not in (err or "")
    return out, err


def here(*arguments: object, cwd: Path, code: int = 0) -> tuple[str, str]:
    """As `call`, in this process."""
    how: dict[str, Any] = {"mode": "w+", "encoding": "utf-8", "errors": "backslashreplace", "newline": ""}
    with tempfile.TemporaryFile(**how) as out, tempfile.TemporaryFile(**how) as err, contextlib.chdir(cwd):
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            ended = run([*map(str, arguments)])
        out.seek(0), err.seek(0)
        texts = out.read(), err.read()
    assert ended == code, texts
    return texts


Caller = Callable[..., tuple[str, str]]


def fails(*arguments: object, cwd: Path, code: int = 1, by: Caller = call, **how: Any) -> str:
    """The one line on stderr of a command that must fail with `code`, run by `call` or by `here`."""
    _, err = by(*arguments, cwd=cwd, code=code, **how)
    assert err.startswith("chainrule: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    return err


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, hidden ones too, with its bytes."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
