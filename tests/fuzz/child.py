"""The process in which mutants are tried, under limits of memory and time.

    python -m tests.fuzz.child FAMILY FOLDER A B

It tries the seeds A to B - 1 and writes one line of JSON for each: the seed before it is tried, then how it ended:

    refused     one line of our own
    used        it works
    memory, lines, escaped, ...   a fault, with what happened
"""

import io
import json
import re
import resource
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from tests.fuzz import trials

from chainrule.errors import ChainruleError

MEMORY = 2**31  # bytes beyond those that the process has when it begins
SECONDS = 20  # for one mutant
LONGEST = 1500  # characters of a line

OURS = (ChainruleError, OSError)


def ending(trial: Callable[[], Any]) -> tuple[str, str]:
    """How a trial ends, and in which words."""
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            trial()
    except OURS as error:
        return _judged(str(error))
    except MemoryError:
        return "memory", _where()
    except BaseException as error:  # whatever else it is, it is a fault
        own = trials.OWN.get(type(error))
        if own is not None and re.search(own, str(error)):
            return _judged(str(error))
        return "escaped", f"{type(error).__name__}: {str(error)[:200]} {_where()}"
    return "used", ""


def _judged(line: str) -> tuple[str, str]:
    if "\n" in line or len(line) > LONGEST:
        return "lines", line[:300]
    if "unexpected" in line and "its parts do not fit together" not in line:
        return "unclear", line[:300]
    return "refused", line[:200]


def _where() -> str:
    frames = traceback.extract_tb(sys.exc_info()[2])
    ours = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames if "chainrule" in frame.filename]
    return f"at {' > '.join(ours[-4:])}"


def main() -> None:
    family, folder, first, stop = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    draw = trials.FAMILIES[family](folder)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY,) * 2)
    for seed in range(first, stop):
        print(json.dumps({"seed": seed}), flush=True)
        signal.alarm(SECONDS)
        kind, trial = draw(np.random.default_rng([seed, len(family)]))
        print(json.dumps({"seed": seed, "kind": kind}), flush=True)
        outcome, words = ending(trial)
        signal.alarm(0)
        print(json.dumps({"seed": seed, "kind": kind, "outcome": outcome, "words": words}), flush=True)


if __name__ == "__main__":
    main()
