"""A layer in a few lines, however large it is: shapes, quartiles, the units that do not answer, |delta|."""

import numpy as np

from chainrule.arrays import Array
from chainrule.explanation.quantities import Quantities
from chainrule.explanation.text import as_text
from chainrule.explanation.tree import Number
from chainrule.text import counted

__all__ = ["layer_lines", "layer_title", "ledger_lines", "summary_document"]

_PERCENTS = (0, 25, 50, 75, 100)


def layer_title(q: Quantities, k: int) -> str:
    """What layer k + 2 is."""
    sizes = q.architecture.sizes
    names = dict.fromkeys(q.part(k, block.start).activation.name for block in q.architecture.blocks)
    name = q.architecture.hidden[k].name if k < len(q.architecture.hidden) else " + ".join(names)
    return f"layer {k + 2} of {len(sizes)}: {sizes[k]:,} → {sizes[k + 1]:,} {name}, {counted(q.examples, 'example')}"


def layer_lines(q: Quantities, k: int) -> list[str]:
    """Shapes and quartiles of what layer k + 2 has, its units that do not answer, and |delta|: eleven lines at most."""
    arrays = _arrays(q, k)
    heads = [f"{name} {_shape(array)}" for name, array in arrays.items()]
    width = max(map(len, heads))
    lines = [f"{head:<{width}}  {_quartiles(array)}" for head, array in zip(heads, arrays.values(), strict=True)]
    return [f"{'':<{width}}  {_columns(('least', '25%', 'median', '75%', 'greatest'))}", *lines, *_ending(q, k)]


def ledger_lines(q: Quantities) -> list[str]:
    """A line for each layer: |delta| and the units that do not answer."""
    lines = []
    for k in range(len(q.Z)):
        silent = "" if k == len(q.Z) - 1 else _silent(q, k)
        lines.append(f"{layer_title(q, k).partition(',')[0]}: |δ| {_text(_error(q, k))}{silent and f', {silent}'}")
    return lines


def summary_document(q: Quantities, k: int) -> dict[str, object]:
    """The summary of layer k + 2 as plain data."""
    numbers = {
        name: {"shape": list(array.shape), "quartiles": np.percentile(array, _PERCENTS).tolist()}
        for name, array in _arrays(q, k).items()
    }
    silent = int(q.flat(k).all(axis=0).sum())
    return {"layer": k + 2, "quantities": numbers, "units_that_do_not_answer": silent, "delta": _error(q, k)}


def _arrays(q: Quantities, k: int) -> dict[str, Array]:
    slopes = q.sigma_prime[k]
    derivative = {} if slopes is None else {"σ'": slopes}
    errors = {"δ": q.delta[k], "∂C/∂W": q.dW[k], "∂C/∂b": q.db[k]}
    return {"W": q.W[k], "b": q.b[k], "Z": q.Z[k], "A": q.A[k + 1], **derivative, **errors}


def _ending(q: Quantities, k: int) -> list[str]:
    line = f"|δ| of an example: {_text(_error(q, k))} (median of the lengths)"
    return [line] if k == len(q.Z) - 1 else [_silent(q, k), line]


def _silent(q: Quantities, k: int) -> str:
    """How many units of a hidden layer are flat in every example: dead, or saturated."""
    flat, n = q.flat(k).all(axis=0), q.architecture.sizes[k + 1]
    activation = q.architecture.hidden[k]
    bounded = bool(np.isfinite([activation.range.low, activation.range.high]).all())
    count, why = int(flat.sum()), "saturated" if bounded else "dead"
    return f"{count:,} of {counted(n, 'unit')} ({count / n:.0%}) do not answer" + (f": {why}" if count else "")


def _error(q: Quantities, k: int) -> float:
    """The median over the examples of |delta^l|."""
    return float(np.median(np.linalg.norm(q.delta[k].astype(np.float64), axis=1)))


def _shape(array: Array) -> str:
    return f"({', '.join(map(str, array.shape))})"


def _quartiles(array: Array) -> str:
    return _columns([_text(value) for value in np.percentile(array.astype(np.float64), _PERCENTS)])


def _columns(words: object) -> str:
    return "  ".join(f"{word:>12}" for word in words)  # type: ignore[attr-defined]


def _text(value: float) -> str:
    return as_text(Number(float(value)))
