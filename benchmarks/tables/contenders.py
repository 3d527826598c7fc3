"""Who takes part: chainrule's defaults, and other libraries' on columns that are prepared for them.

A contender's `make` imports its library and gives a function of a split and a seed, which answers the test rows.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.tables.columns import categories, frames, transformer, without_gaps
from benchmarks.tables.sets import Split

__all__ = ["CONTENDERS", "OWN", "Contender"]

OWN = "chainrule"
TRIALS, FOLDS, SEARCHED = 12, 3, 2000  # of the tuned MLP: settings, parts, and the most rows of the search

Answers = Callable[[Split, int], Any]
Fit = Callable[[Any, Any], Any]  # X and y to a fitted estimator


class Contender(NamedTuple):
    """How its function is made, whether it is a network, and what it is, in words."""

    make: Callable[[], Answers]
    network: bool
    text: str


def _chainrule() -> Answers:
    import chainrule as cr

    tasks = {"classes": "classification", "numbers": "regression"}

    def answers(split: Split, seed: int) -> Any:
        model = cr.train_table(split.train, split.target, seed=seed, task=tasks[split.kind])
        return model.predict(split.test.drop(columns=split.target))

    return answers


def _fitted(split: Split, X: Any, new: Any, fit: Fit) -> Any:
    """The answers of what `fit` gives; regressors see standardised targets."""
    y = split.train[split.target].to_numpy()
    if split.kind == "classes":
        return fit(X, y).predict(new)
    mean, scale = y.mean(), y.std()
    return fit(X, (y - mean) / scale).predict(new) * scale + mean


def _scikit(classifier: Callable[[int], Any], regressor: Callable[[int], Any]) -> Answers:
    """A pair of estimators, behind the transformer of columns."""
    from sklearn.pipeline import make_pipeline

    def answers(split: Split, seed: int) -> Any:
        made = (classifier if split.kind == "classes" else regressor)(seed)
        return _fitted(split, *frames(split), make_pipeline(transformer(), made).fit)

    return answers


def _mlp(early: bool) -> Answers:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    more: dict[str, Any] = {"early_stopping": early, "max_iter": 300}
    return _scikit(
        lambda seed: MLPClassifier(random_state=seed, **more), lambda seed: MLPRegressor(random_state=seed, **more)
    )


def _tuned() -> Answers:
    """The best of settings drawn at random, by folds of the training rows."""
    from scipy.stats import loguniform
    from sklearn.model_selection import RandomizedSearchCV
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline

    space = {
        "hidden_layer_sizes": [(64,), (256,), (64, 64), (256, 256), (128, 128, 128)],
        "learning_rate_init": loguniform(3e-4, 1e-2),
        "alpha": loguniform(1e-5, 1e1),
        "activation": ["relu", "tanh"],
        "early_stopping": [False, True],
    }

    def answers(split: Split, seed: int) -> Any:
        made = (MLPClassifier if split.kind == "classes" else MLPRegressor)(random_state=seed, max_iter=300)
        step = type(made).__name__.lower()
        drawn = {f"{step}__{name}": values for name, values in space.items()}

        def fit(X: pd.DataFrame, y: Any) -> Any:
            pipeline = make_pipeline(transformer(), made)
            few = np.random.default_rng(seed).permutation(len(X))[:SEARCHED]
            search = RandomizedSearchCV(pipeline, drawn, n_iter=TRIALS, cv=FOLDS, random_state=seed, refit=False)
            return pipeline.set_params(**search.fit(X.iloc[few], y[few]).best_params_).fit(X, y)

        return _fitted(split, *frames(split), fit)

    return answers


def _linear() -> Answers:
    from sklearn.linear_model import LogisticRegression, RidgeCV

    return _scikit(lambda seed: LogisticRegression(max_iter=1000), lambda seed: RidgeCV(np.logspace(-3, 4, 15)))


def _boosting() -> Answers:
    from sklearn.ensemble import HistGradientBoostingClassifier as Classifier
    from sklearn.ensemble import HistGradientBoostingRegressor as Regressor

    return _scikit(lambda seed: Classifier(random_state=seed), lambda seed: Regressor(random_state=seed))


def _lightgbm() -> Answers:
    from lightgbm import LGBMClassifier, LGBMRegressor

    def answers(split: Split, seed: int) -> Any:
        made = (LGBMClassifier if split.kind == "classes" else LGBMRegressor)(random_state=seed, n_jobs=1, verbose=-1)
        X, new = (part.set_axis(range(part.shape[1]), axis=1) for part in categories(*frames(split)))
        return _fitted(split, X, new, made.fit)

    return answers


def _pytabkit(name: str, **more: Any) -> Answers:
    """An estimator of pytabkit, which refuses missing numbers; it stops by the error that the table shows."""
    import pytabkit

    kinds = {"classes": getattr(pytabkit, f"{name}_Classifier"), "numbers": getattr(pytabkit, f"{name}_Regressor")}

    def answers(split: Split, seed: int) -> Any:
        X, new = without_gaps(*frames(split))
        made = kinds[split.kind](random_state=seed, n_threads=1, device="cpu", verbosity=0, **more)
        return np.asarray(made.fit(X, split.train[split.target].to_numpy()).predict(new)).ravel()

    return answers


CONTENDERS: dict[str, Contender] = {
    OWN: Contender(_chainrule, True, "the defaults of `cr.train_table`"),
    "MLP": Contender(lambda: _mlp(early=False), True, "scikit-learn's network, at most 300 epochs"),
    "MLP, early stopping": Contender(lambda: _mlp(early=True), True, "the same, which stops early"),
    "MLP, tuned": Contender(
        _tuned, True, f"the best of {TRIALS} random settings by {FOLDS} folds of at most {SEARCHED:,} rows"
    ),
    "RealMLP-TD": Contender(lambda: _pytabkit("RealMLP_TD"), True, "pytabkit's defaults"),
    "RealMLP-TD-S": Contender(lambda: _pytabkit("RealMLP_TD_S"), True, "pytabkit's, simplified"),
    "TabM": Contender(lambda: _pytabkit("TabM_D"), True, "pytabkit's defaults"),
    "linear": Contender(_linear, False, "logistic or ridge regression"),
    "boosting": Contender(_boosting, False, "scikit-learn's histogram gradient boosting"),
    "LightGBM": Contender(_lightgbm, False, "its defaults, words as categories"),
}
