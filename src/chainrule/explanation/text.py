"""Formulas as text: δ_3² = (Σ_k w_3k³ δ_k³) σ'(z_3²)."""

from chainrule.explanation.digits import decimals
from chainrule.explanation.tree import (
    Apply,
    Dots,
    Fraction,
    Matrix,
    Minus,
    Node,
    Number,
    Product,
    Sum,
    Symbol,
    Total,
    Transposed,
    negated,
)

__all__ = ["as_text"]

_ABOVE = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def as_text(node: Node) -> str:
    """The formula in one line.

    >>> as_text(Product((Total("k", Symbol("w", ("3", "k"), "3")), Apply(Symbol("σ", prime=True), (Symbol("z"),)))))
    "(Σ_k w_3k³) σ'(z)"
    """
    match node:
        case Symbol(name, below, above, prime):
            return name + "'" * prime + _below(below) + above.translate(_ABOVE)
        case Number(value):
            digits, power = decimals(value)
            return digits if power is None else f"{digits}·10{str(power).translate(_ABOVE)}"
        case Minus(body):
            return f"−{_factor(body)}"
        case Product(factors, sign):
            return (f" {sign} " if sign else " ").join([*map(_factor, factors[:-1]), _last(factors[-1])])
        case Sum(terms):
            return as_text(terms[0]) + "".join(map(_added, terms[1:]))
        case Total(index, body):
            return f"Σ_{index} {_last(body)}"
        case Apply(function, arguments):
            return f"{as_text(function)}({', '.join(map(as_text, arguments))})"
        case Fraction(above, below):
            return f"{as_text(above)}/{as_text(below)}"
        case Transposed(body):
            plain = isinstance(body, Matrix) or (isinstance(body, Symbol) and not body.above)
            return (as_text(body) if plain else f"({as_text(body)})") + "ᵀ"
        case Matrix(rows, _):
            return f"[{'; '.join(', '.join(map(as_text, row)) for row in rows)}]"
        case Dots():
            return "…"


def _below(indices: tuple[str, ...]) -> str:
    """Indices side by side, with commas where one of them has several digits."""
    return f"_{(',' if any(len(i) > 1 for i in indices) else '').join(indices)}" if indices else ""


def _factor(node: Node) -> str:
    return f"({as_text(node)})" if isinstance(node, Sum | Total) else as_text(node)


def _last(node: Node) -> str:
    """A last factor: a Σ reaches to the end, so it needs no brackets."""
    return as_text(node) if isinstance(node, Total) else _factor(node)


def _added(term: Node) -> str:
    opposite = negated(term)
    return f" + {as_text(term)}" if opposite is None else f" − {as_text(opposite)}"
