"""Minimises any differentiable function by gradient descent: v ← v - eta dC/dv, or another rule, until dC/dv is 0.

Training a network is the same method for one function, its cost. `Descent` is an iterator with the same events as a
training; `minimize` runs it to its end and returns SciPy's `OptimizeResult`.
"""

from chainrule.descent.loop import Descent
from chainrule.descent.minimization import descend, minimize, scipy_method

__all__ = ["Descent", "descend", "minimize", "scipy_method"]
