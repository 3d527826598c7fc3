"""The mistakes of a model: which classes it confuses, and how far its numbers are from the true ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.tables.targets import ClassTarget, LabelTarget, Targets

__all__ = ["mistakes_of"]

SMALL = 20  # the confusion matrix is included up to this number of classes
PAIRS = 20  # pairs of confused classes that are listed
WORST = 5  # rows with the greatest errors that are listed
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def mistakes_of(targets: Targets, A: Array, T: Array, rows: Array) -> dict[str, Any]:
    """The mistakes in predictions A (n, n_L) of targets T (n, n_L), by target, as plain data.

    - targets: the target columns that A and T stand for.
    - A, T: predictions, and true values encoded by `targets.truth`.
    - rows: the number (n,) of each row, for `worst`.

    Classes: `classes`, for each the number of its rows and of its predictions (`said`), precision and recall (None
    where undefined); `confused`, the most frequent pairs of a true and a predicted class that differ; the matrix
    `confusion` (true, predicted) for up to 20 classes; `unknown`, if there are any, the number of rows of classes that
    training did not have, and the first of them. Labels: `labels`, as `classes`. Numbers: `bias`, the mean of the
    errors a - y in the units of the target; `quantiles` of the errors; `worst`, the rows with the greatest errors.
    """
    mistakes: dict[str, Any] = {}
    for truth, (column, part) in zip(targets.truth.columns, targets.slices, strict=True):
        there = np.flatnonzero(truth.present(T[:, part]))
        t, a, numbers = T[there, part], A[there, part], rows[there]
        if not len(there):
            continue
        if isinstance(column, ClassTarget) and isinstance(truth, ClassTarget):
            true, predicted = truth.codes(t), column.codes(a)
            mistakes[column.name] = _of_classes(column.values.tolist(), true, predicted, numbers)
        elif isinstance(column, LabelTarget):
            mistakes[column.name] = _of_labels(column.words, t > 0.5, a > 0.5)
        else:
            mistakes[column.name] = _of_numbers(truth.decode(t), column.decode(a), numbers)
    return mistakes


def _of_labels(words: Sequence[str], there: Array, said: Array) -> dict[str, Any]:
    """The mistakes in the labels `said` (n, k), where these are `there`."""
    counts = (both.sum(axis=0).tolist() for both in (there & said, there, said))
    labels = [
        {"label": word, "rows": n, "said": p, "precision": _share(h, p), "recall": _share(h, n)}
        for word, h, n, p in zip(words, *counts, strict=True)
    ]
    return {"labels": labels}


def _of_classes(values: list[Any], true: Array, predicted: Array, numbers: Array) -> dict[str, Any]:
    """The mistakes in the class numbers `predicted` (n,) of k classes with these values, in rows of these numbers."""
    k, known = len(values), true >= 0
    right = true[true == predicted]
    hits, rows, predictions = (np.bincount(part, minlength=k).tolist() for part in (right, true[known], predicted))
    classes = [
        {"class": c, "rows": n, "said": p, "precision": _share(h, p), "recall": _share(h, n)}
        for c, n, p, h in zip(values, rows, predictions, hits, strict=True)
    ]
    unknown = {"rows": int((~known).sum()), "first": int(numbers[np.argmin(known)])}
    true, predicted = true[known], predicted[known]
    matrix = np.bincount(true * k + predicted, minlength=k * k).reshape(k, k).tolist() if k <= SMALL else None
    confused = _pairs(values, true, predicted)
    mistakes = {"classes": classes, "confused": confused, **({"confusion": matrix} if matrix else {})}
    return {**mistakes, "unknown": unknown} if unknown["rows"] else mistakes


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _pairs(values: list[Any], true: Array, predicted: Array) -> list[dict[str, Any]]:
    """The most frequent pairs of a true and a predicted class that differ; of equal counts the first in order."""
    wrong = true != predicted
    pairs, counts = np.unique(np.stack([true[wrong], predicted[wrong]]), axis=1, return_counts=True)
    most = np.argsort(-counts, kind="stable")[:PAIRS]
    return [{"true": values[pairs[0, p]], "said": values[pairs[1, p]], "rows": int(counts[p])} for p in most]


def _of_numbers(y: Array, a: Array, rows: Array) -> dict[str, Any]:
    """The errors of predictions a (n,) of the numbers y (n,)."""
    error = a - y
    worst = np.argsort(-np.abs(error), kind="stable")[:WORST]
    return {
        "bias": float(error.mean()),
        "quantiles": {
            f"{q:g}": value for q, value in zip(QUANTILES, np.quantile(error, QUANTILES).tolist(), strict=True)
        },
        "worst": [{"row": int(rows[i]), "true": float(y[i]), "answer": float(a[i])} for i in worst],
    }
