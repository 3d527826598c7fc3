"""JAX: one jitted scan over the updates of a call, with the gather and the rule inside."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.accuracy.recipes import Recipe

__all__ = ["Training"]

each = jax.tree.map


def _product(A: jax.Array, B: jax.Array, half: bool) -> jax.Array:
    if not half:
        return A @ B
    return jnp.matmul(A.astype(jnp.bfloat16), B.astype(jnp.bfloat16), preferred_element_type=jnp.float32)


def _cost(layers: Any, X: jax.Array, y: jax.Array, half: bool) -> jax.Array:
    for W, b in layers[:-1]:
        X = jax.nn.relu(_product(X, W, half) + b)
    W, b = layers[-1]
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(_product(X, W, half) + b), y[:, None], axis=1))


def _orthogonal(M: jax.Array) -> jax.Array:
    X = M if M.shape[0] <= M.shape[1] else M.T
    X = X / (jnp.linalg.norm(X) + 1e-7)
    for _ in range(5):
        S = X @ X.T
        X = 3.4445 * X + (-4.7750 * S + 2.0315 * S @ S) @ X
    return X if M.shape[0] <= M.shape[1] else X.T


def _adam(p: Any, g: Any, m: Any, v: Any, t: Any, rate: float) -> tuple[Any, Any, Any]:
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
    return p - rate * m / (1 - 0.9**t) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v


def _muon(p: Any, g: Any, m: Any, v: Any, t: Any, rate: float) -> tuple[Any, Any, Any]:
    if p.ndim == 1 or p.shape[1] == 10:
        return _adam(p, g, m, v, t, 1e-3)
    m = 0.95 * m + g
    return p - rate * max(1, p.shape[1] / p.shape[0]) ** 0.5 * _orthogonal(0.95 * m + g), m, v


def _schedule_free(x: Any, g: Any, d: Any, v: Any, t: Any, rate: float) -> tuple[Any, Any, Any]:
    v = 0.999 * v + 0.001 * g * g
    e = d - rate * g / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return x + e / t, (1 - 1 / t) * e, v


RULES = {"adam": _adam, "muon": _muon, "schedule_free": _schedule_free}


@partial(jax.jit, static_argnums=0, donate_argnums=1)
def _scan(recipe: Recipe, state: Any, X: jax.Array, y: jax.Array, order: jax.Array) -> Any:
    def step(state: Any, rows: jax.Array) -> tuple[Any, None]:
        p, m, v, t = state
        at = each(lambda x, d: x + 0.1 * d, p, m) if recipe.rule == "schedule_free" else p
        g = jax.grad(_cost)(at, X[rows], y[rows], recipe.half)
        moved = each(lambda *a: RULES[recipe.rule](*a, t + 1, recipe.rate), p, g, m, v)
        split = jax.tree.transpose(jax.tree.structure(p), jax.tree.structure((0, 0, 0)), moved)
        return (*split, t + 1), None

    return jax.lax.scan(step, state, order)[0]


class Training:
    """The state of the scan, compiled before anything is timed."""

    def __init__(self, recipe: Recipe, X: np.ndarray, y: np.ndarray, layers: Any, threads: int) -> None:
        self._recipe, self._X, self._y = recipe, jnp.asarray(X), jnp.asarray(y)
        self._state = self._first(layers)
        order = np.zeros((6000 // recipe.batch, recipe.batch), np.int32)
        jax.block_until_ready(_scan(recipe, self._first(layers), self._X, self._y, order))

    def _first(self, layers: Any) -> Any:
        p, m, v = ([(jnp.array(W) * k, jnp.array(b) * k) for W, b in layers] for k in (1.0, 0.0, 0.0))
        return p, m, v, jnp.zeros((), jnp.float32)

    def train(self, order: np.ndarray) -> None:
        rows = order.astype(np.int32)
        self._state = jax.block_until_ready(_scan(self._recipe, self._state, self._X, self._y, rows))

    def layers(self) -> Any:
        return [(np.asarray(W), np.asarray(b)) for W, b in self._state[0]]
