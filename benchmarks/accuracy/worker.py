"""One recipe: how many updates it needs, or how long an update takes.

python -m benchmarks.accuracy.worker count NAME SEED EPOCHS      answers in one line of JSON
python -m benchmarks.accuracy.worker pace NAME THREADS CPUS      answers each line of input with µs of updates
"""

import json
import math
import os
import sys
import time
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import chainrule as cr
from benchmarks import fashion
from benchmarks.accuracy.recipes import RECIPES, SIZES, Recipe, Trainer

__all__ = ["GOALS", "count"]

GOALS = (0.88, 0.90)
ROWS = 6000  # between two evaluations, about
PIECES = 3  # of ROWS rows that are timed in a turn


def count(name: str, seed: int, epochs: int) -> dict[str, Any]:
    """Updates until each goal, None where it is not reached; and the best share of right answers."""
    recipe = RECIPES[name]
    training, X_test, y_test = _started(recipe, seed, 1)
    epochs = min(epochs, math.ceil(recipe.epochs) or epochs)  # a rate that has fallen to 0 learns no more
    reached: dict[float, int] = {}
    made, best = 0, 0.0
    for part in _parts(recipe, seed, epochs):
        training.train(part)
        made += len(part)
        share = _share(training.layers(), X_test, y_test)
        best = max(best, share)
        reached |= {goal: made for goal in GOALS if share >= goal and goal not in reached}
        if len(reached) == len(GOALS):
            break
    goals = {f"{goal:.2f}": reached.get(goal) for goal in GOALS}
    return {"recipe": name, "seed": seed, "epochs": epochs, "best": round(best, 4), "updates": made, **goals}


def _started(recipe: Recipe, seed: int, threads: int) -> tuple[Trainer, np.ndarray, np.ndarray]:
    """A training, and the test images and classes."""
    (X, y), (X_test, y_test) = fashion.load("train"), fashion.load("t10k")
    if recipe.centred:
        mean = X.mean(axis=0)
        X, X_test = X - mean, X_test - mean
    net = cr.Network(SIZES, "relu", "softmax", seed=seed, dtype="float32")
    return recipe.start(X, y, list(zip(net.W, net.b, strict=True)), threads), X_test, y_test


def _parts(recipe: Recipe, seed: int, epochs: int) -> Any:
    """The batches (updates, rows) between two evaluations."""
    random, step = np.random.default_rng(seed), ROWS // recipe.batch
    for _ in range(epochs):
        batches = random.permutation(60_000)[: 60_000 // recipe.batch * recipe.batch].reshape(-1, recipe.batch)
        yield from (batches[k : k + step] for k in range(0, len(batches) // step * step, step))


def _share(layers: Any, X: np.ndarray, y: np.ndarray) -> float:
    """The share of right answers, on one thread."""
    with threadpool_limits(1):
        for W, b in layers[:-1]:
            X = np.maximum(X @ W + b, 0)
        W, b = layers[-1]
        return float(((X @ W + b).argmax(axis=1) == y).mean())


def pace(name: str, threads: int) -> None:
    """For each line of input, a line of µs: an update's on the clock, and on the processor, of each piece."""
    recipe = RECIPES[name]
    training, *_ = _started(recipe, 0, threads)
    parts = _parts(recipe, 0, 1000)
    training.train(next(parts))
    print("[]", flush=True)
    for _ in sys.stdin:
        print(json.dumps([_timed(training, next(parts)) for _ in range(PIECES)]), flush=True)


def _timed(training: Trainer, part: np.ndarray) -> list[float]:
    wall, used = time.perf_counter(), time.process_time()
    training.train(part)
    spent = time.perf_counter() - wall, time.process_time() - used
    return [round(1e6 * seconds / len(part), 1) for seconds in spent]


if __name__ == "__main__":
    do, name, *numbers = sys.argv[1:]
    if do == "count":
        print(json.dumps(count(name, *map(int, numbers))))
    else:
        os.sched_setaffinity(0, map(int, numbers[1].split(",")))
        pace(name, int(numbers[0]))
