"""Files of every kind that is served, and clients of their applications."""

import csv
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr

pytest.importorskip("starlette", reason="starlette is not installed: pip install 'chainrule[serve]'")
pytest.importorskip("uvicorn", reason="uvicorn is not installed: pip install 'chainrule[serve]'")

from starlette.testclient import TestClient

from chainrule.cli.answers import answering
from chainrule.serve.app import application
from chainrule.serve.descriptions import About

N = 60
TABLE: dict[str, list[Any]] = {
    "a": [None if k % 11 == 0 else k / 7 for k in range(N)],
    "wide": [10.0 ** (k % 7) for k in range(N)],
    "price": [f"1,{k:03d}.50 EUR" for k in range(N)],
    "colour": [("red", "blue", None)[k % 3] for k in range(N)],
    "day": [f"2020-{1 + k % 12:02d}-{1 + k % 28:02d}" for k in range(N)],
    "clock": [f"{k % 24:02d}:{k:02d}" for k in range(N)],
    "note": [f"written {k}" if k % 2 else None for k in range(N)],
}
TARGETS: dict[str, list[Any]] = {
    "answer": ["yes" if k % 3 else "no" for k in range(N)],
    "size": [k * 1.5 + 1 for k in range(N)],
}
X = np.sin(np.arange(2.0 * N)).reshape(N, 2)


def _fitted(kind: Any, rows: Any, y: Any, **settings: Any) -> Any:
    few = {"hidden_layer_sizes": (3,), "max_iter": 2, "batch_size": 20, "random_state": 0}
    return kind(**(few | settings)).fit(rows, y)


def _made() -> dict[str, Any]:
    few: dict[str, Any] = {"hidden": (3,), "epochs": 2, "members": 1, "seed": 0}
    yes = np.where(X[:, 0] > 0, "yes", "no")
    frame = {name: TABLE[name] for name in ("a", "colour")}
    return {
        "model": cr.train_table(TABLE | {"answer": TARGETS["answer"]}, "answer", **few),
        "two": cr.train_table(TABLE | TARGETS, ["answer", "size"], **few),
        "numbers": cr.train_table(TABLE | {"size": TARGETS["size"]}, "size", dtype="float64", **few),
        "classifier": _fitted(cr.MLPClassifier, X, yes),
        "labels": _fitted(cr.MLPClassifier, X, (X > 0).astype(int)),
        "outputs": _fitted(cr.MLPClassifier, X, np.stack([yes, np.arange(N).astype(str)[np.arange(N) % 3]], axis=1)),
        "regressor": _fitted(cr.MLPRegressor, X, X[:, 0] * 2),
        "tabular": _fitted(cr.MLPClassifier, frame, yes, preset="tabular"),
        "network": cr.Network([2, 3, 2], output="identity", seed=1),
    }


@pytest.fixture(scope="session")
def made() -> dict[str, Any]:
    """One of everything that is served, by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _made()


@pytest.fixture(scope="session")
def folder(made: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of each, `t.csv` with the table of the models and `x.csv` with that of the others."""
    folder = tmp_path_factory.mktemp("served")
    for name, thing in made.items():
        cr.save(thing, folder / name)
    for name, columns in {"t.csv": TABLE, "x.csv": {"p": X[:, 0], "q": X[:, 1]}}.items():
        with (folder / name).open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerows([[*columns], *zip(*columns.values(), strict=True)])
    return folder


@pytest.fixture(scope="session")
def client_of(folder: Path) -> Iterator[Callable[..., TestClient]]:
    """Clients of the application of a file, by its name, with other arguments of `application`."""
    clients: dict[str, TestClient] = {}

    def client_of(name: str, **more: Any) -> TestClient:
        key = f"{name} {more}"
        if key not in clients:
            service = application(answering(folder / name), About(name, "d1gest"), **more)
            local = {"base_url": "http://127.0.0.1:8000", "raise_server_exceptions": False}
            clients[key] = TestClient(service.app, **local)
            clients[key].__enter__()
        return clients[key]

    yield client_of
    for client in clients.values():
        client.__exit__(None, None, None)


@pytest.fixture(scope="session")
def client(client_of: Callable[..., TestClient]) -> TestClient:
    """A client of the model."""
    return client_of("model")
