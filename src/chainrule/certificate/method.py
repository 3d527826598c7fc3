"""How the derivatives of C are computed: by complex step if every function carries complex numbers, else differences.

The entries of the registries carry complex numbers: comparisons use real parts. A function of your own is tried.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.architecture import Architecture, Block
from chainrule.arrays import Array
from chainrule.costs import COSTS, Cost
from chainrule.differences import choose_gradient

__all__ = ["CENTRAL", "CENTRAL_IN_FLOAT32", "COMPLEX", "STEPS", "UNITS", "Method", "method_for", "own_error"]

COMPLEX = "complex step"
CENTRAL = "central differences"
CENTRAL_IN_FLOAT32 = "central differences in float32"
ORDER = (COMPLEX, CENTRAL, CENTRAL_IN_FLOAT32)  # each asks less of a function than the one before
NAMES = {"complex_gradient": COMPLEX, "central_gradient": CENTRAL, "central_gradient_in_float32": CENTRAL_IN_FLOAT32}
STEPS = {CENTRAL: 6e-6, CENTRAL_IN_FLOAT32: 5e-3}  # h as in `differences`, times max(1, |w|)
UNITS = {COMPLEX: 2.0**-53, CENTRAL: 2.0**-53, CENTRAL_IN_FLOAT32: 2.0**-24}  # u of the functions in use
FEW = 16  # rows that a function is tried on


class Method(NamedTuple):
    """The method, and the function because of which it is not the complex step; "" where there is none."""

    name: str
    because: str


def method_for(architecture: Architecture, Z: list[Array], A_L: Array, T: Array) -> Method:
    """The method that every function in use allows, tried at Z of layers 2 to L, A of layer L and the targets."""
    trials = [
        (str(sigma), _along(sigma.value, z[:FEW]))
        for sigma, z in zip(architecture.hidden, Z[:-1], strict=True)
        if not ACTIVATIONS.holds(sigma)
    ]
    for block in architecture.blocks:
        trials += _trials_of(block, Z[-1][:FEW, block.columns], A_L[:FEW, block.columns], T[:FEW, block.columns])
    methods = [(_method_of(f), name) for name, f in trials]
    name, because = max(methods, key=lambda each: ORDER.index(each[0]), default=(COMPLEX, ""))
    return Method(name, "" if name == COMPLEX else because)


def _trials_of(block: Block, Z: Array, A: Array, T: Array) -> list[tuple[str, Callable[[Array], Any]]]:
    trials = [] if ACTIVATIONS.holds(block.activation) else [(str(block.activation), _along(block.activation.value, Z))]
    if not COSTS.holds(block.cost):
        trials.append((str(block.cost), _along(lambda a: block.cost.terms(a, T), A)))
    return trials


def _along(f: Callable[[Array], Array], at: Array) -> Callable[[Array], Any]:
    """The sum of f as a function of one number t, (1,), which moves every element of the argument at its own speed."""
    speeds = np.linspace(0.5, 1.0, at.size).reshape(at.shape)
    return lambda t: np.sum(f(at + t[0] * speeds))


def _method_of(f: Callable[[Array], Any]) -> str:
    with np.errstate(all="ignore"):
        return NAMES[choose_gradient(f, np.zeros(1)).__name__]


def own_error(entry: Activation | Cost) -> float:
    """What the derivative that an entry has is wrong by, for a function of size 1: 0 unless it is a difference itself.

    (f(z + h) - f(z - h)) / 2h is wrong by the rounding of f divided by h, and by h² for a third derivative of size 6.
    """
    by = str(getattr(entry, "derivative_by", ""))
    name = {"central difference": CENTRAL, "central difference in float32": CENTRAL_IN_FLOAT32}.get(by)
    return UNITS[name] / STEPS[name] + STEPS[name] ** 2 if name else 0.0
