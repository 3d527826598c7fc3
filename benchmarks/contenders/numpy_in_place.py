"""NumPy as its best users write it: every array allocated once, every result written in place."""

from collections.abc import Callable

import numpy as np

from benchmarks.workloads import BETA1, BETA2, EPS, Problem

__all__ = ["Training", "norms", "peak", "predictor"]


class Network:
    """Forward and backward of a batch of fixed size, in arrays of its own."""

    def __init__(self, problem: Problem) -> None:
        w = self._workload = problem.workload
        self.theta, self.g = problem.theta.copy(), np.empty_like(problem.theta)
        self._layers, self._gradients = problem.views(self.theta), problem.views(self.g)
        self.A = [np.empty((w.batch, n), np.float32) for n in w.sizes]
        self.delta = [np.empty_like(a) for a in self.A]
        self.T = np.empty((w.batch, w.sizes[-1]), np.float32)
        self._top = np.empty((w.batch, 1), np.float32)
        self._space = [np.empty_like(a) for a in self.A]
        self._every = np.arange(w.batch)

    def load(self, X: np.ndarray, T: np.ndarray, rows: np.ndarray) -> None:
        """Gather the batch; classes become rows of 0 and 1."""
        X.take(rows, axis=0, out=self.A[0], mode="clip")
        if T.ndim == 2:
            T.take(rows, axis=0, out=self.T, mode="clip")
        else:
            self.T.fill(0)
            self.T[self._every, T[rows]] = 1

    def forward(self) -> None:
        """A^l of every layer."""
        last = len(self._layers) - 1
        for k, (W, b) in enumerate(self._layers):
            Z = np.matmul(self.A[k], W, out=self.A[k + 1])
            Z += b
            self._activate(Z, self._workload.head.split("_")[0] if k == last else self._workload.hidden)

    def _activate(self, Z: np.ndarray, name: str) -> None:
        if name == "relu":
            np.maximum(Z, 0, out=Z)
        elif name == "tanh":
            np.tanh(Z, out=Z)
        elif name == "sigmoid":
            np.negative(Z, out=Z)
            np.exp(Z, out=Z)
            Z += 1
            np.reciprocal(Z, out=Z)
        elif name == "softmax":
            Z -= Z.max(axis=1, keepdims=True, out=self._top)
            np.exp(Z, out=Z)
            Z /= Z.sum(axis=1, keepdims=True, out=self._top)

    def backward(self) -> None:
        """delta^l of every layer, of the sum of C_x."""
        np.subtract(self.A[-1], self.T, out=self.delta[-1])
        if self._workload.head == "sigmoid_quadratic":
            self._times_slope(-1, "sigmoid")
        for k in range(len(self._layers) - 1, 0, -1):
            np.matmul(self.delta[k + 1], self._layers[k][0].T, out=self.delta[k])
            self._times_slope(k, self._workload.hidden)

    def _times_slope(self, k: int, name: str) -> None:
        A, slope, delta = self.A[k], self._space[k], self.delta[k]
        if name == "relu":
            np.greater(A, 0, out=slope)
        else:
            np.multiply(A, A, out=slope)
            np.subtract(A if name == "sigmoid" else 1, slope, out=slope)
        delta *= slope

    def gradient(self) -> None:
        """BP3 and BP4: g of the sum of C_x."""
        for k, (W, b) in enumerate(self._gradients):
            np.matmul(self.A[k].T, self.delta[k + 1], out=W)
            self.delta[k + 1].sum(axis=0, out=b)


class Training:
    """Gather, forward, backward and update, each written into arrays made once."""

    whole = False

    def __init__(self, problem: Problem, threads: int) -> None:
        self._problem, self._net = problem, Network(problem)
        self._m, self._v, self._space = (np.zeros_like(problem.theta) for _ in range(3))
        self._step = 0

    def reset(self) -> None:
        self._net.theta[...] = self._problem.theta
        self._m.fill(0)
        self._v.fill(0)
        self._step = 0

    def steps(self, order: np.ndarray) -> None:
        net, w = self._net, self._problem.workload
        update = self._adam if w.optimizer == "adam" else self._descend
        for rows in order.reshape(-1, w.batch):
            net.load(self._problem.X, self._problem.T, rows)
            net.forward()
            net.backward()
            net.gradient()
            net.g /= w.batch
            update(net.theta, net.g)

    def _descend(self, theta: np.ndarray, g: np.ndarray) -> None:
        w = self._problem.workload
        g *= w.rate
        if w.optimizer == "momentum":
            self._v *= 0.9
            self._v -= g
            theta += self._v
        else:
            theta -= g

    def _adam(self, theta: np.ndarray, g: np.ndarray) -> None:
        self._step += 1
        m, v, space = self._m, self._v, self._space
        m *= BETA1
        v *= BETA2
        np.multiply(g, g, out=space)
        space *= 1 - BETA2
        v += space
        g *= 1 - BETA1
        m += g
        root = np.sqrt(1 - BETA2**self._step)
        np.sqrt(v, out=space)
        space += EPS * root
        np.divide(m, space, out=space)
        space *= self._problem.workload.rate * root / (1 - BETA1**self._step)
        theta -= space

    def theta(self) -> np.ndarray:
        return self._net.theta.copy()


def predictor(problem: Problem, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """One row: vector times matrix."""
    w, layers = problem.workload, problem.views(problem.theta.copy())
    sigma = {
        "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
        "relu": lambda z: np.maximum(z, 0, out=z),
        "softmax": lambda z: (e := np.exp(z - z.max())) / e.sum(),
    }
    hidden, output = sigma[w.hidden], sigma[w.head.split("_")[0]]

    def predict(x: np.ndarray) -> np.ndarray:
        for W, b in layers[:-1]:
            z = x @ W
            z += b
            x = hidden(z)
        W, b = layers[-1]
        return output(x @ W + b)

    return predict


def norms(problem: Problem, threads: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """By the identity ‖a ⊗ delta‖² = ‖a‖² ‖delta‖²."""
    net = Network(problem)
    every = np.arange(problem.workload.batch)

    def found(X: np.ndarray, T: np.ndarray) -> np.ndarray:
        net.load(X, T, every)
        net.forward()
        net.backward()
        total = np.zeros(len(X), np.float32)
        for a, d in zip(net.A[:-1], net.delta[1:], strict=True):
            total += np.einsum("ij,ij->i", d, d) * (1 + np.einsum("ij,ij->i", a, a))
        return np.sqrt(total)

    return found


def peak(threads: int) -> Callable[[], object]:
    """A product of 1024 × 1024 by numpy.matmul."""
    A, B, C = (np.ones((1024, 1024), np.float32) for _ in range(3))
    return lambda: np.matmul(A, B, out=C)
