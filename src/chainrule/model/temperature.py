"""Temperature: probabilities that are as sure as they are right, by one number for each target of classes.

    p = softmax(z / t),   t the number with the smallest log loss on answers out of fold

Above 1 it makes probabilities less sure, below 1 surer. The order of the classes stays, so answers do. The last weights
and biases are divided by t: the network itself is calibrated, in every file, export and engine.

Source: Guo, Pleiss, Sun & Weinberger, On calibration of modern neural networks, ICML 2017.
"""

from collections.abc import Sequence

import numpy as np

from chainrule.architecture import Block
from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.network import Network
from chainrule.tables.targets import Targets

__all__ = ["cooled", "divide_last_layer", "temperature_of", "tempered_targets"]

_LIMITS = (-3.0, 3.0)  # of ln t


def temperature_of(p: Array, codes: Array, weight: Array | None = None) -> float:
    """The temperature with the smallest mean log loss of probabilities p (n, k) of true classes, by number (n,).

    >>> p = np.array([[0.9, 0.1]] * 4)
    >>> round(float(cooled(p, temperature_of(p, np.array([0, 0, 0, 1])))[0, 0]), 4)
    0.75
    """
    from scipy.optimize import minimize_scalar

    z = _logits(p)

    def loss(logarithm: float) -> float:
        return float(np.average(-_log_softmax(z / np.exp(logarithm))[np.arange(len(z)), codes], weights=weight))

    best = minimize_scalar(loss, bounds=_LIMITS, method="bounded", options={"xatol": 1e-6})
    return float(np.exp(best.x)) if best.fun < loss(0.0) else 1.0


def cooled(p: Array, temperature: float) -> Array:
    """Probabilities p (n, k) at a temperature: p^(1/t), divided by their sum, in the type of p."""
    return np.asarray(np.exp(_log_softmax(_logits(p) / temperature)), p.dtype)


def divide_last_layer(network: Network, part: slice, temperature: float) -> None:
    """Divide z^L of some outputs of a network by a temperature: its last weights and biases."""
    for array in (network.W[-1], network.b[-1]):
        array[..., part] = array[..., part] / temperature


def tempered_targets(targets: Targets, blocks: Sequence[Block]) -> list[tuple[str, slice]]:
    """The targets of classes whose outputs are a softmax, with these outputs.

    Raises SettingError where a target of classes has others, and where there is none.
    """
    outputs = {block.start: block.activation.name for block in blocks}
    classes = [(column, part) for column, part in targets.slices if column.kind == "classes"]
    wrong = [column.name for column, part in classes if outputs[part.start] != "softmax"]
    if wrong or not classes:
        what = f"{wrong[0]!r} has other outputs" if wrong else "no target has classes"
        raise SettingError(f"calibrate is for classes with output 'softmax', but {what}: leave it out")
    return [(column.name, part) for column, part in classes]


def _logits(p: Array) -> Array:
    """ln p in float64, with the smallest number above 0 in place of 0."""
    return np.asarray(np.log(np.maximum(p.astype(np.float64), np.finfo(np.float64).tiny)))


def _log_softmax(z: Array) -> Array:
    z = z - z.max(axis=1, keepdims=True)
    return np.asarray(z - np.log(np.exp(z).sum(axis=1, keepdims=True)))
