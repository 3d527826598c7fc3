r"""Formulas as LaTeX: \delta_{3}^{2} = \left(\sum_{k} w_{3k}^{3} \delta_{k}^{3}\right) \sigma'(z_{3}^{2})."""

from chainrule.explanation import tree
from chainrule.explanation.digits import decimals

__all__ = ["as_latex", "words_as_latex"]

_LETTERS = {"δ": r"\delta", "Δ": r"\Delta", "σ": r"\sigma", "κ": r"\kappa", "∂": r"\partial ", "∇": r"\nabla"}
_SIGNS = {"": " ", "·": r" \cdot ", "⊙": r" \odot "}
_SPECIAL = {c: rf"\{c}" for c in "&%$#_{}"} | {"\\": r"\backslash{}", "~": r"\sim{}", "^": r"\wedge{}"}


def as_latex(node: tree.Node) -> str:
    r"""The formula, for a formula of LaTeX.

    >>> print(as_latex(tree.Product((tree.Symbol("δ", ("1",), "2"), tree.Number(-0.5)), "·")))
    \delta_{1}^{2} \cdot -0.5000
    """
    match node:
        case tree.Symbol(name, below, above, prime):
            under = f"_{{{_below(below)}}}" if below else ""
            return _name(name) + "'" * prime + under + (f"^{{{above}}}" if above else "")
        case tree.Number(value):
            return _number(value)
        case tree.Minus(body):
            return f"-{_factor(body)}"
        case tree.Product(factors, sign):
            return _SIGNS[sign].join([*map(_factor, factors[:-1]), _last(factors[-1])])
        case tree.Sum(terms):
            return as_latex(terms[0]) + "".join(map(_added, terms[1:]))
        case tree.Total(index, body):
            return rf"\sum_{{{index}}} {_last(body)}"
        case tree.Apply(function, arguments):
            return rf"{as_latex(function)}\left({', '.join(map(as_latex, arguments))}\right)"
        case tree.Fraction(above, below):
            return rf"\frac{{{as_latex(above)}}}{{{as_latex(below)}}}"
        case tree.Transposed(body):
            inner = as_latex(body)
            return rf"{inner}^{{T}}" if isinstance(body, tree.Matrix) else rf"\left({inner}\right)^{{T}}"
        case tree.Matrix(rows, _):
            lines = r" \\ ".join(" & ".join(map(as_latex, row)) for row in rows)
            return rf"\begin{{pmatrix}} {lines} \end{{pmatrix}}"
        case tree.Dots():
            return r"\dots"


def words_as_latex(words: str) -> str:
    """Words inside a formula, with the characters that LaTeX reads as commands escaped."""
    return rf"\text{{{''.join(_SPECIAL.get(c, c) for c in words)}}}"


def _below(indices: tuple[str, ...]) -> str:
    return ("," if any(len(i) > 1 for i in indices) else "").join(indices)


def _name(name: str) -> str:
    if len(name) > 2 and name.isascii():
        return rf"\operatorname{{{''.join(_SPECIAL.get(c, c) for c in name)}}}"
    return "".join(_LETTERS.get(c, c) for c in name)


def _number(value: float) -> str:
    digits, power = decimals(value)
    digits = digits.replace("−", "-").replace("∞", r"\infty").replace("NaN", r"\text{NaN}")
    return digits if power is None else rf"{digits} \cdot 10^{{{power}}}"


def _factor(node: tree.Node) -> str:
    return rf"\left({as_latex(node)}\right)" if isinstance(node, tree.Sum | tree.Total) else as_latex(node)


def _last(node: tree.Node) -> str:
    """A last factor: a sum sign reaches to the end, so it needs no brackets."""
    return as_latex(node) if isinstance(node, tree.Total) else _factor(node)


def _added(term: tree.Node) -> str:
    opposite = tree.negated(term)
    return f" + {as_latex(term)}" if opposite is None else f" - {as_latex(opposite)}"
