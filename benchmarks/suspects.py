"""How well wrong labels are detected: `python -m benchmarks.suspects [titanic] [mushroom] [mnist-10k]`.

5% of the labels, chosen at random, become another class. AUC: how often a wrong label has a greater score than a right
one. Precision: the share of wrong labels among as many suspects as there are wrong labels. cleanlab (`pip install
cleanlab`) is measured with our out-of-fold probabilities, and with those of its default classifier; without it, its
lines are left out.
"""

import importlib.util
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from benchmarks.tables.sets import SHARED
from chainrule.tables.sources import as_source, with_target

SHARE = 0.05
SETS: dict[str, tuple[str, dict[str, Any]]] = {  # the target, and settings
    "titanic": ("survived", {"drop": ["boat", "body"]}),
    "mushroom": ("y", {}),
    "mnist-10k": ("label", {"hidden": [100], "epochs": 30, "patience": None}),
}
SEEDS = {"mnist-10k": 1}  # of other sets: 3


def table_of(name: str) -> tuple[Any, str]:
    """The table, and its target."""
    if name != "mnist-10k":
        file = {"titanic": "titanic.csv", "mushroom": "mushroom-train.csv.gz"}[name]
        return as_source(SHARED / file).table(), SETS[name][0]
    images, labels = (SHARED / name / f"t10k-{part}-ubyte.gz" for part in ("images-idx3", "labels-idx1"))
    source = with_target(as_source(images), as_source(labels))
    return source.table(), source.names[-1]


def flipped(y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The labels with 5% of them another class, and which they are."""
    rng = np.random.default_rng(seed)
    classes, codes = np.unique(y, return_inverse=True)
    wrong = np.zeros(len(y), bool)
    wrong[rng.choice(len(y), round(SHARE * len(y)), replace=False)] = True
    codes[wrong] = (codes[wrong] + rng.integers(1, len(classes), wrong.sum())) % len(classes)
    return classes[codes], wrong


def trained(table: Any, target: str, members: int, seed: int, settings: dict[str, Any]) -> tuple[Any, float]:
    """A model, and the seconds that its training took."""
    began = time.monotonic()
    more = {"members": members} if members > 1 else {"members": 1, "validation": 0.0, "self_influence": True}
    model = cr.train_table(table, target, seed=seed, **settings, **more)
    return model, time.monotonic() - began


def scores(table: Any, target: str, seed: int, settings: dict[str, Any]) -> Iterator[tuple[str, np.ndarray, float]]:
    """The name of a method, its score of each row, and seconds."""
    members, spent = trained(table, target, 5, seed, settings)
    by_member = members.row_scores
    yield "out-of-fold cost, 5 members", by_member.scores, spent
    one, spent = trained(table, target, 1, seed, settings)
    yield one.row_scores.method.partition(" over")[0], one.row_scores.scores, spent
    cost = one.suspicious(table.num_rows, table)["suspects"]
    by_row = np.empty(table.num_rows)
    by_row[[each["row"] for each in cost]] = [each["score"] for each in cost]
    yield "cost of the trained network", by_row, spent
    if importlib.util.find_spec("cleanlab") is not None:
        codes = by_member.T.argmax(axis=1)
        yield "cleanlab, our out-of-fold probabilities", -self_confidence(codes, by_member.A), 0.0
        began = time.monotonic()
        X = StandardScaler().fit_transform(members.encoder.encode(table.select(members.encoder.columns), "float64"))
        P = cross_val_predict(LogisticRegression(max_iter=200), X, codes, cv=5, method="predict_proba")
        yield "cleanlab, logistic regression", -self_confidence(codes, P), time.monotonic() - began


def self_confidence(codes: np.ndarray, P: np.ndarray) -> np.ndarray:
    """cleanlab's score: the probability of the own label."""
    from cleanlab.rank import get_label_quality_scores

    return get_label_quality_scores(codes, P, method="self_confidence")


def main() -> None:
    """Measure the sets that the command names, or all of them."""
    for name in sys.argv[1:] or SETS:
        table, target = table_of(name)
        y = np.array(table.column(target).to_pylist())
        rows: dict[str, list[tuple[float, float, float]]] = {}
        for seed in range(SEEDS.get(name, 3)):
            noisy, wrong = flipped(y, seed)
            changed = table.set_column(table.column_names.index(target), target, [noisy.tolist()])
            for method, score, seconds in scores(changed, target, seed, SETS[name][1]):
                first = np.argsort(-score, kind="stable")[: wrong.sum()]
                rows.setdefault(method, []).append((roc_auc_score(wrong, score), wrong[first].mean(), seconds))
                print(f"{name} seed {seed}: {method}: {rows[method][-1]}", file=sys.stderr, flush=True)
        for method, values in rows.items():
            auc, precision, seconds = np.mean(values, axis=0)
            print(f"| {name} | {method} | {auc:.3f} | {precision:.2f} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
