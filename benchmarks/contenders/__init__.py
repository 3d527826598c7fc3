"""The contenders: one module each, imported only in the process that runs it.

A module offers what its entry in CONTENDERS says:

    train    Training(problem, threads): `steps(order)` makes the updates, `reset()` starts over, `theta()` tells
             where it is; `whole` if only calls of one length are fast (they are compiled for it)
    row      predictor(problem, threads): a function of one row (n_1,)
    rows     outputs(problem, threads): a function of X (n, n_1)
    norms    norms(problem, threads): a function of (X, T), the length of each example's gradient
    peak     peak(threads): a function that multiplies two float32 matrices of 1024 × 1024

    fit      fit(problem, threads): a function that trains for one epoch by the library's own loop

`needs` are the distributions without which it is left out; those that are not `quick` are left out by `--quick`.
"""

import dataclasses
import importlib.metadata
from typing import Protocol

import numpy as np

from benchmarks.workloads import Workload

__all__ = ["CONTENDERS", "OWN", "Contender", "Training", "missing"]

OWN = "chainrule"


@dataclasses.dataclass(frozen=True)
class Contender:
    """Where a contender is, what it can do, what it needs."""

    module: str
    title: str
    kinds: tuple[str, ...]
    needs: tuple[str, ...] = ()
    quick: bool = True
    features: tuple[str, ...] = ()  # of a workload that it can train
    sparse: bool = True  # whether it is asked to train on sparse rows
    layers: int = 1000  # of the deepest network that it is asked to train

    def takes(self, w: Workload, kind: str) -> bool:
        """Whether it can do a task of this kind with the workload."""
        fits = len(w.sizes) <= self.layers and (self.sparse or w.density == 1)
        return kind in self.kinds and w.feature in ("", *self.features) and fits


FEATURES = ("L2", "clip", "dropout")
CONTENDERS = {
    OWN: Contender("own", "chainrule", ("train", "row", "rows", "norms", "fit"), features=(*FEATURES, "bf16")),
    "numpy": Contender("numpy_in_place", "NumPy in place", ("train", "row", "norms", "peak"), sparse=False),
    "jax": Contender("jax_scan", "JAX, one scan", ("train", "row", "rows", "norms"), ("jax",), features=FEATURES),
    "compiled": Contender(  # it compiles for half a minute where there are many layers
        "torch_compiled", "torch.compile", ("train", "norms"), ("torch",), False, FEATURES, sparse=False, layers=10
    ),
    "torch": Contender(
        "torch_eager", "PyTorch eager", ("train", "row", "rows", "norms", "peak"), ("torch",), features=FEATURES
    ),
    "sklearn": Contender("scikit", "scikit-learn", ("train", "row", "rows")),
    "onnxruntime": Contender("onnx_session", "onnxruntime", ("row", "rows"), ("onnx", "onnxruntime")),
    "opacus": Contender("opacus_ghost", "Opacus", ("norms",), ("torch", "opacus")),
    "backpack": Contender("backpack_l2", "BackPACK", ("norms",), ("torch", "backpack-for-pytorch")),
}


def missing(name: str) -> list[str]:
    """The distributions that a contender needs and that are not installed."""
    found = []
    for need in CONTENDERS[name].needs:
        try:
            importlib.metadata.version(need)
        except importlib.metadata.PackageNotFoundError:
            found.append(need)
    return found


class Training(Protocol):
    """A run of one contender."""

    whole: bool

    def reset(self) -> None:
        """Back to the first weights, slots at 0, no update made."""

    def steps(self, order: np.ndarray) -> None:
        """One update for each batch of `order` (updates * batch,)."""

    def theta(self) -> np.ndarray:
        """The parameters, flat."""
