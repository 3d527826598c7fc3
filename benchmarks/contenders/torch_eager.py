"""PyTorch eager, with its fused optimizers and in its own layout: what a user writes."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import nn
from torch.nn import functional

from benchmarks.workloads import BETA1, BETA2, CLIP, DROPPED, EPS, L2, Problem, Workload

__all__ = ["COST", "Training", "network", "norms", "outputs", "peak", "predictor", "prepare"]

SIGMA = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}
COST = {  # of the outputs before softmax or the canonical sigmoid, summed over the batch
    "sigmoid_quadratic": lambda A, T: 0.5 * functional.mse_loss(A, T, reduction="sum"),
    "softmax": lambda Z, T: functional.cross_entropy(Z, T, reduction="sum"),
    "sigmoid_binary": lambda Z, T: functional.binary_cross_entropy_with_logits(Z, T, reduction="sum"),
    "identity": lambda A, T: 0.5 * functional.mse_loss(A, T, reduction="sum"),
}


def prepare(threads: int) -> None:
    """Use so many threads."""
    torch.set_num_threads(threads)


class Bag(nn.Module):
    """The first layer for sparse rows: a sum of the rows of W, (n_1, n_2), that they need."""

    def __init__(self, W: np.ndarray, b: np.ndarray) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.from_numpy(W.copy())), nn.Parameter(torch.from_numpy(b.copy()))

    def forward(self, X: csr_array) -> torch.Tensor:
        places, offsets, values = map(torch.from_numpy, (X.indices, X.indptr[:-1], X.data))
        sums = functional.embedding_bag(places, self.weight, offsets, mode="sum", per_sample_weights=values)
        return sums + self.bias


def network(problem: Problem) -> nn.Sequential:
    """The net up to what its cost takes, with the problem's weights."""
    w, parts = problem.workload, []
    for k, (W, b) in enumerate(problem.views(problem.theta)):
        linear = Bag(W, b) if k == 0 and w.density < 1 else _linear(W, b)
        parts += [linear, SIGMA[w.hidden]()] if k < len(w.layers) - 1 else [linear]
        if w.feature == "dropout" and k < len(w.layers) - 1:
            parts.append(nn.Dropout(DROPPED))
    return nn.Sequential(*parts, nn.Sigmoid()) if w.head == "sigmoid_quadratic" else nn.Sequential(*parts)


def _linear(W: np.ndarray, b: np.ndarray) -> nn.Linear:
    linear = nn.Linear(*W.shape)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(W.T.copy()))
        linear.bias.copy_(torch.from_numpy(b.copy()))
    return linear


def optimizer(w: Workload, net: nn.Module) -> torch.optim.Optimizer:
    """The fused rule."""
    each = list(net.parameters())
    decay = L2 if w.feature == "L2" else 0.0
    groups = [{"params": each[::2], "weight_decay": decay}, {"params": each[1::2]}]
    if w.optimizer == "adam":
        return torch.optim.Adam(groups, lr=w.rate, betas=(BETA1, BETA2), eps=EPS, fused=True)
    return torch.optim.SGD(groups, lr=w.rate, momentum=0.9 if w.optimizer == "momentum" else 0.0, fused=True)


class Training:
    """Gather, forward, autograd, fused update."""

    whole = False

    def __init__(self, problem: Problem, threads: int) -> None:
        prepare(threads)
        self._problem = problem
        self._X = torch.from_numpy(problem.X)
        self._entries = csr_array(problem.X) if problem.workload.density < 1 else None
        T = torch.from_numpy(problem.T)
        self._T = T.long() if T.ndim == 1 else T
        self.reset()

    def reset(self) -> None:
        self._net = network(self._problem)
        self._optimizer = optimizer(self._problem.workload, self._net)

    def steps(self, order: np.ndarray) -> None:
        w, cost = self._problem.workload, COST[self._problem.workload.head]
        for rows in torch.from_numpy(order).view(-1, w.batch).unbind():
            self._optimizer.zero_grad()
            (cost(self._net(self._rows(rows)), self._T[rows]) / w.batch).backward()
            if w.feature == "clip":
                nn.utils.clip_grad_norm_(self._net.parameters(), CLIP)
            self._optimizer.step()

    def _rows(self, rows: torch.Tensor) -> torch.Tensor | csr_array:
        return self._X[rows] if self._entries is None else self._entries[rows.numpy()]

    def theta(self) -> np.ndarray:
        layers = [part for part in self._net if isinstance(part, nn.Linear | Bag)]
        weights = [part.weight if isinstance(part, Bag) else part.weight.T for part in layers]
        parts = [p.detach().numpy() for W, part in zip(weights, layers, strict=True) for p in (W, part.bias)]
        return np.concatenate([part.ravel() for part in parts])


def predictor(problem: Problem, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """One row in inference mode."""
    return outputs(problem, threads)


def outputs(problem: Problem, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """Rows in inference mode."""
    prepare(threads)
    net = network(problem)
    if problem.workload.head == "softmax":
        net.append(nn.Softmax(dim=-1))
    net.eval()

    @torch.inference_mode()
    def predict(x: np.ndarray) -> np.ndarray:
        return net(torch.from_numpy(x)).numpy()

    return predict


def norms(problem: Problem, threads: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """vmap of grad."""
    prepare(threads)
    net, cost = network(problem), COST[problem.workload.head]
    parameters = {name: p.detach() for name, p in net.named_parameters()}

    def of_one(parameters: dict[str, torch.Tensor], x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return cost(torch.func.functional_call(net, parameters, x[None]), t[None])

    of_all = torch.func.vmap(torch.func.grad(of_one), in_dims=(None, 0, 0))

    def found(X: np.ndarray, T: np.ndarray) -> np.ndarray:
        grads = of_all(parameters, torch.from_numpy(X), torch.from_numpy(T).long())
        return sum(g.flatten(1).square().sum(1) for g in grads.values()).sqrt().numpy()

    return found


def peak(threads: int) -> Callable[[], object]:
    """A product of 1024 × 1024 by torch.mm."""
    prepare(threads)
    A, B, C = (torch.ones(1024, 1024) for _ in range(3))
    return lambda: torch.mm(A, B, out=C)
