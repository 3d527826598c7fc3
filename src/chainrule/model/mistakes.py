"""Where the answers of a model go wrong: which classes it takes for which, and how far its numbers are off."""

from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.model.scores import parts
from chainrule.tables.targets import Targets

__all__ = ["mistakes_of"]

SMALL = 20  # classes up to which all of the confusion matrix is given
PAIRS = 20  # pairs of classes that are named
WORST = 5  # rows that are named
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def mistakes_of(targets: Targets, A: Array, T: Array, rows: Array) -> dict[str, Any]:
    """The mistakes in the answers A (n, n_L) to the targets T (n, n_L), by target, as plain data; `rows` are numbers.

    Classes: `classes`, each with its rows, how often it is said, precision and recall (None where undefined);
    `confused`, the pairs of classes that are taken for each other most often; the matrix `confusion` (true, said) for
    up to 20 classes. Numbers: of the errors a - y in the target's units `bias` (the mean) and `quantiles`; `worst`,
    the rows with the greatest errors.
    """
    found: dict[str, Any] = {}
    for column, part in parts(targets):
        if column.kind == "classes":
            true, said = (values[:, part].argmax(axis=1) for values in (T, A))
            found[column.name] = _of_classes(column.values.tolist(), true, said)
        else:
            found[column.name] = _of_numbers(column.decode(T[:, part]), column.decode(A[:, part]), rows)
    return found


def _of_classes(values: list[Any], true: Array, said: Array) -> dict[str, Any]:
    k = len(values)
    right, rows, answers = (np.bincount(part, minlength=k).tolist() for part in (true[true == said], true, said))
    classes = [
        {"class": c, "rows": n, "said": a, "precision": _share(r, a), "recall": _share(r, n)}
        for c, n, a, r in zip(values, rows, answers, right, strict=True)
    ]
    matrix = np.bincount(true * k + said, minlength=k * k).reshape(k, k).tolist() if k <= SMALL else None
    return {"classes": classes, "confused": _pairs(values, true, said), **({"confusion": matrix} if matrix else {})}


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _pairs(values: list[Any], true: Array, said: Array) -> list[dict[str, Any]]:
    """The classes that are taken for another most often, the first in order of equal ones."""
    wrong = true != said
    pairs, counts = np.unique(np.stack([true[wrong], said[wrong]]), axis=1, return_counts=True)
    most = np.argsort(-counts, kind="stable")[:PAIRS]
    return [{"true": values[pairs[0, p]], "said": values[pairs[1, p]], "rows": int(counts[p])} for p in most]


def _of_numbers(y: Array, a: Array, rows: Array) -> dict[str, Any]:
    error = a - y
    worst = np.argsort(-np.abs(error), kind="stable")[:WORST]
    return {
        "bias": float(error.mean()),
        "quantiles": {
            f"{q:g}": value for q, value in zip(QUANTILES, np.quantile(error, QUANTILES).tolist(), strict=True)
        },
        "worst": [{"row": int(rows[i]), "true": float(y[i]), "answer": float(a[i])} for i in worst],
    }
