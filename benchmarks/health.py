"""How often the training doctor says what of trainings in good and in bad health: `python -m benchmarks.health`.

Each row is a way of training; it is tried on sets that scikit-learn has, with three seeds, every fifth row held out.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn import datasets

import chainrule as cr

SEEDS = 3
RATE = 1e-3  # Adam's own


def sets() -> Iterator[tuple[str, Any, Any]]:
    """Name, X as it comes, and T: class numbers, or standardised numbers (n, 1)."""
    for load in (datasets.load_iris, datasets.load_wine, datasets.load_breast_cancer, datasets.load_digits):
        found = load()
        yield load.__name__[5:], found.data, found.target.astype(np.int32)
    found = datasets.load_diabetes()
    yield "diabetes", found.data, standardised(found.target[:, None])
    for make, settings in ((datasets.make_friedman1, {"noise": 1.0}), (datasets.make_friedman2, {})):
        X, y = make(500, random_state=0, **settings)
        yield make.__name__[5:], X, standardised(y[:, None])
    X, y = datasets.make_moons(400, noise=0.2, random_state=0)
    yield "moons", X, y.astype(np.int32)


def standardised(X: Any) -> Any:
    """X with mean 0 and standard deviation 1 in every column that varies."""
    scale = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(scale > 0, scale, 1)


def training(
    X: Any, T: Any, seed: int, *, activation: str = "relu", hidden: tuple[int, ...] = (100,), **settings: Any
) -> Any:
    """The history of a training of 60 epochs."""
    classes = T.dtype == np.int32
    sizes = [X.shape[1], *hidden, int(T.max()) + 1 if classes else 1]
    output, cost = ("softmax", "cross_entropy") if classes else ("identity", "quadratic")
    first = "he_uniform" if activation == "relu" else "glorot_uniform"
    net = cr.Network(sizes, activation, output, cost, initializer=first, seed=seed)
    held = np.arange(len(X)) % 5 == 0
    given = {"epochs": 60, "seed": seed, "validation": (X[held], T[held])} | settings
    return cr.fit(net, X[~held], T[~held], **given)


def noise(T: Any) -> Any:
    """The same targets in an order that has nothing to do with the rows."""
    return T[np.random.default_rng(0).permutation(len(T))]


Way = Callable[[Any, Any, int], Any]
WAYS: dict[str, Way] = {
    "relu": lambda X, T, seed: training(standardised(X), T, seed),
    "tanh": lambda X, T, seed: training(standardised(X), T, seed, activation="tanh"),
    "sigmoid": lambda X, T, seed: training(standardised(X), T, seed, activation="sigmoid"),
    "relu, 4 hidden layers": lambda X, T, seed: training(standardised(X), T, seed, hidden=(32,) * 4),
    "relu, patience 10": lambda X, T, seed: training(standardised(X), T, seed, patience=10),
    "relu, dropout 0.3": lambda X, T, seed: training(standardised(X), T, seed, dropout=0.3),
    "relu, cosine": lambda X, T, seed: training(standardised(X), T, seed, schedule=cr.Cosine()),
    "inputs as they come, relu": training,
    "inputs times 100, tanh": lambda X, T, seed: training(100 * standardised(X), T, seed, activation="tanh"),
    "rate times 300": lambda X, T, seed: training(standardised(X), T, seed, optimizer=cr.Adam(300 * RATE)),
    "rate times 3000": lambda X, T, seed: training(standardised(X), T, seed, optimizer=cr.Adam(3000 * RATE)),
    "rate over 100": lambda X, T, seed: training(standardised(X), T, seed, optimizer=cr.Adam(RATE / 100)),
    "sigmoid, 7 hidden layers, descent": lambda X, T, seed: training(
        standardised(X), T, seed, activation="sigmoid", hidden=(32,) * 7, optimizer=cr.SGD(0.1)
    ),
    "targets shuffled": lambda X, T, seed: training(standardised(X), noise(T), seed, epochs=200),
}


def main() -> None:
    """Print the table in Markdown."""
    given = list(sets())
    print(f"| way of training | of {len(given) * SEEDS} | what is said, how often |")
    print("| --- | --- | --- |")
    for name, way in WAYS.items():
        said = [[f.name for f in way(X, T, seed).diagnose()] for _, X, T in given for seed in range(SEEDS)]
        counts = Counter(finding for found in said for finding in found)
        words = ", ".join(f"{finding} {n}" for finding, n in counts.most_common())
        print(f"| {name} | {sum(map(bool, said))} | {words or '-'} |", flush=True)


if __name__ == "__main__":
    main()
