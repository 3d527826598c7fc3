"""Small sets of points in a plane, and the digits: data to watch a network learn without a file of one's own.

The points lie in the square from -1 to 1. Each set is a function of the number of rows, the noise and the seed, with
the same bits on every machine of one kind; `noise` is the standard deviation of what is added to the coordinates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.fields import Number, Whole
from chainrule.random import Purpose, as_seed, normal, raw_words, uniform
from chainrule.text import shown

__all__ = ["FEATURES", "SETS", "PlaygroundSet", "features_of", "make"]

MOST_ROWS = 5000

_ROWS, _NOISE = Whole(4), Number(0, 1)


class PlaygroundSet(NamedTuple):
    """Rows to learn.

    - X: inputs, (n, n_1).
    - T: 0 or 1 for each row (n, 1), a number for each row (n, 1), or the number of a class (n,).
    - names: of the inputs.
    - outputs: what the outputs are called.
    """

    X: Array
    T: Array
    names: list[str]
    outputs: list[str]


def _circles(u: Array) -> tuple[Array, Array]:
    inside = np.arange(len(u)) % 2 == 0
    radius = np.where(inside, 0.5 * np.sqrt(u[:, 0]), 0.7 + 0.3 * u[:, 0])
    angle = 2 * np.pi * u[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), inside


def _xor(u: Array) -> tuple[Array, Array]:
    P = 2 * u - 1
    P += 0.06 * np.sign(P)
    return P, P[:, 0] * P[:, 1] > 0


def _gauss(u: Array) -> tuple[Array, Array]:
    first = np.arange(len(u)) % 2 == 0
    spread = 0.18 * np.sqrt(-2 * np.log1p(-u[:, 0])), 2 * np.pi * u[:, 1]
    P = np.stack([spread[0] * np.cos(spread[1]), spread[0] * np.sin(spread[1])], axis=1)
    return P + np.where(first, 0.4, -0.4)[:, None], first


def _spirals(u: Array) -> tuple[Array, Array]:
    first = np.arange(len(u)) % 2 == 0
    t = (np.arange(len(u)) // 2) / max(len(u) // 2, 1)
    angle = 3.5 * np.pi * t + np.where(first, 0, np.pi)
    return np.stack([t * np.sin(angle), t * np.cos(angle)], axis=1), first


def _plane(u: Array) -> tuple[Array, Array]:
    P = 2 * u - 1
    return P, (P[:, 0] + P[:, 1]) / 2


SETS: dict[str, Callable[[Array], tuple[Array, Array]] | None] = {
    "circles": _circles,
    "xor": _xor,
    "gauss": _gauss,
    "spirals": _spirals,
    "plane": _plane,
    "digits": None,
}

FEATURES: dict[str, Callable[[Array], Array]] = {
    "x1": lambda P: P[:, 0],
    "x2": lambda P: P[:, 1],
    "x1²": lambda P: P[:, 0] ** 2,
    "x2²": lambda P: P[:, 1] ** 2,
    "x1·x2": lambda P: P[:, 0] * P[:, 1],
    "sin(πx1)": lambda P: np.sin(np.pi * P[:, 0]),
    "sin(πx2)": lambda P: np.sin(np.pi * P[:, 1]),
}


def features_of(P: Array, names: Sequence[str]) -> Array:
    """The inputs (n, n_1) of points P (n, 2): the coordinates, or functions of them by their names.

    >>> features_of(np.array([[1.0, 2.0]]), ["x2", "x1·x2"])
    array([[2., 2.]])

    Raises SettingError for a name that is not in FEATURES, and for none.
    """
    known = isinstance(names, list | tuple) and all(isinstance(name, str) and name in FEATURES for name in names)
    if not known or not names or len(set(names)) < len(names):
        raise SettingError(f"features are {shown(names)}, but must be some of {', '.join(FEATURES)}, each once")
    return np.stack([FEATURES[name](P) for name in names], axis=1)


def make(
    name: str, rows: int = 400, noise: float = 0.0, seed: int = 0, features: Sequence[str] = ("x1", "x2")
) -> PlaygroundSet:
    """The rows of a set.

    - name: "circles", "xor", "gauss", "spirals", "plane", or "digits": the 1,797 images of scikit-learn, as they are.
    - rows: how many.
    - noise: the standard deviation of what is added to each coordinate, from 0 to 1.
    - seed: fixes places and noise.
    - features: the inputs, functions of the coordinates.

    >>> circles = make("circles", rows=6)
    >>> circles.X.shape, circles.T.ravel().tolist(), circles.names
    ((6, 2), [1.0, 0.0, 1.0, 0.0, 1.0, 0.0], ['x1', 'x2'])

    Raises SettingError for an unknown name, and for rows, noise, seed or features that are not allowed.
    """
    if not isinstance(name, str) or name not in SETS:
        raise SettingError(f"there is no set {shown(name)}: choose from {', '.join(SETS)}")
    rows, noise, seed = _ROWS.clean("rows", rows), _NOISE.clean("noise", noise), as_seed(seed)
    if rows > MOST_ROWS:
        raise SettingError(f"rows is {rows:,}, but must be at most {MOST_ROWS:,}")
    places = SETS[name]
    if places is None:
        return _digits()
    P, truth = places(uniform(raw_words(seed, Purpose.PLAYGROUND, 0, 2 * rows)).reshape(rows, 2))
    P = P + noise * normal(raw_words(seed, Purpose.PLAYGROUND, 1, 2 * rows)).reshape(rows, 2)
    outputs = ["height"] if name == "plane" else ["inside" if name == "circles" else "class 1"]
    return PlaygroundSet(features_of(P, features), truth.astype(np.float64)[:, None], list(features), outputs)


def _digits() -> PlaygroundSet:
    from sklearn.datasets import load_digits

    digits: Any = load_digits()
    X, T = digits.data / 16.0, digits.target.astype(np.int32)
    return PlaygroundSet(X, T, list(digits.feature_names), [str(number) for number in range(10)])
