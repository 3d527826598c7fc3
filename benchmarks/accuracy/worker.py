"""One training, `python -m benchmarks.accuracy.worker NAME SEED THREADS EPOCHS`: answers in one line of JSON."""

import json
import os
import sys
import time
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import chainrule as cr
from benchmarks import fashion
from benchmarks.accuracy.recipes import RECIPES, SIZES
from benchmarks.machine import cpus

__all__ = ["GOALS", "run"]

GOALS = (0.88, 0.90)
ROWS = 6000  # between two evaluations, about


def run(name: str, seed: int, threads: int, epochs: int) -> dict[str, Any]:
    """Updates, seconds and seconds of processors until each goal, None where it is not reached; and the best share."""
    recipe = RECIPES[name]
    (X, y), (X_test, y_test) = fashion.load("train"), fashion.load("t10k")
    if recipe.centred:
        mean = X.mean(axis=0)
        X, X_test = X - mean, X_test - mean
    net = cr.Network(SIZES, "relu", "softmax", seed=seed, dtype="float32")
    training = recipe.start(X, y, list(zip(net.W, net.b, strict=True)), threads)
    rng, made, spent, processor, best = np.random.default_rng(seed), 0, 0.0, 0.0, 0.0
    reached: dict[float, list[float]] = {}
    for _ in range(epochs):
        batches = rng.permutation(len(X))[: len(X) // recipe.batch * recipe.batch].reshape(-1, recipe.batch)
        step = ROWS // recipe.batch
        for part in (batches[k : k + step] for k in range(0, len(batches) // step * step, step)):
            wall, used = time.perf_counter(), time.process_time()
            training.train(part)
            spent, processor = spent + time.perf_counter() - wall, processor + time.process_time() - used
            made += len(part)
            share = _share(training.layers(), X_test, y_test)
            best = max(best, share)
            for goal in GOALS:
                if share >= goal and goal not in reached:
                    reached[goal] = [made, round(spent, 3), round(processor, 3)]
            if len(reached) == len(GOALS):
                break
    goals = {f"{goal:.2f}": reached.get(goal) for goal in GOALS}
    return {"recipe": name, "seed": seed, "threads": threads, "best": best, "updates": made, **goals}


def _share(layers: Any, X: np.ndarray, y: np.ndarray) -> float:
    """The share of right answers, on one thread."""
    with threadpool_limits(1):
        for W, b in layers[:-1]:
            X = np.maximum(X @ W + b, 0)
        W, b = layers[-1]
        return float(((X @ W + b).argmax(axis=1) == y).mean())


if __name__ == "__main__":
    name, *numbers = sys.argv[1:]
    seed, threads, epochs = map(int, numbers)
    os.sched_setaffinity(0, cpus(threads))
    print(json.dumps(run(name, seed, threads, epochs)))
