"""`python -m benchmarks.tables.coverage`: how often intervals and sets have the true value, and how large they are.

Each table is split in two halves; a model is trained on one and asked about the other, over some seeds. Where MAPIE is
installed, it makes intervals and sets from the same answers out of fold and the same answers of the members.
"""

import argparse
import importlib.util
import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import PredefinedSplit

import chainrule as cr
from benchmarks.tables.sets import SETS
from chainrule.random import Purpose, permutation
from chainrule.tables.sources import as_source

__all__ = ["NAMES", "halves", "measured"]

NUMBERS = ("diabetes", "friedman1", "friedman2", "friedman3", "noisy plane", "sparse")
NAMES = (*NUMBERS, "blobs", "quantiles", "classification", "moons")
COVERAGES = (0.8, 0.9, 0.95)


def halves(name: str, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows to train on, and those to be asked for."""
    frame = SETS[name][1](seed)
    order = permutation(seed, Purpose.SPLIT, 0, len(frame))
    return frame.iloc[order[: len(frame) // 2]], frame.iloc[order[len(frame) // 2 :]]


def measured(name: str, seed: int) -> dict[str, list[float]]:
    """Coverage and size for each promised coverage: of chainrule, and of MAPIE where it is installed."""
    train, test = halves(name, seed)
    task = "regression" if name in NUMBERS else "classification"
    model = cr.train_table(train, "y", task=task, seed=seed)
    peer = _Peer(model, test) if importlib.util.find_spec("mapie") else None
    what = "interval" if name in NUMBERS else "sets"
    rows: dict[str, list[float]] = {"chainrule": [], "MAPIE": []}
    for coverage in COVERAGES:
        said = model.evaluate(test, **{what: coverage})["coverage"]["y"]
        each = said.get("interval") or said["set"]
        rows["chainrule"] += [each["coverage"], each.get("width") or each["size"]]
        rows["MAPIE"] += [np.nan, np.nan] if peer is None else getattr(peer, what)(coverage)
    return rows


class Known(BaseEstimator):
    """An estimator whose answers are known: X is the numbers of rows, and `fit` finds out which member it is.

    - answers: what each member says of each row, (rows, K, ...).
    - fold: the member that leaves out each of the first rows.
    """

    def __init__(self, answers: Any = None, fold: Any = None) -> None:
        self.answers, self.fold = answers, fold

    def fit(self, X: Any, y: Any) -> "Known":
        left_out = np.setdiff1d(np.arange(len(self.fold)), X[:, 0].astype(int))
        self.member_ = int(self.fold[left_out[0]]) if len(left_out) else 0
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        answers = self.answers[X[:, 0].astype(int), self.member_]
        return answers if answers.ndim == 1 else self.classes_[answers.argmax(axis=1)]


class KnownNumbers(RegressorMixin, Known):
    """Numbers."""


class KnownClasses(ClassifierMixin, Known):
    """Probabilities."""

    def predict_proba(self, X: Any) -> Any:
        return self.answers[X[:, 0].astype(int), self.member_]


class _Peer:
    """MAPIE, with the answers out of fold of a model, and those of its members for a table."""

    def __init__(self, model: cr.Model, test: pd.DataFrame) -> None:
        kept, self.column = model.out_of_fold, model.targets.columns[0]
        assert kept is not None
        blocks = model._by_block(test, (), lambda X: model._of_members(X, model._predicted(X)))
        new = np.concatenate([members for members, _ in blocks]).astype(np.float64)
        old = np.repeat(kept.A[:, np.newaxis].astype(np.float64), new.shape[1], axis=1)
        self.answers, self.fold, self.t = np.concatenate([old, new]), kept.fold, kept.t[:, 0]
        self.ids, n = np.arange(len(self.answers))[:, np.newaxis], len(old)
        self.old, self.new = self.ids[:n], self.ids[n:]
        truth = model.targets.truth
        T = truth.encode(as_source(test).table(), "float64")
        self.truth = T[:, 0] if T.shape[1] == 1 else T.argmax(axis=1)

    def interval(self, coverage: float) -> list[float]:
        """Coverage and mean width of CV+."""
        from mapie.regression import CrossConformalRegressor

        known = KnownNumbers(self.answers[:, :, 0], self.fold)
        peer = CrossConformalRegressor(known, confidence_level=coverage, cv=PredefinedSplit(self.fold), method="plus")
        peer.fit_conformalize(self.old, self.t)
        low, high = self.column.in_units(peer.predict_interval(self.new)[1][:, :, 0]).T
        return [float(np.mean((low <= self.truth) & (self.truth <= high))), float(np.mean(high - low))]

    def sets(self, coverage: float) -> list[float]:
        """Coverage and mean size of LAC sets by CV+."""
        from mapie.classification import CrossConformalClassifier

        known, cv = KnownClasses(self.answers, self.fold), PredefinedSplit(self.fold)
        peer = CrossConformalClassifier(known, confidence_level=coverage, conformity_score="lac", cv=cv)
        peer.fit_conformalize(self.old, self.t.astype(int))
        inside = peer.predict_set(self.new, agg_scores="crossval")[1][:, :, 0]
        return [float(inside[np.arange(len(self.truth)), self.truth].mean()), float(inside.sum(axis=1).mean())]


def _table(results: dict[str, dict[str, Any]]) -> Iterator[str]:
    head = " | ".join(f"{c:.0%}: coverage, size; MAPIE's" for c in COVERAGES)
    yield f"| table | {head} |"
    yield "|---|" + "---|" * len(COVERAGES)
    for name, rows in results.items():
        ours, theirs = (np.nanmean(rows[who], axis=0) for who in ("chainrule", "MAPIE"))
        cells = [
            f"{ours[2 * k]:.3f}, {ours[2 * k + 1]:.4g}; {theirs[2 * k]:.3f}, {theirs[2 * k + 1]:.4g}"
            for k in range(len(COVERAGES))
        ]
        yield f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables.coverage", description=__doc__)
    parser.add_argument("--sets", default=";".join(NAMES), help="names, separated by ;")
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 0")
    chosen = parser.parse_args()
    results: dict[str, dict[str, Any]] = {}
    began = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in chosen.sets.split(";"):
            for seed in range(chosen.seeds):
                for who, row in measured(name, seed).items():
                    results.setdefault(name, {}).setdefault(who, []).append(row)
    print("\n".join(_table(results)))
    print(f"{chosen.seeds} seeds, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
