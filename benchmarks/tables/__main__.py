"""`python -m benchmarks.tables`: run what is missing in the file of results, then write the table."""

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tables.contenders import CONTENDERS
from benchmarks.tables.report import table
from benchmarks.tables.sets import DEVELOPMENT, SETS, Split, splits


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("build/tables.jsonl"), help="where the scores are kept")
    parser.add_argument("--contenders", default=";".join(CONTENDERS), help="names, separated by ;")
    parser.add_argument("--sets", default=";".join(SETS), help="names, separated by ;")
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 0")
    parser.add_argument(
        "--development", action="store_true", help=f"seeds from {DEVELOPMENT} on, for setting thresholds and defaults"
    )
    parser.add_argument("--seconds", type=float, default=1e9, help="begin nothing after so many seconds")
    asked = parser.parse_args()
    names = [name for name in CONTENDERS if name in asked.contenders.split(";")]
    asked.results.parent.mkdir(parents=True, exist_ok=True)
    first = DEVELOPMENT if asked.development else 0
    seeds = range(first, first + asked.seeds)
    _run(asked.results, names, _at_hand(asked.sets.split(";")), seeds, time.monotonic() + asked.seconds)
    print(table(_read(asked.results)))


def _at_hand(sets: list[str]) -> list[str]:
    """The sets without those whose package or file is missing, of which it says so."""
    ready = []
    for name in sets:
        try:
            SETS[name][1](0)
        except (ModuleNotFoundError, FileNotFoundError) as error:
            print(f"{name} is left out: {error}")
        else:
            ready.append(name)
    return ready


def _run(results: Path, names: list[str], sets: list[str], seeds: range, until: float) -> None:
    done = {(row["set"], row["contender"], row["seed"]) for row in _read(results)}
    for name in names:
        try:
            contender = CONTENDERS[name]()
        except ImportError as error:
            print(f"{name} is left out: {error}")
            continue
        for seed in seeds:
            for which in sets:
                if (which, name, seed) not in done and time.monotonic() < until:
                    row = {"set": which, "contender": name, "seed": seed, **_one(contender, which, seed)}
                    with results.open("a") as stream:
                        stream.write(json.dumps(row) + "\n")


def _one(contender: Any, which: str, seed: int) -> dict[str, float]:
    parts, began = splits(which, seed), time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = [_score(part, contender(part, seed)) for part in parts]
    return {"score": float(np.mean(scores)), "seconds": (time.monotonic() - began) / len(parts)}


def _score(split: Split, answers: Any) -> float:
    """Accuracy, or R²."""
    y = split.test[split.target].to_numpy()
    if split.kind == "classes":
        return float(np.mean(np.asarray(answers) == y))
    return float(1 - np.mean((y - answers) ** 2) / np.mean((y - y.mean()) ** 2))


def _read(results: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []


if __name__ == "__main__":
    main()
