"""The tables: those that scikit-learn ships and generates, the shared ones, and those that packages carry.

Each is a frame with its target `y`. The published table is of the seeds 0 to 4. Whoever sets a threshold, a default or
anything else by these tables uses seeds from 100 on (`DEVELOPMENT`), whose splits and generated rows are others, and
never looks at the first ones until it is set.
"""

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn import datasets

from benchmarks.tables.shipped import SHIPPED

__all__ = ["DEVELOPMENT", "SETS", "Split", "splits"]

DEVELOPMENT = 100  # the first seed of development

SHARED = Path(os.environ.get("CHAINRULE_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
ROWS = 6000  # of diamonds

Make = Callable[[int], pd.DataFrame]  # of a seed
Frame = Callable[[Any, Any], pd.DataFrame]  # of X and y


class Split(NamedTuple):
    """Rows to train on and rows to be asked for, each a frame with the `target` in it; `kind` of the target."""

    train: pd.DataFrame
    test: pd.DataFrame
    target: str
    kind: str


def _frame(X: Any, y: Any) -> pd.DataFrame:
    X = pd.DataFrame(np.asarray(X, dtype=float)).rename(columns=lambda k: f"x{k + 1}")
    return X.assign(y=np.asarray(y))


def _words(X: Any, y: Any) -> pd.DataFrame:
    """Classes as words, so that none is taken for a number."""
    return _frame(X, [f"c{int(k)}" for k in y])


def spirals(seed: int) -> pd.DataFrame:
    """Two spirals of one turn and a half, 100 points each."""
    rng = np.random.default_rng(seed)
    t, side = 3 * np.pi * np.sqrt(rng.random(200)), np.repeat([0, 1], 100)
    return _words(np.c_[t * np.cos(t + np.pi * side), t * np.sin(t + np.pi * side)], side)


def wide_spirals(seed: int) -> pd.DataFrame:
    """Two spirals of two turns and a sixth, 100 points each, with noise."""
    rng = np.random.default_rng(seed)
    a, side = np.sqrt(rng.random(200)) * np.radians(780), np.repeat([1, -1], 100)
    noise = rng.random((200, 2)) / 2
    return _words(side[:, None] * (np.c_[-np.cos(a) * a, np.sin(a) * a] + noise), side > 0)


def parity(seed: int) -> pd.DataFrame:
    """All words of ten bits, and whether they have an odd number of ones."""
    bits = np.array(list(itertools.product([0, 1], repeat=10)))
    return _words(bits, bits.sum(axis=1) % 2)


def high(seed: int) -> pd.DataFrame:
    """A hundred columns of which three matter."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(300, 100))
    return _words(X, X[:, 0] + X[:, 1] * X[:, 2] + 0.5 * rng.normal(size=300) > 0)


def titanic(seed: int) -> pd.DataFrame:
    found = pd.read_csv(SHARED / "titanic.csv", na_values="?").drop(columns=["boat", "body"])
    return found.assign(y=found.pop("survived").map({0: "died", 1: "lived"}))


def building(seed: int) -> pd.DataFrame:
    parts = [pd.read_csv(SHARED / f"building-{part}.csv.gz") for part in ("train", "test")]
    return pd.concat(parts, ignore_index=True).drop(columns=["y2", "y3"]).rename(columns={"y1": "y"})


def diamonds(seed: int) -> pd.DataFrame:
    found = pd.read_csv(SHARED / "diamonds.csv.gz").sample(ROWS, random_state=seed)
    return found.rename(columns={"y": "width", "price": "y"}).reset_index(drop=True)


def mushroom(seed: int) -> pd.DataFrame:
    return pd.read_csv(SHARED / "mushroom-train.csv.gz").sample(1500, random_state=seed).reset_index(drop=True)


def _loaded(name: str, make: Frame) -> Make:
    return lambda seed: make(*getattr(datasets, f"load_{name}")(return_X_y=True))


def _made(name: str, make: Frame, *rows: Any, **more: Any) -> Make:
    return lambda seed: make(*getattr(datasets, f"make_{name}")(*rows, random_state=seed, **more))


SETS: dict[str, tuple[str, Make]] = {
    "iris": ("classes", _loaded("iris", _words)),
    "wine": ("classes", _loaded("wine", _words)),
    "breast_cancer": ("classes", _loaded("breast_cancer", _words)),
    "digits": ("classes", _loaded("digits", _words)),
    "moons": ("classes", _made("moons", _words, 500, noise=0.25)),
    "circles": ("classes", _made("circles", _words, 400, noise=0.15, factor=0.6)),
    "blobs": ("classes", _made("blobs", _words, 300, n_features=5, centers=6, cluster_std=4.0)),
    "quantiles": ("classes", _made("gaussian_quantiles", _words, n_samples=600, n_features=6, n_classes=3)),
    "classification": (
        "classes",
        _made("classification", _words, 1000, n_informative=6, n_redundant=4, n_classes=3, flip_y=0.05),
    ),
    "hastie": ("classes", _made("hastie_10_2", lambda X, y: _words(X, y > 0), 1500)),
    "spirals": ("classes", spirals),
    "wide spirals": ("classes", wide_spirals),
    "parity": ("classes", parity),
    "100 columns": ("classes", high),
    "titanic": ("classes", titanic),
    "mushroom, 1,500": ("classes", mushroom),
    "diabetes": ("numbers", _loaded("diabetes", _frame)),
    "friedman1": ("numbers", _made("friedman1", _frame, 500, noise=1.0)),
    "friedman2": ("numbers", _made("friedman2", _frame, 500, noise=100.0)),
    "friedman3": ("numbers", _made("friedman3", _frame, 500, noise=0.1)),
    "noisy plane": ("numbers", _made("regression", _frame, 500, 20, n_informative=10, noise=150.0)),
    "sparse": ("numbers", _made("sparse_uncorrelated", _frame, 500, 20)),
    "building": ("numbers", building),
    "diamonds, 6,000": ("numbers", diamonds),
} | {name: (table.kind, table.make) for name, table in SHIPPED.items()}


def splits(name: str, seed: int) -> list[Split]:
    """Every fifth of the rows in turn for iris, else one: a fifth, of each class, drawn by the seed."""
    from sklearn.model_selection import KFold, StratifiedKFold

    kind, make = SETS[name]
    frame = make(seed)
    folds = (StratifiedKFold if kind == "classes" else KFold)(5, shuffle=True, random_state=seed)
    parts = list(folds.split(frame, frame["y"]))[: 5 if name == "iris" else 1]
    return [Split(frame.iloc[train], frame.iloc[test], "y", kind) for train, test in parts]
