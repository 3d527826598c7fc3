"""What every contender must compute: the equations in float64 NumPy, one line each, sharing no code with anyone."""

import numpy as np

from benchmarks.workloads import BETA1, BETA2, CLIP, EPS, L2, Problem

__all__ = ["CHECKED", "deviation", "norms", "predict", "train"]

CHECKED = 4  # updates that are compared before anything is timed


def train(problem: Problem, order: np.ndarray) -> np.ndarray:
    """theta, float64, after the updates that `order` (updates * batch,) asks for."""
    w, theta = problem.workload, problem.theta.astype(np.float64)
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    for t, rows in enumerate(order.reshape(-1, w.batch), start=1):
        g = _with_feature(problem, theta, gradient(problem, theta, rows))
        if w.optimizer == "adam":
            m, v = BETA1 * m + (1 - BETA1) * g, BETA2 * v + (1 - BETA2) * g**2
            theta = theta - w.rate * (m / (1 - BETA1**t)) / (np.sqrt(v / (1 - BETA2**t)) + EPS)
        else:
            v = (0.9 if w.optimizer == "momentum" else 0.0) * v - w.rate * g
            theta = theta + v
    return theta


def _with_feature(problem: Problem, theta: np.ndarray, g: np.ndarray) -> np.ndarray:
    """The gradient that the rule gets: with that of the penalty, or cut to a length."""
    if problem.workload.feature == "L2":
        for (W, _), (dW, _) in zip(problem.views(theta), problem.views(g), strict=True):
            dW[...] += L2 * W
    return g * min(1.0, CLIP / np.linalg.norm(g)) if problem.workload.feature == "clip" else g


def gradient(problem: Problem, theta: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """dC/dtheta of the mean of C_x over the rows: BP3 and BP4."""
    A, delta = _passes(problem, theta, rows)
    parts = [part for a, d in zip(A, delta, strict=True) for part in ((a.T @ d).ravel(), d.sum(axis=0))]
    return np.concatenate(parts) / len(rows)


def norms(problem: Problem, rows: np.ndarray) -> np.ndarray:
    """‖dC_x/dtheta‖ of every example (m,), from its gradient written out."""
    A, delta = _passes(problem, problem.theta.astype(np.float64), rows)
    squares = [np.einsum("mi,mj->mij", a, d).reshape(len(a), -1) for a, d in zip(A, delta, strict=True)]
    return np.sqrt(sum((s**2).sum(axis=1) for s in squares) + sum((d**2).sum(axis=1) for d in delta))


def predict(problem: Problem, X: np.ndarray) -> np.ndarray:
    """A^L, (m, n_L)."""
    return _forward(problem, problem.theta.astype(np.float64), X)[-1]


def _forward(problem: Problem, theta: np.ndarray, X: np.ndarray) -> list[np.ndarray]:
    w, A = problem.workload, [X.astype(np.float64)]
    for k, (W, b) in enumerate(problem.views(theta)):
        output = w.head.split("_")[0] if k == len(w.layers) - 1 else w.hidden
        A.append(SIGMA[output](A[-1] @ W + b))
    return A


def _passes(problem: Problem, theta: np.ndarray, rows: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """A^1..A^{L-1} and delta^2..delta^L: BP1 with the output's own slope, BP2."""
    w, A = problem.workload, _forward(problem, theta, problem.X[rows])
    T = problem.one_hot(rows, np.float64)
    delta = [(A[-1] - T) * (A[-1] * (1 - A[-1]) if w.head == "sigmoid_quadratic" else 1)]
    for a, (W, _) in zip(A[-2:0:-1], problem.views(theta)[:0:-1], strict=True):
        delta.insert(0, delta[0] @ W.T * SLOPE[w.hidden](a))
    return A[:-1], delta


def _softmax(Z: np.ndarray) -> np.ndarray:
    e = np.exp(Z - Z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


SIGMA = {
    "sigmoid": lambda Z: 1 / (1 + np.exp(-Z)),
    "tanh": np.tanh,
    "relu": lambda Z: np.maximum(Z, 0),
    "identity": lambda Z: Z,
    "softmax": _softmax,
}
SLOPE = {"sigmoid": lambda A: A * (1 - A), "tanh": lambda A: 1 - A**2, "relu": lambda A: A > 0}


def deviation(found: np.ndarray, true: np.ndarray, start: np.ndarray | float = 0.0) -> float:
    """‖found - true‖ / ‖true - start‖: the error as a share of what had to be computed; 1 if nothing was."""
    if found.shape != true.shape or not np.isfinite(found).all():
        return float("inf")
    return float(np.linalg.norm(found - true) / np.linalg.norm(true - start))
