"""JAX: one jitted scan over the updates of a call, with the gather inside."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.workloads import BETA1, BETA2, CLIP, DROPPED, EPS, L2, Problem, Workload

__all__ = ["Training", "norms", "outputs", "predictor"]

Parameters = list[tuple[jax.Array, jax.Array]]
SIGMA = {"sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh, "relu": jax.nn.relu}


def last_Z(w: Workload, parameters: Parameters, X: jax.Array, key: jax.Array | None = None) -> jax.Array:
    """Z^L; with a key neurons are dropped."""
    for k, (W, b) in enumerate(parameters[:-1]):
        X = SIGMA[w.hidden](X @ W + b)
        if key is not None:
            kept = jax.random.bernoulli(jax.random.fold_in(key, k), 1 - DROPPED, X.shape)
            X = jnp.where(kept, X / (1 - DROPPED), 0)
    W, b = parameters[-1]
    return X @ W + b


def total_cost(
    w: Workload, parameters: Parameters, X: jax.Array, T: jax.Array, key: jax.Array | None = None
) -> jax.Array:
    """The sum of C_x over the rows."""
    Z = last_Z(w, parameters, X, key)
    if w.head == "softmax":
        return -jnp.sum(jnp.take_along_axis(jax.nn.log_softmax(Z), T[:, None], axis=1))
    if w.head == "sigmoid_binary":
        return jnp.sum(jax.nn.softplus(Z) - T * Z)
    return 0.5 * jnp.sum(((jax.nn.sigmoid(Z) if w.head == "sigmoid_quadratic" else Z) - T) ** 2)


def gradient(w: Workload, parameters: Parameters, X: jax.Array, T: jax.Array, t: jax.Array) -> Any:
    """What the rule gets."""
    key = jax.random.fold_in(jax.random.key(0), t.astype(jnp.int32)) if w.feature == "dropout" else None
    g = jax.grad(lambda p: total_cost(w, p, X, T, key) / w.batch)(parameters)
    if w.feature == "L2":
        return [(dW + L2 * W, db) for (dW, db), (W, _) in zip(g, parameters, strict=True)]
    if w.feature == "clip":
        length = jnp.sqrt(sum(jnp.vdot(part, part) for part in jax.tree.leaves(g)))
        return jax.tree.map(lambda part: part * jnp.minimum(1, CLIP / length), g)
    return g


def updated(w: Workload, parameters: Any, g: Any, slots: Any, t: jax.Array) -> tuple[Any, Any]:
    """Parameters and slots after one update; t from 1."""
    each = jax.tree.map
    if w.optimizer == "adam":
        m = each(lambda m, g: BETA1 * m + (1 - BETA1) * g, slots[0], g)
        v = each(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, slots[1], g)
        a, b = 1 / (1 - BETA1**t), 1 / (1 - BETA2**t)
        return each(lambda p, m, v: p - w.rate * (m * a) / (jnp.sqrt(v * b) + EPS), parameters, m, v), (m, v)
    if w.optimizer == "momentum":
        (v,) = slots
        v = each(lambda v, g: 0.9 * v - w.rate * g, v, g)
        return each(jnp.add, parameters, v), (v,)
    return each(lambda p, g: p - w.rate * g, parameters, g), slots


@partial(jax.jit, static_argnums=0, donate_argnums=1)
def scan(w: Workload, state: Any, X: jax.Array, T: jax.Array, order: jax.Array) -> Any:
    """The state after one update for each row of `order` (updates, batch)."""

    def step(state: Any, rows: jax.Array) -> tuple[Any, None]:
        parameters, slots, t = state
        g = gradient(w, parameters, X[rows], T[rows], t)
        return (*updated(w, parameters, g, slots, t + 1), t + 1), None

    return jax.lax.scan(step, state, order)[0]


class Training:
    """The state of the scan, and the data on the device."""

    whole = True

    def __init__(self, problem: Problem, threads: int) -> None:
        self._problem = problem
        self._X, self._T = jnp.asarray(problem.X), jnp.asarray(problem.T)
        self.reset()

    def reset(self) -> None:
        count = {"adam": 2, "momentum": 1, "sgd": 0}[self._problem.workload.optimizer]
        parameters = _parameters(self._problem)
        slots = tuple(jax.tree.map(jnp.zeros_like, parameters) for _ in range(count))
        self._state = (parameters, slots, jnp.zeros((), jnp.float32))

    def steps(self, order: np.ndarray) -> None:
        w = self._problem.workload
        rows = order.astype(np.int32).reshape(-1, w.batch)
        self._state = jax.block_until_ready(scan(w, self._state, self._X, self._T, rows))

    def theta(self) -> np.ndarray:
        return np.concatenate([np.asarray(part).ravel() for layer in self._state[0] for part in layer])


def _parameters(problem: Problem) -> Parameters:
    return [(jnp.array(W), jnp.array(b)) for W, b in problem.views(problem.theta)]


def predictor(problem: Problem, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """A jitted function of one row, its weights constants in the program."""
    return outputs(problem, threads)


def outputs(problem: Problem, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """A jitted function of rows, its weights constants in the program."""
    w, parameters = problem.workload, _parameters(problem)
    output = {"sigmoid": jax.nn.sigmoid, "softmax": jax.nn.softmax, "identity": lambda Z: Z}[w.head.split("_")[0]]
    predict = jax.jit(lambda x: output(last_Z(w, parameters, x)))
    return lambda x: np.asarray(predict(x))


def norms(problem: Problem, threads: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """vmap of grad, jitted."""
    w, parameters = problem.workload, _parameters(problem)
    of_one = jax.grad(lambda p, x, t: total_cost(w, p, x[None], t[None]))

    @jax.jit
    def found(X: jax.Array, T: jax.Array) -> jax.Array:
        grads = jax.vmap(of_one, in_axes=(None, 0, 0))(parameters, X, T)
        return jnp.sqrt(sum(jnp.sum(g.reshape(len(X), -1) ** 2, axis=1) for g in jax.tree.leaves(grads)))

    return lambda X, T: np.asarray(found(X, T))
