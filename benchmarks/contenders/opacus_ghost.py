"""Opacus by its fast road (ghost norms), which never writes a gradient out."""

from collections.abc import Callable

import numpy as np
import torch
from opacus.grad_sample import GradSampleModuleFastGradientClipping

from benchmarks.contenders.torch_eager import COST, network, prepare
from benchmarks.workloads import Problem

__all__ = ["norms"]


def norms(problem: Problem, threads: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The norms that its hooks leave after a backward pass."""
    prepare(threads)
    net = GradSampleModuleFastGradientClipping(network(problem), loss_reduction="sum", use_ghost_clipping=True)
    cost = COST[problem.workload.head]

    def found(X: np.ndarray, T: np.ndarray) -> np.ndarray:
        net.zero_grad()
        cost(net(torch.from_numpy(X)), torch.from_numpy(T).long()).backward()
        return net.get_norm_sample().detach().numpy()

    return found
