"""Formulas as text: δ_3² = (Σ_k w_3k³ δ_k³) σ'(z_3²)."""

from chainrule.explanation import tree
from chainrule.explanation.digits import decimals

__all__ = ["as_text"]

_ABOVE = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def as_text(node: tree.Node) -> str:
    """The formula in one line.

    >>> z = tree.Symbol("z")
    >>> as_text(tree.Product((tree.Total("k", tree.Symbol("w", ("3", "k"), "3")), tree.Apply(tree.Symbol("σ"), (z,)))))
    '(Σ_k w_3k³) σ(z)'
    """
    match node:
        case tree.Symbol(name, below, above, prime):
            return name + "'" * prime + _below(below) + above.translate(_ABOVE)
        case tree.Number(value):
            digits, power = decimals(value)
            return digits if power is None else f"{digits}·10{str(power).translate(_ABOVE)}"
        case tree.Minus(body):
            return f"−{_factor(body)}"
        case tree.Product(factors, sign):
            return (f" {sign} " if sign else " ").join([*map(_factor, factors[:-1]), _last(factors[-1])])
        case tree.Sum(terms):
            return as_text(terms[0]) + "".join(map(_added, terms[1:]))
        case tree.Total(index, body):
            return f"Σ_{index} {_last(body)}"
        case tree.Apply(function, arguments):
            return f"{as_text(function)}({', '.join(map(as_text, arguments))})"
        case tree.Fraction(above, below):
            return f"{as_text(above)}/{as_text(below)}"
        case tree.Transposed(body):
            plain = isinstance(body, tree.Matrix) or (isinstance(body, tree.Symbol) and not body.above)
            return (as_text(body) if plain else f"({as_text(body)})") + "ᵀ"
        case tree.Matrix(rows, _):
            return f"[{'; '.join(', '.join(map(as_text, row)) for row in rows)}]"
        case tree.Dots():
            return "…"


def _below(indices: tuple[str, ...]) -> str:
    """Indices side by side, with commas where one of them has several digits."""
    return f"_{(',' if any(len(i) > 1 for i in indices) else '').join(indices)}" if indices else ""


def _factor(node: tree.Node) -> str:
    return f"({as_text(node)})" if isinstance(node, tree.Sum | tree.Total) else as_text(node)


def _last(node: tree.Node) -> str:
    """A last factor: a Σ reaches to the end, so it needs no brackets."""
    return as_text(node) if isinstance(node, tree.Total) else _factor(node)


def _added(term: tree.Node) -> str:
    opposite = tree.negated(term)
    return f" + {as_text(term)}" if opposite is None else f" − {as_text(opposite)}"
