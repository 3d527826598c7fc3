"""A fuzz of files and settings: whatever comes, it is refused in one line of ours, or it works, in bounded memory.

In continuous integration 200 mutants of each family are tried, with `pytest -m full` 3,000. Mutants are made and used
in a child process (`tests.fuzz.child`), which is started again where one kills it. A mutant is made by the number of
its seed alone: `python -m tests.fuzz.child models FOLDER 17 18` tries that of seed 17 again.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.fuzz import specimens

ROOT = Path(__file__).resolve().parents[2]
WRITERS = {
    "models": specimens.write_models,
    "checkpoints": specimens.write_checkpoints,
    "tables": specimens.write_tables,
    "settings": lambda folder: None,
}
GOOD = ("used", "refused")
FEW, MANY = 200, 3000


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each family, with its specimens."""
    made = {name: tmp_path_factory.mktemp(name) for name in WRITERS}
    for name, write in WRITERS.items():
        write(made[name])
    return made


def outcomes(family: str, folder: Path, first: int, count: int) -> list[dict[str, Any]]:
    """How each mutant ends: the lines of the child, and one more where the child dies of it."""
    ends: list[dict[str, Any]] = []
    at = first
    while at < first + count:
        done = in_child(family, folder, at, first + count)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        ended = [line for line in lines if "outcome" in line]
        ends += ended
        if done.returncode:
            if not lines:
                raise AssertionError(f"the child does not start: {done.stderr[-2000:]}")
            ends.append({**lines[-1], "outcome": f"died {done.returncode}", "words": done.stderr[-300:]})
        at = lines[-1]["seed"] + 1
    return ends


def in_child(family: str, folder: Path, first: int, stop: int) -> subprocess.CompletedProcess[str]:
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "CHAINRULE_THREADS"), "1")
    path = os.pathsep.join([*(p for p in sys.path if p), str(ROOT)])
    command = [sys.executable, "-m", "tests.fuzz.child", family, str(folder), str(first), str(stop)]
    environment = {**os.environ, **one_thread, "PYTHONPATH": path}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def check(family: str, folder: Path, first: int, count: int) -> None:
    """Print the counts by kind and outcome, and fail with the seeds of those that are neither used nor refused."""
    ends = outcomes(family, folder, first, count)
    print(f"{family}, seeds {first} to {first + count - 1}: {dict(Counter(end['outcome'] for end in ends))}")
    if family != "settings":
        for (kind, outcome), times in sorted(Counter((end["kind"], end["outcome"]) for end in ends).items()):
            print(f"  {kind}: {times} {outcome}")
    bad = [end for end in ends if end["outcome"] not in GOOD]
    assert not bad, "\n".join(f"seed {end['seed']} {end}" for end in bad[:20])
    assert len(ends) == count


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are those of Linux")
@pytest.mark.parametrize("family", WRITERS)
def test_whatever_comes_is_refused_in_one_line_or_works(family: str, folders: dict[str, Path]) -> None:
    check(family, folders[family], 0, FEW)


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are those of Linux")
@pytest.mark.parametrize("family", WRITERS)
def test_so_are_thousands(family: str, folders: dict[str, Path]) -> None:
    check(family, folders[family], FEW, MANY)


FAULTS = {
    "raise TypeError('no')": "escaped",
    "raise cr.errors.DataError('a' + chr(10) + 'b')": "lines",
    "raise cr.errors.DataError('an unexpected error')": "unclear",
    "bytearray(2**36)": "memory",
    "os.kill(os.getpid(), signal.SIGSEGV)": "died -11",
}


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are those of Linux")
def test_the_child_notices_every_fault(tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text(json.dumps(list(FAULTS)))
    ends = outcomes("faults", tmp_path, 0, len(FAULTS))
    assert [end["outcome"] for end in ends] == list(FAULTS.values())
