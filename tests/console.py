"""Commands in pages: what follows `$ ` in a console block is run, and its output is what stands below it.

`python -m tests.console docs/tutorial.md` runs a page's commands and writes their output into it. Numbers depend on the
processor and columns on the numbers, so that a comparison is of the words between them.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```console\n(\$ .*?)^```$", re.MULTILINE | re.DOTALL)


def said(page: str, folder: Path) -> str:
    """The page with the output that its commands have now; they run in `folder`, one after the other."""
    examples = folder / "examples"
    if not examples.exists():
        examples.symlink_to(ROOT / "examples")
    return BLOCK.sub(lambda block: f"```console\n{_run(block[1].splitlines()[0], folder)}```", page)


def words(page: str) -> list[str]:
    """What the console blocks of a page say, block by block, numbers aside.

    >>> words("```console\\n$ chainrule x\\nrmse 1,234.5 and r2 0.9\\n```\\n")
    ['$ chainrule x rmse # and r# #']
    """
    return [" ".join(re.sub(r"\d+(?:[.,]\d+)*(?:e[-+]\d+)?", "#", block).split()) for block in BLOCK.findall(page)]


def _run(line: str, folder: Path) -> str:
    program, *arguments = shlex.split(line.removeprefix("$ "))
    assert program == "chainrule", line
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "chainrule", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line, *(row.rstrip() for row in done.stdout.splitlines())]
    return "\n".join(lines) + "\n"


def main(pages: list[str]) -> None:
    """Write the output of each page's commands into it."""
    for page in map(Path, pages):
        with tempfile.TemporaryDirectory() as folder:
            page.write_text(said(page.read_text("utf-8"), Path(folder)), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
