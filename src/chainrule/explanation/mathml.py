"""Formulas as MathML, which browsers draw themselves: no script, no download."""

from html import escape

from chainrule.explanation import tree
from chainrule.explanation.digits import decimals

__all__ = ["as_mathml", "math"]

_SIGNS = {"": "<mo>&#x2062;</mo>", "·": "<mo>·</mo>", "⊙": "<mo>⊙</mo>"}  # U+2062: an invisible times


def math(*parts: str) -> str:
    """A whole formula of parts in MathML.

    >>> math(as_mathml(tree.Symbol("z", ("1",), "2")))
    '<math xmlns="http://www.w3.org/1998/Math/MathML"><msubsup><mi>z</mi><mn>1</mn><mn>2</mn></msubsup></math>'
    """
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML">{"".join(parts)}</math>'


def as_mathml(node: tree.Node) -> str:
    """The formula, without the element `math` around it."""
    match node:
        case tree.Symbol(name, below, above, prime):
            return _symbol(f"<mi>{escape(name)}</mi>" + "<mo>′</mo>" * prime, below, above)
        case tree.Number(value):
            return _number(value)
        case tree.Minus(body):
            return _row(f"<mo>−</mo>{_factor(body)}")
        case tree.Product(factors, sign):
            return _row(_SIGNS[sign].join([*map(_factor, factors[:-1]), _last(factors[-1])]))
        case tree.Sum(terms):
            return _row(as_mathml(terms[0]) + "".join(map(_added, terms[1:])))
        case tree.Total(index, body):
            return _row(f"<munder><mo>∑</mo><mi>{escape(index)}</mi></munder>{_last(body)}")
        case tree.Apply(function, arguments):
            return _row(
                f"{as_mathml(function)}<mo>&#x2061;</mo>{_bracketed('<mo>,</mo>'.join(map(as_mathml, arguments)))}"
            )
        case tree.Fraction(above, below):
            return f"<mfrac>{as_mathml(above)}{as_mathml(below)}</mfrac>"
        case tree.Transposed(body):
            inner = as_mathml(body)
            return f"<msup>{inner if isinstance(body, tree.Matrix) else _bracketed(inner)}<mi>T</mi></msup>"
        case tree.Matrix(rows, _):
            lines = ("".join(f"<mtd>{as_mathml(each)}</mtd>" for each in row) for row in rows)
            return _bracketed(f"<mtable>{''.join(f'<mtr>{line}</mtr>' for line in lines)}</mtable>")
        case tree.Dots():
            return "<mo>…</mo>"


def _symbol(name: str, below: tuple[str, ...], above: str) -> str:
    name = name if name.count("<") == 2 else _row(name)
    under = _row(
        "<mo>,</mo>".join(map(_index, below)) if any(len(i) > 1 for i in below) else "".join(map(_index, below))
    )
    if below and above:
        return f"<msubsup>{name}{under}{_index(above)}</msubsup>"
    if below:
        return f"<msub>{name}{under}</msub>"
    return f"<msup>{name}{_index(above)}</msup>" if above else name


def _index(text: str) -> str:
    tag = "mn" if text.isdigit() else "mi"
    return f"<{tag}>{escape(text)}</{tag}>"


def _number(value: float) -> str:
    digits, power = decimals(value)
    sign = "<mo>−</mo>" * digits.startswith("−")
    number = f"<mn>{digits.removeprefix('−')}</mn>"
    if power is not None:
        minus = "<mo>−</mo>" * (power < 0)
        number += f"<mo>·</mo><msup><mn>10</mn>{_row(f'{minus}<mn>{abs(power)}</mn>')}</msup>"
    return _row(sign + number) if sign or power is not None else number


def _row(inner: str) -> str:
    """Several elements as one; a single element alone."""
    return inner if inner.count("<") == 2 else f"<mrow>{inner}</mrow>"


def _bracketed(inner: str) -> str:
    return f"<mrow><mo>(</mo>{inner}<mo>)</mo></mrow>"


def _factor(node: tree.Node) -> str:
    return _bracketed(as_mathml(node)) if isinstance(node, tree.Sum | tree.Total) else as_mathml(node)


def _last(node: tree.Node) -> str:
    """A last factor: a Σ reaches to the end, so it needs no brackets."""
    return as_mathml(node) if isinstance(node, tree.Total) else _factor(node)


def _added(term: tree.Node) -> str:
    opposite = tree.negated(term)
    return f"<mo>+</mo>{as_mathml(term)}" if opposite is None else f"<mo>−</mo>{as_mathml(opposite)}"
