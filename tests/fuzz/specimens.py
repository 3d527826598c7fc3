"""Specimens: one small file of every kind that chainrule writes or reads, from which mutants are made."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
from tests.tables.sources.test_excel import workbook

import chainrule as cr

RNG = np.random.Generator(np.random.PCG64(11))
ROWS = 60
X = RNG.normal(size=(ROWS, 3))
NUMBER = X[:, 0] * 2 - X[:, 1]
CLASSES = np.array(["a", "b", "c"])[RNG.integers(3, size=ROWS)]
COLUMNS = {
    "size": X[:, 0].round(3).tolist(),
    "price": np.exp(4 * X[:, 1]).round(3).tolist(),
    "colour": np.array(["red", "green", "blue"])[RNG.integers(3, size=ROWS)].tolist(),
    "day": [f"2024-{1 + k % 12:02}-{1 + k % 28:02}" for k in range(ROWS)],
    "gap": [None if k % 3 else float(k % 7) for k in range(ROWS)],
    "same": [1.0] * ROWS,
    "number": NUMBER.round(3).tolist(),
    "class": CLASSES.tolist(),
}
TARGETS = {
    "binary": np.where(X[:, 0] > 0, "yes", "no"),
    "multiclass": CLASSES,
    "multilabel": (X[:, :2] > 0).astype(int),
    "multioutput": np.stack([RNG.integers(3, size=ROWS), RNG.integers(2, size=ROWS)], axis=1),
    "number": NUMBER,
    "numbers": np.stack([NUMBER, X[:, 2]], axis=1),
}
_QUICK: dict[str, Any] = {"hidden": (4,), "epochs": 2, "seed": 0}


def models() -> dict[str, Any]:
    """Networks, models of tables and estimators, by name."""
    masks = [np.array([[1, 0, 1, 1], [0, 1, 1, 1], [1, 1, 1, 0]]), None]
    made: dict[str, Any] = {
        "network": cr.Network([3, 4, 2], "tanh", [("softmax", 2)], "cross_entropy"),
        "network-masked": cr.Network([3, 4, 3], "relu", [("sigmoid", 1), ("identity", 2)], masks=masks),
        "model-number": cr.train_table(_without("class"), "number", **_QUICK),
        "model-log": cr.train_table(_without("class"), "price", test_every=5, **_QUICK),
        "model-class": cr.train_table(_without("number"), "class", class_weight="balanced", clip=cr.Clip(1), **_QUICK),
        "model-both": cr.train_table(COLUMNS, ["class", "number"], **_QUICK),
        "model-quantiles": cr.train_table(_without("class"), "number", quantiles=(0.1, 0.9), **_QUICK),
        "model-gaussian": cr.train_table(_without("class"), "number", cost="gaussian", **_QUICK),
        "model-members": cr.train_table(_without("class"), "number", members=2, epochs=2),
        "estimator-new": cr.MLPRegressor(alpha=0.5),
    }
    settings: dict[str, Any] = {"hidden_layer_sizes": (4,), "max_iter": 2, "batch_size": 20, "random_state": 1}
    for name, y in TARGETS.items():
        kind = cr.MLPRegressor if y.dtype.kind == "f" else cr.MLPClassifier
        made[f"estimator-{name}"] = _fitted(kind(early_stopping=name == "binary", **settings), X, y)
    table = _without("class") | {}
    table.pop("number")
    few: dict[str, Any] = {"preset": "tabular", "max_iter": 1, "random_state": 1}
    made["estimator-table-members"] = _fitted(cr.MLPClassifier(**few), table, CLASSES)
    made["estimator-table-number"] = _fitted(cr.MLPRegressor(hidden_layer_sizes=(4,), **few), table, NUMBER)
    made["estimator-table-class"] = _fitted(cr.MLPClassifier(hidden_layer_sizes=(4,), **few), table, CLASSES)
    return made


def write_models(folder: Path) -> None:
    """Write every model into the folder."""
    for name, model in models().items():
        cr.save(model, folder / f"{name}.safetensors")


def trained(path: Path, **settings: Any) -> None:
    """Train a network with a checkpoint, or go on from it: `RUNS` has the settings."""
    held = (X[:10], NUMBER[:10, None])
    net = cr.Network([3, 4, 1], "tanh", "identity", seed=3)
    checkpoint = cr.Checkpoint(path, every=0, resume=True)
    how = {"epochs": 3, "validation": held, "metrics": {"mae": _mae}, "probe": False}
    cr.fit(net, X, NUMBER[:, None], checkpoint=checkpoint, **(how | settings))


RUNS: dict[str, dict[str, Any]] = {
    "adam": {"optimizer": "adam", "dropout": 0.25},
    "lbfgs": {"optimizer": "lbfgs", "batch_size": None},
    "plateau": {"optimizer": "sgd", "schedule": "plateau", "patience": 2},
}


def write_checkpoints(folder: Path) -> None:
    """Write a checkpoint of every run into the folder, each of a training that is not over."""
    for name, settings in RUNS.items():
        trained(folder / f"{name}.safetensors", epochs=2, **settings)


def write_tables(folder: Path) -> None:
    """Write a table in every form that is read into the folder."""
    import pyarrow as pa
    from pyarrow import csv, feather, parquet

    table = pa.table(COLUMNS)
    table = table.set_column(3, "day", table["day"].cast(pa.timestamp("us")))
    csv.write_csv(table, folder / "t.csv")
    (folder / "t.csv.gz").write_bytes(gzip.compress((folder / "t.csv").read_bytes()))
    (folder / "t.tsv").write_bytes((folder / "t.csv").read_bytes().replace(b",", b"\t"))
    parquet.write_table(table, folder / "t.parquet")
    feather.write_feather(table, folder / "t.feather", compression="uncompressed")
    coded = table.set_column(2, "colour", table["colour"].dictionary_encode())
    with pa.OSFile(str(folder / "t.arrow"), "wb") as sink, pa.ipc.new_file(sink, coded.schema) as writer:
        writer.write_table(coded, max_chunksize=20)
    with pa.OSFile(str(folder / "s.arrows"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    rows = table.to_pylist()
    lines = [json.dumps(row | {"day": str(row["day"]), "in": {"a": [1, "b"]}}) for row in rows]
    (folder / "t.jsonl").write_text("\n".join(lines))
    workbook(folder / "t.xlsx", Sheet=[list(COLUMNS), *zip(*COLUMNS.values(), strict=True)])
    np.save(folder / "a.npy", np.column_stack([X, NUMBER]))
    np.savez(folder / "a.npz", x=X, y=NUMBER)
    images = np.arange(ROWS * 4, dtype=np.uint8)
    (folder / "a-idx2-ubyte").write_bytes(b"\0\0\x08\x02" + np.array([ROWS, 4], ">u4").tobytes() + images.tobytes())


def _without(name: str) -> dict[str, Any]:
    return {column: values for column, values in COLUMNS.items() if column != name}


def _fitted(estimator: Any, X: Any, y: Any) -> Any:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(X, y)


def _mae(A: Any, T: Any) -> float:
    return float(abs(A - T).mean())
