"""Equations that show themselves: symbol = formula = numbers = result, as text, LaTeX and MathML."""

from chainrule.explanation.equation import Equation, Equations
from chainrule.explanation.explained import Explained, Layer

__all__ = ["Equation", "Equations", "Explained", "Layer"]
