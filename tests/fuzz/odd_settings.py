"""Calls of every public function with settings of odd types, and data of odd shapes."""

import datetime
import decimal
import fractions
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.optimizers import OPTIMIZERS
from chainrule.schedules import SCHEDULES

X = [[k / 8 - 1, float(k % 3)] for k in range(16)]
T = [[x * x - y] for x, y in X]
TABLE = {"a": [x for x, _ in X], "b": [y for _, y in X], "y": [t for (t,) in T]}


class OddText(str):
    """Text of a class of its own."""


class OddNumber(int):
    """A number of a class of its own."""


class Unprintable:
    """An object whose text has many lines."""

    def __repr__(self) -> str:
        return "a\nb" * 500


def _in_itself() -> list[Any]:
    inner: list[Any] = []
    inner.append(inner)
    return inner


def _deep(levels: int) -> Any:
    value: Any = 1.0
    for _ in range(levels):
        value = [value]
    return value


def _itself_by_name() -> dict[str, Any]:
    inner: dict[str, Any] = {}
    inner["name"] = inner
    return inner


def odd_values() -> list[Any]:
    """Values that somebody might set, most of them by mistake."""
    return [
        None, True, False, np.bool_(True), -1, 0, 1, 2, 3, 2**31, 2**62, 2**63, 2**64, 10**30, 10**400, -(10**400),
        -0.5, 0.5, 1.5, 1.0, float("nan"), float("inf"), -float("inf"), 1e300, 1e-320, 1j,
        np.float32(0.5), np.float64("nan"), np.int64(5), np.uint8(3), np.longdouble(2), np.datetime64("2024"),
        np.timedelta64(3, "s"), decimal.Decimal("0.5"), fractions.Fraction(1, 2), OddNumber(3), OddText("adam"),
        "", "auto", "none", "adam", "softmax", "balanced", "cost", "a", "y", "\n", "x" * 5000, "\ud800", b"adam",
        [], (), {}, set(), frozenset({1}), [1, 2], (0.5,), ["a"], [None], [[]], [[1], [1, 2]], [0.5, "a"], [2**63],
        {"name": "sgd"}, {"name": "sgd", "learning_rate": "fast"}, {"name": 3}, {1: 2}, {"y": {"a": 1}}, {"a": None},
        _in_itself(), _deep(100), _deep(5), _itself_by_name(), range(2), iter([1]), (k for k in [1]), slice(2), ...,
        NotImplemented, object(), Unprintable(), int, cr.SGD, cr.Adam(), cr.Clip(norm=1), cr.Cosine(), cr.Network,
        lambda: 1, lambda a: a, lambda a, b, c, d: 1, lambda *a: "x", lambda *a: None, print, np.tanh, len,
        np.array(1), np.array([1.0, 2.0]), np.array([[1, 2]]), np.array([]), np.array(["a"]), np.array([None]),
        np.zeros((2, 3)), np.zeros(3, [("a", "f8")]), np.random.RandomState(0), np.random.default_rng(0),
        Path("a"), datetime.date(2024, 1, 1), datetime.timedelta(1), memoryview(b"a"), Exception("a"),
    ]  # fmt: skip


def _net() -> cr.Network:
    return cr.Network([2, 3, 1], output="identity", seed=0)


def _stop(_: Any) -> bool:
    return True


def _fit(**settings: Any) -> Any:
    given = {"epochs": 1, "validation": (X, T), "X": X, "T": T, "cancel": _after(3)} | settings
    return cr.fit(given.pop("net", _net()), given.pop("X"), given.pop("T"), **given)


def _after(calls: int) -> Callable[[], bool]:
    left = iter(range(calls))
    return lambda: next(left, None) is None


def _train_table(**settings: Any) -> Any:
    given = {"source": TABLE, "target": "y", "epochs": 1, "hidden": 2, "cancel": _after(9)} | settings
    return cr.train_table(given.pop("source"), given.pop("target"), **given)


def _estimator(kind: Any, y: Any) -> Callable[..., Any]:
    def call(**settings: Any) -> Any:
        given = {"hidden_layer_sizes": 2, "max_iter": 1, "callback": _stop} | settings
        rows = given.pop("X", X), given.pop("y", y), given.pop("sample_weight", None)
        return kind(**given).fit(*rows).predict(X[:2])

    return call


def _minimize(**settings: Any) -> Any:
    given = {"f": lambda v: ((v - 1) ** 2).sum(), "v0": [0.0, 2.0], "cancel": _after(5)} | settings
    return cr.minimize(given.pop("f"), given.pop("v0"), **given)


def _network(**settings: Any) -> Any:
    return cr.Network(**({"sizes": [2, 3, 1]} | settings))


def _cost(**settings: Any) -> Any:
    net = _net()
    return net.cost(**({"X": X, "T": T} | settings)), net.gradient(**({"X": X, "T": T} | settings))


def _predict(**settings: Any) -> Any:
    return _net().predict(**({"X": X} | settings))


def _checkpoint(**settings: Any) -> Any:
    return cr.Checkpoint(**({"path": "/nowhere/at-all"} | settings))


ENTRIES = [*OPTIMIZERS.classes(), cr.Clip, *SCHEDULES.classes()]


def _names(function: Any, *without: str) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [p.name for p in parameters if p.kind not in kinds and p.name not in without]


CLASSES = ["no" if t < 0 else "yes" for (t,) in T]
ESTIMATOR = ("X", "y", "sample_weight")
CALLS: dict[str, tuple[Callable[..., Any], list[str]]] = {
    "fit": (_fit, _names(cr.train, "state")),
    "train_table": (_train_table, _names(cr.train_table, "cache", "source", "progress")),
    "MLPClassifier": (_estimator(cr.MLPClassifier, CLASSES), [*_names(cr.MLPClassifier), *ESTIMATOR]),
    "MLPRegressor": (_estimator(cr.MLPRegressor, [t for (t,) in T]), [*_names(cr.MLPRegressor), *ESTIMATOR]),
    "minimize": (_minimize, _names(cr.minimize, "f")),
    "Network": (_network, _names(cr.Network)),
    "cost": (_cost, _names(_net().cost)),
    "predict": (_predict, _names(_net().predict)),
    "Checkpoint": (_checkpoint, _names(cr.Checkpoint)),
    **{kind.__name__: (lambda kind=kind, **settings: kind(**settings), _names(kind)) for kind in ENTRIES},
}


def draw(rng: np.random.Generator) -> tuple[str, dict[str, Any]]:
    """The name of a call, and one or two odd settings for it."""
    names = [name for name, (_, settings) in CALLS.items() for _ in settings]  # the more settings, the oftener
    name = names[rng.integers(len(names))]
    settings = CALLS[name][1]
    values = odd_values()
    chosen = rng.choice(settings, size=min(len(settings), 1 + int(rng.random() < 0.3)), replace=False)
    return name, {str(setting): values[rng.integers(len(values))] for setting in chosen}


def every_pair() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every setting of every call with every odd value."""
    for name, (_, settings) in CALLS.items():
        for setting in settings:
            for k in range(len(odd_values())):
                yield name, {setting: odd_values()[k]}
