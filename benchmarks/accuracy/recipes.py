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

    The rate falls along a line over `epochs`, or is constant where they are 0. `half`: matrices are
    multiplied in bfloat16. `compiled`: an update is one compiled function (torch.compile; JAX always compiles).
    """

    library: str
    rule: str
    rate: float
    batch: int
    centred: bool = False
    epochs: float = 0.0
    half: bool = False
    compiled: bool = False

    @property
    def name(self) -> str:
        """The recipe as one word."""
        return f"{self.library} {self.rule}{'_half' * self.half}{'_compiled' * self.compiled}"

    @property
    def words(self) -> str:
        """The recipe in words."""
        fall = f", falling over {self.epochs:g} epochs" if self.epochs else ""
        ways = {"centred": self.centred, "bf16": self.half, "compiled": self.compiled}
        return ", ".join(
            [f"rate {self.rate:g}{fall}, batch {self.batch}", *(way for way, is_so in ways.items() if is_so)]
        )

    def start(self, X: np.ndarray, y: np.ndarray, layers: list[tuple[np.ndarray, np.ndarray]], threads: int) -> Trainer:
        """A training from these weights."""
        module = f"benchmarks.accuracy.{self.library}{'compiled' * self.compiled}"
        make: Callable[..., Any] = import_module(module).Training
        return make(self, X, y, layers, threads)

    @property
    def total(self) -> int:
        """The updates until a falling rate is 0; 0 for a constant one."""
        return int(self.epochs * 60_000 / self.batch)

    def rates(self, first: int, count: int) -> np.ndarray:
        """The rates of `count` updates from number `first` on."""
        left = 1 - np.arange(first, first + count) / self.total if self.total else np.ones(count)
        return self.rate * np.maximum(left, 1e-3)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("own", "adam", 1e-3, 128),
        Recipe("own", "schedule_free", 1e-2, 128, centred=True),
        Recipe("own", "schedule_free", 1e-2, 128, centred=True, half=True),
        Recipe("own", "muon", 2e-2, 512, centred=True),
        Recipe("own", "falling_muon", 2e-2, 128, centred=True, epochs=3.0),
        Recipe("own", "falling_muon", 2e-2, 128, centred=True, epochs=3.0, half=True),
        Recipe("torch_", "adam", 1e-3, 128),
        Recipe("torch_", "falling_adam", 4e-3, 128, centred=True, epochs=2.0),
        Recipe("torch_", "schedule_free", 1e-2, 128, centred=True),
        Recipe("torch_", "schedule_free", 1e-2, 128, centred=True, half=True),
        Recipe("torch_", "schedule_free", 1e-2, 128, centred=True, compiled=True),
        Recipe("torch_", "muon", 2e-2, 512, centred=True),
        Recipe("torch_", "falling_muon", 2e-2, 128, centred=True, epochs=3.0),
        Recipe("jax_", "adam", 1e-3, 128),
        Recipe("jax_", "schedule_free", 1e-2, 128, centred=True),
        Recipe("jax_", "schedule_free", 1e-2, 128, centred=True, half=True),
        Recipe("jax_", "muon", 2e-2, 512, centred=True),
        Recipe("scikit", "adam", 1e-3, 200),
        Recipe("scikit", "fast_adam", 2e-3, 512, centred=True),
        Recipe("scikit", "sgd", 1e-1, 128, centred=True),
    )
}
