"""Other models for the same rows, to compare with: a linear one and gradient boosting, both of scikit-learn.

    linear     logistic regression with its default penalty, or ridge regression that chooses its own, on numbers that
               are standardised and nothing else, and on the inputs of the network for all other columns
    boosting   histogram gradient boosting with its defaults, on the columns as they are: numbers, words as categories

Sources: Friedman, Greedy function approximation: a gradient boosting machine (2001); Ke et al., LightGBM (2017), whose
histograms scikit-learn's estimators use.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.arrays import Array
from chainrule.tables.arrow import pa
from chainrule.tables.inputs import Encoder
from chainrule.tables.inputs.operations import Items, Presence, Word
from chainrule.tables.inputs.transforms import MOST_WORDS, NumberColumn, Numbers, Transform
from chainrule.tables.targets import ClassTarget, LabelTarget, LogQuantity, Quantity, Target, Targets

__all__ = ["BASELINES", "outputs_of_baseline"]

MOST_CATEGORIES = 255  # of a column that boosting takes as categories


def outputs_of_baseline(
    name: str, encoder: Encoder, targets: Targets, train: pa.Table, test: pa.Table, seed: int
) -> NDArray[np.float64]:
    """Outputs (n, n_L) for the rows of `test`, as those of a network, by a baseline that learned from `train`.

    - name: of `BASELINES`.
    - encoder, targets: of a model that was trained on the same rows.
    - train, test: rows that have every target.
    - seed: of what is random in it.
    """
    make, inputs = BASELINES[name]
    X, X_test, more = inputs(encoder, train, test)
    values = targets.decode(targets.encode(train, "float64"))
    parts = [_predicted(target, make, more, X, values[target.name], X_test, seed) for target in targets.columns]
    return np.concatenate(parts, axis=1)


def _predicted(target: Target, make: Any, more: Any, X: Array, y: Array, X_test: Array, seed: int) -> Array:
    """The outputs (n, width) for a target, in the units of the network's outputs."""
    if isinstance(target, ClassTarget):
        number = {word: k for k, word in enumerate(target.values.tolist())}
        fitted = _fitted(make(True, more, seed), X, np.array([number[word] for word in y.tolist()]))
        A = np.zeros((len(X_test), len(number)))
        A[:, fitted.classes_] = fitted.predict_proba(X_test)
        return 1 - A.cumsum(axis=1)[:, :-1] if target.kind == "ordered" else A
    if isinstance(target, LabelTarget):
        has = target.encode(y, "float64")
        return np.stack([_of_label(make, more, X, has[:, k], X_test, seed) for k in range(target.width)], axis=1)
    assert isinstance(target, Quantity), "a target has classes, labels or numbers"
    prediction = _fitted(make(False, more, seed), X, y).predict(X_test)
    if isinstance(target, LogQuantity):
        prediction = np.log(np.maximum(prediction, np.finfo(np.float64).tiny))
    scaled = ((prediction - target.mean) / target.scale)[:, np.newaxis]
    return np.repeat(scaled, target.width, axis=1)  # its answer in place of each quantile


def _of_label(make: Any, more: Any, X: Array, there: Array, X_test: Array, seed: int) -> Array:
    """The probability (n,) of a label, which is `there` in some rows of training."""
    if (there == there[0]).all():
        return np.full(len(X_test), there[0])
    chances: Array = _fitted(make(True, more, seed), X, there > 0.5).predict_proba(X_test)[:, 1]
    return chances


def _fitted(estimator: Any, X: Array, y: Array) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a linear model that has not converged: it is what people get
        return estimator.fit(X, y)


def _standardised(encoder: Encoder, train: pa.Table, test: pa.Table) -> tuple[Array, Array, None]:
    """Each number as one input that is linear in it, with a flag where some are missing; other columns as inputs."""
    linear = Encoder(tuple(_linear_in(transform, train) for transform in encoder.plain.transforms))
    return linear.encode(train, "float64"), linear.encode(test, "float64"), None


def _linear_in(transform: Transform, train: pa.Table) -> Transform:
    """A column of numbers on its own scale, by mean and standard deviation; as it is where these are not finite."""
    if not isinstance(transform, NumberColumn):
        return transform
    cells = transform.reading.read(train.column(transform.name), transform.name)
    values = cells.values[~cells.missing].astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = (float(values.mean()), float(values.std())) if len(values) else (0.0, 1.0)
    if not np.isfinite([mean, scale]).all():
        return transform
    return Numbers(transform.name, transform.missing, mean, scale or 1.0, form=transform.form)


def _columns(encoder: Encoder, train: pa.Table, test: pa.Table) -> tuple[Array, Array, list[bool]]:
    """The columns (n, k) as they are read, NaN where missing, and which of them are categories."""
    used = [transform for transform, _ in encoder.slices]
    columns = [_column(transform, train) for transform in used]
    categories = [
        isinstance(t.reading, Word) and len(t.reading.words) < MOST_CATEGORIES
        for t, column in zip(used, columns, strict=True)
        for _ in range(column.shape[1])
    ]
    return np.hstack(columns), np.hstack([_column(transform, test) for transform in used]), categories


def _column(transform: Transform, table: pa.Table) -> NDArray[np.float64]:
    """A column (n, 1); labels and words of a text (n, k), a thousand at most."""
    cells = transform.reading.read(table.column(transform.name), transform.name)
    if isinstance(transform.reading, Presence):
        return cells.missing.astype(np.float64)[:, np.newaxis]
    if isinstance(transform.reading, Items):
        return np.asarray(cells.values[:, : MOST_WORDS + 1].toarray(), np.float64)
    values = cells.values.astype(np.float64)
    if isinstance(transform.reading, Word):
        values = np.where(values < 0, len(transform.reading.words), values)  # a category of its own
    return np.where(cells.missing, np.nan, values)[:, np.newaxis]


def _linear(is_class: bool, _: Any, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression, RidgeCV

    return LogisticRegression(max_iter=1000) if is_class else RidgeCV(np.logspace(-3, 3, 13))


def _boosting(is_class: bool, categories: list[bool], seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if is_class else HistGradientBoostingRegressor
    return kind(categorical_features=categories, random_state=seed)


Inputs = Callable[[Encoder, "pa.Table", "pa.Table"], tuple[Array, Array, Any]]
BASELINES: Mapping[str, tuple[Callable[[bool, Any, int], Any], Inputs]] = {
    "linear": (_linear, _standardised),
    "boosting": (_boosting, _columns),
}
