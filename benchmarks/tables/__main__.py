"""`python -m benchmarks.tables`: run what is missing in the file of results, then write the report."""

import argparse
import contextlib
import json
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.machine import environment
from benchmarks.markers import between
from benchmarks.options import chosen, whole, writable
from benchmarks.tables.contenders import CONTENDERS
from benchmarks.tables.report import claim, markdown
from benchmarks.tables.sets import DEVELOPMENT, SETS

ROOT = Path(__file__).resolve().parents[2]
CLAIM = re.compile(r"- \*\*Good without settings\.\*\* .*?\s\(\[measurements\]\(#how-good\)\)\.", re.DOTALL)


def main() -> None:
    """Run and report."""
    asked = _options().parse_args()
    wanted = chosen("--contenders", asked.contenders.split(";"), [*CONTENDERS])
    names = [name for name in CONTENDERS if name in wanted]
    writable("--results", asked.results)
    first = DEVELOPMENT if asked.development else 0
    seeds = range(first, first + whole("--seeds", asked.seeds, 0))
    limit = whole("--limit", asked.limit, 1)
    sets = chosen("--sets", asked.sets.split(";"), [*SETS])
    sets = _at_hand(sets) if seeds else []
    until = time.monotonic() + asked.seconds
    for name in names:
        _run(asked.results, name, _missing(asked.results, name, sets, seeds), until, limit)
    rows = [row for row in _read(asked.results) if (row["seed"] >= DEVELOPMENT) == asked.development]
    text = markdown(rows, [*names, *(asked.also.split(";") if asked.also else ())])
    print(text)
    if asked.readme:
        between(ROOT / "README.md", "tables", text)
        _write_claim(ROOT / "README.md", claim(rows))


def _write_claim(page: Path, text: str) -> None:
    """Write what the report says, in place of what the page said before."""
    words = f"- **Good without settings.** {text} ([measurements](#how-good))."
    lines = textwrap.fill(words, 130, subsequent_indent="  ", break_on_hyphens=False)
    page.write_text(CLAIM.sub(lambda _: lines, page.read_text("utf-8")), "utf-8")


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    add = parser.add_argument
    add("--results", type=Path, default=Path("build/tables.jsonl"), help="where the scores are kept")
    add("--contenders", default=";".join(CONTENDERS), help="names, separated by ;")
    add("--also", default="", help="names in the file of results that the report has too, separated by ;")
    add("--sets", default=";".join(SETS), help="names, separated by ;")
    add("--seeds", default="5", help="how many, from 0; 0 reports only")
    add("--development", action="store_true", help=f"seeds from {DEVELOPMENT} on, to set thresholds and defaults by")
    add("--seconds", type=float, default=1e9, help="begin nothing after so many seconds")
    add("--limit", default="1800", help="the most seconds of one run")
    add("--readme", action="store_true", help="write the report into README.md")
    return parser


def _at_hand(sets: list[str]) -> list[str]:
    """The sets without those whose package or file is missing, of which it says so."""
    ready = []
    for name in sets:
        try:
            SETS[name][1](0)
        except (ModuleNotFoundError, FileNotFoundError) as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
        else:
            ready.append(name)
    return ready


def _missing(results: Path, name: str, sets: list[str], seeds: range) -> list[dict[str, Any]]:
    done = {(row["set"], row["seed"]) for row in _read(results) if row["contender"] == name}
    return [{"set": which, "seed": seed} for seed in seeds for which in sets if (which, seed) not in done]


def _run(results: Path, name: str, runs: list[dict[str, Any]], until: float, limit: int) -> None:
    """One contender's runs, in a process of its own; a line of the file for each."""
    with results.open("a") as stream:
        for row in _answers(name, runs, until, limit) if runs else ():
            stream.write(json.dumps({"contender": name, **row}) + "\n")
            stream.flush()


def _answers(name: str, runs: list[dict[str, Any]], until: float, limit: int) -> Iterator[dict[str, Any]]:
    """An answer for each run; where the process ends in one, that run has none, and a new process does the others."""
    left = iter(runs)
    while time.monotonic() < until and (run := next(left, None)) is not None:
        with _worker(name, limit) as worker:
            began = json.loads(worker.stdout.readline() or '{"missing": "its process ended"}')
            if "missing" in began:
                print(f"{name} is left out: {began['missing']}", file=sys.stderr)
                return
            while run is not None and time.monotonic() < until:
                answer = _answer(worker, run)
                if answer is None:
                    print(f"{name} on {run['set']}, seed {run['seed']}: its process ended", file=sys.stderr)
                    break
                yield answer
                run = next(left, None)
            with contextlib.suppress(BrokenPipeError):
                worker.stdin.close()


def _worker(name: str, limit: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "benchmarks.tables.worker", name, str(limit)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    return subprocess.Popen(command, cwd=ROOT, env=environment(1), **pipes)


def _answer(worker: "subprocess.Popen[str]", run: dict[str, Any]) -> dict[str, Any] | None:
    """The answer for a run; None where the process has ended."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        worker.stdin.write(json.dumps(run) + "\n")
    line = worker.stdout.readline()
    return json.loads(line) if line else None


def _read(results: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in results.read_text("utf-8").splitlines()] if results.exists() else []


if __name__ == "__main__":
    main()
