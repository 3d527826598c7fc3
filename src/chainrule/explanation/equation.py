"""An equation with its numbers, and several of them together."""

import dataclasses
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, overload

from chainrule.explanation.latex import as_latex, words_as_latex
from chainrule.explanation.mathml import as_mathml, math
from chainrule.explanation.text import as_text
from chainrule.explanation.tree import Node

__all__ = ["Equation", "Equations"]


@dataclasses.dataclass(frozen=True)
class Equation:
    """One equation: symbol = formula = numbers = result. Notebooks show it as MathML, `print` as text.

    - name: "forward", "activation", "BP1", "BP2", "BP3" or "BP4".
    - symbol, formula, numbers, result: the four sides, as trees; `numbers` is None where they are the result.
    - value: the result as a number, or an array in the matrix form.
    - note: what the symbols are called, such as the column of an input.

    >>> net = cr.Network([1, 1], output="identity", initializer=([[[2.0]]], [[1.0]]), dtype="float64")
    >>> equation = net.backprop([[3.0]], [[5.0]]).weight(2, 1, 1)
    >>> print(equation)
    ∂C_x/∂w_11²  BP4  a_1¹ δ_1² = 3.0000 · 2.0000 = 6.0000
    >>> print(equation.latex())
    \\frac{\\partial C_{x}}{\\partial w_{11}^{2}} = a_{1}^{1} \\delta_{1}^{2} = 3.0000 \\cdot 2.0000 = 6.0000
    >>> equation.value
    6.0
    """

    name: str
    symbol: Node
    formula: Node
    numbers: Node | None
    result: Node
    value: Any
    note: str = ""

    def __str__(self) -> str:
        sides = " = ".join(map(as_text, self._sides[1:]))
        return f"{as_text(self.symbol)}  {self.name}  {sides}" + (f"   ({self.note})" if self.note else "")

    def latex(self) -> str:
        """The four sides as a formula of LaTeX, without the signs of dollars around it."""
        sides = " = ".join(map(as_latex, self._sides))
        return sides + (rf" \quad {words_as_latex(self.note)}" if self.note else "")

    def mathml(self) -> str:
        """The four sides as MathML."""
        return math("<mo>=</mo>".join(map(as_mathml, self._sides)))

    def document(self) -> dict[str, Any]:
        """The equation as plain data; `value` is a number, or a list of rows."""
        symbol, formula, *numbers, _ = map(as_text, self._sides)
        value = self.value.tolist() if hasattr(self.value, "tolist") else self.value
        sides = {"symbol": symbol, "formula": formula, "numbers": numbers[0] if numbers else None}
        return {"equation": self.name, **sides, "value": value, "note": self.note, "latex": self.latex()}

    @property
    def _sides(self) -> list[Node]:
        sides = self.symbol, self.formula, self.numbers, self.result
        return [side for side in sides if side is not None]

    def _repr_html_(self) -> str:
        note = f" <small>{escape(self.note)}</small>" if self.note else ""
        return f"<div>{self.mathml()} <small>{self.name}</small>{note}</div>"


class Equations(Sequence[Equation]):
    """Equations in order, under a title. Notebooks show them as MathML, `print` as text."""

    def __init__(self, title: str, equations: Sequence[Equation]) -> None:
        self.title, self._equations = title, tuple(equations)

    @overload
    def __getitem__(self, index: int) -> Equation: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Equation, ...]: ...
    def __getitem__(self, index: int | slice) -> Equation | tuple[Equation, ...]:
        return self._equations[index]

    def __len__(self) -> int:
        return len(self._equations)

    def __iter__(self) -> Iterator[Equation]:
        return iter(self._equations)

    def __str__(self) -> str:
        return "\n".join([self.title, *(f"  {equation}" for equation in self)])

    __repr__ = __str__

    def latex(self) -> str:
        """The equations as an `aligned` environment of LaTeX."""
        lines = (equation.latex().replace(" = ", " &= ", 1) for equation in self)
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def document(self) -> dict[str, Any]:
        """The equations as plain data."""
        return {"title": self.title, "equations": [equation.document() for equation in self]}

    def _repr_html_(self) -> str:
        return f"<div><p>{escape(self.title)}</p>{''.join(e._repr_html_() for e in self)}</div>"
