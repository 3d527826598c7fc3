"""The recipes: for each library the usual one first, then the best that were discovered for it."""

import dataclasses
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

import numpy as np

__all__ = ["RECIPES", "SIZES", "Recipe", "Trainer"]

SIZES = (784, 256, 128, 10)


class Trainer(Protocol):
    """A training in progress."""

    def train(self, order: np.ndarray) -> None:
        """Make an update from each row of `order` (updates, batch), the numbers of rows of X."""

    def layers(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """(W, b) of each layer, W (n_in, n_out), as they would predict."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a library trains: its module in this package, a rule that the module knows, and the rows of an update.

    `total` is the number of updates that a falling rate ends after, or 0 for a constant rate.
    """

    library: str
    rule: str
    rate: float
    batch: int
    centred: bool = False
    epochs: float = 0.0

    @property
    def name(self) -> str:
        """The recipe as one word."""
        return f"{self.library} {self.rule}"

    @property
    def words(self) -> str:
        """The recipe in words."""
        fall = f", falling over {self.epochs:g} epochs" if self.epochs else ""
        return f"rate {self.rate:g}{fall}, batch {self.batch}{', centred' if self.centred else ''}"

    def start(self, X: np.ndarray, y: np.ndarray, layers: list[tuple[np.ndarray, np.ndarray]], threads: int) -> Trainer:
        """A training from these weights."""
        make: Callable[..., Any] = import_module(f"benchmarks.accuracy.{self.library}").Training
        return make(self, X, y, layers, threads)

    @property
    def total(self) -> int:
        """The updates until a falling rate is 0; 0 for a constant one."""
        return int(self.epochs * 60_000 / self.batch)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("own", "adam", 1e-3, 128),
        Recipe("own", "schedule_free", 1e-2, 512, centred=True),
        Recipe("own", "muon", 2e-2, 512, centred=True),
        Recipe("torch_", "adam", 1e-3, 128),
        Recipe("torch_", "falling_adam", 4e-3, 128, centred=True, epochs=2.0),
        Recipe("torch_", "schedule_free", 1e-2, 512, centred=True),
        Recipe("torch_", "muon", 2e-2, 512, centred=True),
        Recipe("jax_", "adam", 1e-3, 128),
        Recipe("jax_", "schedule_free", 1e-2, 512, centred=True),
        Recipe("jax_", "muon", 2e-2, 512, centred=True),
        Recipe("scikit", "adam", 1e-3, 200),
        Recipe("scikit", "fast_adam", 2e-3, 512, centred=True),
        Recipe("scikit", "sgd", 1e-1, 128, centred=True),
    )
}
