"""BackPACK's BatchL2Grad: squared norms of the examples' gradients from the backward pass."""

from collections.abc import Callable

import numpy as np
import torch
from backpack import backpack, extend
from backpack.extensions import BatchL2Grad
from torch import nn

from benchmarks.contenders.torch_eager import network, prepare
from benchmarks.workloads import Problem

__all__ = ["norms"]


def norms(problem: Problem, threads: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The root of the sum of batch_l2 over all parameters."""
    prepare(threads)
    net, cost = extend(network(problem)), extend(nn.CrossEntropyLoss(reduction="sum"))

    def found(X: np.ndarray, T: np.ndarray) -> np.ndarray:
        net.zero_grad()
        with backpack(BatchL2Grad()):
            cost(net(torch.from_numpy(X)), torch.from_numpy(T).long()).backward()
        return sum(p.batch_l2 for p in net.parameters()).sqrt().numpy()

    return found
