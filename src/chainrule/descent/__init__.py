"""Gradient descent on any differentiable function: v ← v - eta dC/dv, or any other rule, until the gradient vanishes.

A network's training is this on one function, its cost. `Descent` is an iterator of the same events as a training;
`minimize` runs it to its end and gives SciPy's `OptimizeResult`.
"""

from chainrule.descent.loop import Descent
from chainrule.descent.minimization import descend, minimize, scipy_method

__all__ = ["Descent", "descend", "minimize", "scipy_method"]
