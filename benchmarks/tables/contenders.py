"""Who is asked: chainrule's defaults, scikit-learn's on prepared columns, and RealMLP's where pytabkit is there.

A contender is a function of a split and a seed that gives the answers for its test rows.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.tables.sets import Split

__all__ = ["CONTENDERS"]

Answers = Callable[[Split, int], Any]


def chainrule(split: Split, seed: int) -> Any:
    import chainrule as cr

    model = cr.train_table(split.train, split.target, seed=seed, task=_TASKS[split.kind])
    return model.predict(split.test.drop(columns=split.target))


_TASKS = {"classes": "classification", "numbers": "regression"}


def _prepared(split: Split) -> tuple[Any, Any]:
    """X of both parts: numbers standardised, gaps filled in and flagged, words one input each."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    X, new = (part.drop(columns=split.target) for part in (split.train, split.test))
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    words = OneHotEncoder(handle_unknown="ignore", min_frequency=2, max_categories=100, sparse_output=False)
    steps = (
        (numbers, make_column_selector(dtype_include="number")),
        (words, make_column_selector(dtype_exclude="number")),
    )
    transformer = make_column_transformer(*steps).fit(X)
    return transformer.transform(X), transformer.transform(new)


def _scikit(classifier: Callable[[int], Any], regressor: Callable[[int], Any]) -> Answers:
    """A pair of estimators; regressors see standardised targets."""

    def answers(split: Split, seed: int) -> Any:
        X, new = _prepared(split)
        y = split.train[split.target].to_numpy()
        if split.kind == "classes":
            return classifier(seed).fit(X, y).predict(new)
        mean, scale = y.mean(), y.std()
        return regressor(seed).fit(X, (y - mean) / scale).predict(new) * scale + mean

    return answers


def _mlp(early: bool) -> Answers:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    more: dict[str, Any] = {"early_stopping": early, "max_iter": 300}
    return _scikit(
        lambda seed: MLPClassifier(random_state=seed, **more), lambda seed: MLPRegressor(random_state=seed, **more)
    )


def _linear() -> Answers:
    from sklearn.linear_model import LogisticRegression, RidgeCV

    return _scikit(lambda seed: LogisticRegression(max_iter=1000), lambda seed: RidgeCV(np.logspace(-3, 4, 15)))


def _boosting() -> Answers:
    from sklearn.ensemble import HistGradientBoostingClassifier as Classifier
    from sklearn.ensemble import HistGradientBoostingRegressor as Regressor

    return _scikit(lambda seed: Classifier(random_state=seed), lambda seed: Regressor(random_state=seed))


def _realmlp() -> Answers:
    from pytabkit import RealMLP_TD_S_Classifier, RealMLP_TD_S_Regressor

    def answers(split: Split, seed: int) -> Any:
        X, new = _without_gaps(*(part.drop(columns=split.target) for part in (split.train, split.test)))
        make = RealMLP_TD_S_Classifier if split.kind == "classes" else RealMLP_TD_S_Regressor
        made = make(random_state=seed, n_threads=1, device="cpu", verbosity=0)
        return np.asarray(made.fit(X, split.train[split.target].to_numpy()).predict(new)).ravel()

    return answers


def _without_gaps(X: Any, new: Any) -> list[Any]:
    """Both with the median of X in place of missing numbers, which RealMLP refuses, and a word for missing words."""
    filling = {name: "missing" if X[name].dtype.kind not in "fiu" else X[name].median() for name in X.columns}
    return [part.fillna(filling) for part in (X, new)]


CONTENDERS: dict[str, Callable[[], Answers]] = {
    "chainrule": lambda: chainrule,
    "MLP": lambda: _mlp(early=False),
    "MLP, early stopping": lambda: _mlp(early=True),
    "RealMLP-TD-S": _realmlp,
    "linear": _linear,
    "boosting": _boosting,
}
