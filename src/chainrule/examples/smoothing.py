"""Label smoothing: class targets that are a little less than certain."""

from typing import Any

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.examples.examples import Examples

__all__ = ["smoothed"]

CLASSES = {"cross_entropy": None, "binary_cross_entropy": 2}  # the classes of an output; None for one an output


def smoothed(architecture: Architecture, examples: Examples, share: float, dtype: np.dtype[Any]) -> Examples:
    """The examples with targets (1 - share) T + share / K, where K is the number of classes.

    K is the width of a block with cross-entropy, and 2 for each output with binary cross-entropy. Other blocks keep
    their targets. Class numbers become targets (n, n_L).

    >>> from chainrule.examples import as_examples
    >>> net = cr.Network([1, 4], output="softmax", cost="cross_entropy", dtype="float64")
    >>> examples = as_examples(net.architecture, [[0.0]], [2], None, net.dtype)
    >>> smoothed(net.architecture, examples, 0.2, net.dtype).T
    array([[0.05, 0.05, 0.85, 0.05]])

    Raises SettingError where no block has one of the two costs.

    Source: Szegedy, Vanhoucke, Ioffe, Shlens & Wojna, Rethinking the Inception architecture for computer vision, CVPR
    2016, section 7; for two classes the same with K = 2.
    """
    blocks = [block for block in architecture.blocks if block.cost.name in CLASSES]
    if not blocks:
        raise SettingError(
            f"label_smoothing is {share:g}, but no output has classes as targets, with cost cross_entropy or "
            "binary_cross_entropy: leave it out"
        )
    T: Array = np.array(architecture.one_hot(examples.T, dtype), dtype=dtype)
    for block in blocks:
        classes = CLASSES[block.cost.name] or block.width
        T[:, block.columns] = (1 - share) * T[:, block.columns] + share / classes
    return examples._replace(T=T)
