"""The command line as real processes."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

CLEAN = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE")}
PROGRAM = [sys.executable, "-c", "from chainrule.cli import main; main()"]


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


def fails(*arguments: object, cwd: Path, code: int = 1, **how: Any) -> str:
    """The one line on stderr of a command that must fail with `code`."""
    _, err = call(*arguments, cwd=cwd, code=code, **how)
    assert err.startswith("chainrule: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    return err


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, hidden ones too, with its bytes."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
