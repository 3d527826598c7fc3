"""The letters and the orientation of the two documents: GD (w_ij goes from i to j) and BP (w_ji does)."""

import dataclasses

from chainrule.errors import SettingError
from chainrule.explanation.tree import Fraction, Node, Symbol
from chainrule.text import shown

__all__ = ["Notation", "notation_of"]


@dataclasses.dataclass(frozen=True)
class Notation:
    """How a document writes: `bp` for BP, else GD. Numbers of layers and neurons are from 1."""

    bp: bool

    def of(self, letter: str, l: int, j: int | str | None = None, prime: bool = False) -> Symbol:
        """z, a, b or delta of layer l: of neuron j, or all of them, for which BP has capital letters."""
        capital = {"δ": "Δ"}.get(letter, letter.upper()) if self.bp and j is None else letter
        return Symbol(capital, () if j is None else (str(j),), str(l), prime)

    def w(self, l: int, i: int | str, j: int | str) -> Symbol:
        """The weight from neuron i of layer l-1 to neuron j of layer l."""
        return Symbol("w", (str(j), str(i)) if self.bp else (str(i), str(j)), str(l))

    def matrix(self, l: int) -> Symbol:
        """The weights of layer l."""
        return Symbol("W" if self.bp else "w", (), str(l))

    def target(self, j: int | None = None) -> Symbol:
        """The target of output j, or all targets."""
        letter = ("Y" if j is None else "y") if self.bp else "t"
        return Symbol(letter, () if j is None else (str(j),))

    @property
    def cost(self) -> tuple[str, ...]:
        """The index of the cost of one example, which BP writes without one."""
        return () if self.bp else ("x",)

    def derivative(self, by: Symbol, mean: bool = False) -> Node:
        """dC_x/d`by`, or with `mean` dC/d`by`."""
        return Fraction(Symbol("∂C", () if mean else self.cost), Symbol(f"∂{by.name}", by.below, by.above))


def notation_of(name: str) -> Notation:
    """The notation of a document.

    >>> notation_of("BP").w(2, 1, 3).below, notation_of("GD").w(2, 1, 3).below
    (('3', '1'), ('1', '3'))

    Raises SettingError for another name than "GD" and "BP".
    """
    if not isinstance(name, str) or name.upper() not in ("GD", "BP"):
        raise SettingError(f"notation is {shown(name)}, but must be 'GD' or 'BP', one of the two documents")
    return Notation(name.upper() == "BP")
