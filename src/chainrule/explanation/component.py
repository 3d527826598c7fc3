"""The equations index by index: for one neuron of one example, and for one weight or bias of one example or many.

Functions take the quantities, the index k of layer k + 2 and the neurons i, j from 0; what they write counts from 1.
"""

from collections.abc import Callable, Sequence

from chainrule.arrays import Array
from chainrule.explanation.equation import Equation
from chainrule.explanation.notation import Notation
from chainrule.explanation.quantities import Quantities
from chainrule.explanation.tree import (
    FEW,
    Apply,
    Fraction,
    Minus,
    Node,
    Number,
    Product,
    Sum,
    Symbol,
    Total,
    difference,
    few,
    product,
)

__all__ = ["activation", "bp1", "bp2", "bp3", "bp4", "forward"]


def forward(q: Quantities, k: int, j: int, s: Notation) -> Equation:
    """z_j^l = Σ_i w_ij^l a_i^{l-1} + b_j^l."""
    l, W, a = k + 2, q.W[k], q.A[k][0]
    symbol = s.of("z", l, j + 1)
    formula = Sum((Total("i", Product((s.w(l, "i", j + 1), s.of("a", l - 1, "i")))), s.of("b", l, j + 1)))
    numbers = Sum((*few(len(a), lambda i: _product(W[i, j], a[i])), _number(q.b[k][j])))
    return _equation("forward", symbol, formula, numbers, q.Z[k][0, j])


def activation(q: Quantities, k: int, j: int, s: Notation) -> Equation:
    """a_j^l = σ(z_j^l), σ_j of all z of its part where it is not elementwise, times dropout's factor."""
    l, part, kept = k + 2, q.part(k, j), _factor(q, k, j, s)
    z = q.Z[k][0, part.columns]
    own = j - part.columns.start
    if part.activation.elementwise:
        formula: Node = Apply(Symbol("σ"), (s.of("z", l, j + 1),))
        numbers: Node = Apply(Symbol(part.activation.name), (_number(z[own]),))
    else:
        formula = Apply(Symbol("σ", (str(j + 1),)), (s.of("z", l),))
        numbers = Apply(Symbol(part.activation.name, (str(own + 1),)), few(len(z), lambda i: _number(z[i])))
    if kept:
        formula, numbers = product(formula, kept[0]), product(numbers, kept[1], sign="·")
    return _equation("activation", s.of("a", l, j + 1), formula, numbers, q.A[k + 1][0, j])


def bp1(q: Quantities, j: int, s: Notation) -> Equation:
    """BP1: δ_j^L = ∂C_x/∂a_j σ'(z_j), a_j - t_j for canonical pairs, Σ_i ∂C_x/∂a_i ∂a_i/∂z_j where σ mixes the z_i."""
    k = len(q.Z) - 1
    L, part = k + 2, q.part(k, j)
    block, own = part.block, j - part.columns.start
    assert block is not None, "it is the last layer"
    weight = None if q.term_weight is None else q.term_weight[0, j]
    if not (part.canonical or part.activation.elementwise):
        slopes = q.cost_slopes(block)[0] * (1 if q.term_weight is None else q.term_weight[0, block.columns])
        return _mixed("BP1", q, k, j, s, lambda i: s.derivative(s.of("a", L, i)), lambda rows: slopes[list(rows)])
    outer = _weighted(weight, s, j)
    formula: list[Node] = [each for each, _ in outer]
    numbers: list[Node] = [each for _, each in outer]
    if part.canonical or block.cost.name == "quadratic":
        formula.append(Sum((s.of("a", L, j + 1), Minus(s.target(j + 1)))))
        numbers.append(difference(float(q.sigma[k][0, j]), float(q.T[0, j])))
    else:
        formula.append(s.derivative(s.of("a", L, j + 1)))
        numbers.append(_number(q.cost_slopes(block)[0, own]))
    if not part.canonical:
        formula.append(_slope(s, L, j + 1))
        numbers.append(_number(q.slopes(k, part)[0, own]))
    return _equation("BP1", s.of("δ", L, j + 1), product(*formula), product(*numbers, sign="·"), q.delta[k][0, j])


def bp2(q: Quantities, k: int, j: int, s: Notation) -> Equation:
    """BP2: δ_j^l = (Σ_k w_jk^{l+1} δ_k^{l+1}) σ'(z_j^l), times dropout's factor; Σ_i ... ∂a_i/∂z_j where σ mixes."""
    l, part = k + 2, q.part(k, j)

    def back(i: int | str) -> Node:
        return Total("k", Product((s.w(l + 1, i, "k"), s.of("δ", l + 1, "k"))))

    if not part.activation.elementwise:
        return _mixed("BP2", q, k, j, s, back, lambda rows: q.from_next(k, rows))
    W, delta = q.W[k + 1], q.delta[k + 1][0]
    formula: list[Node] = [back(j + 1)]
    numbers: list[Node] = [Sum(few(len(delta), lambda n: _product(W[j, n], delta[n])))]
    if kept := _factor(q, k, j, s):
        formula.append(kept[0])
        numbers.append(kept[1])
    formula.append(_slope(s, l, j + 1))
    numbers.append(_number(q.slopes(k, part)[0, j]))
    sides = Product(tuple(formula)), Product(tuple(numbers), "·")
    return _equation("BP2", s.of("δ", l, j + 1), *sides, q.delta[k][0, j])


def bp3(q: Quantities, k: int, j: int, s: Notation) -> Equation:
    """BP3: ∂C_x/∂b_j^l = δ_j^l of one example; the weighted mean of many."""
    b, delta = s.of("b", k + 2, j + 1), s.of("δ", k + 2, j + 1)
    values = q.delta[k][:, j]
    if q.alone:
        return _equation("BP3", s.derivative(b), delta, None, q.db[k][j])
    formula, numbers = _mean(q, delta, lambda x: [_number(values[x])])
    return _equation("BP3", s.derivative(b, mean=True), formula, numbers, q.db[k][j])


def bp4(q: Quantities, k: int, i: int, j: int, s: Notation) -> Equation:
    """BP4: ∂C_x/∂w_ij^l = a_i^{l-1} δ_j^l of one example; the weighted mean of many; 0 where the weight is masked."""
    l, mask = k + 2, q.architecture.masks[k]
    symbol = s.derivative(s.w(l, i + 1, j + 1), mean=not q.alone)
    if mask is not None and not mask[i, j]:
        return _equation("BP4", symbol, Number(0.0), None, q.dW[k][i, j], "the mask keeps this weight at 0")
    formula: Node = Product((s.of("a", l - 1, i + 1), s.of("δ", l, j + 1)))
    a, delta = q.A[k][:, i], q.delta[k][:, j]
    if q.alone:
        numbers: Node = _product(a[0], delta[0])
    else:
        formula, numbers = _mean(q, formula, lambda x: [_number(a[x]), _number(delta[x])])
    return _equation("BP4", symbol, formula, numbers, q.dW[k][i, j])


# --- parts of them ---------------------------------------------------------------------------------------------------


def _number(value: Array | float) -> Number:
    return Number(float(value))


def _product(a: Array | float, b: Array | float) -> Product:
    return Product((_number(a), _number(b)), "·")


def _equation(
    name: str, symbol: Node, formula: Node, numbers: Node | None, value: Array | float, note: str = ""
) -> Equation:
    return Equation(name, symbol, formula, numbers, _number(value), float(value), note)


def _slope(s: Notation, l: int, j: int) -> Node:
    return Apply(Symbol("σ", prime=True), (s.of("z", l, j),))


def _factor(q: Quantities, k: int, j: int, s: Notation) -> tuple[Node, Node] | None:
    """Dropout's factor of a neuron, as a letter and a number; None where nothing is dropped."""
    factors = None if q.keep is None else q.keep[k]
    return None if factors is None else (s.of("κ", k + 2, j + 1), _number(factors[0, j]))


def _weighted(weight: Array | None, s: Notation, j: int) -> list[tuple[Node, Node]]:
    """The weight of a term, as a letter and a number."""
    return [] if weight is None else [(Symbol("s", (str(j + 1),)), _number(weight))]


def _mean(q: Quantities, formula: Node, factors: Callable[[int], Sequence[Node]]) -> tuple[Node, Node]:
    """1/m Σ_x s_x formula, with its numbers for each example."""
    s = q.row_weight
    letter = [] if s is None else [Symbol("s", ("x",))]
    whole = Fraction(Symbol("1"), Symbol("m"))
    body = product(*letter, *(formula.factors if isinstance(formula, Product) else (formula,)))

    def term(x: int) -> Node:
        return product(*([] if s is None else [_number(s[x])]), *factors(x), sign="·")

    count = Fraction(Symbol("1"), Symbol(str(q.examples)))
    return Product((whole, Total("x", body))), Product((count, Sum(few(q.examples, term))), "·")


def _mixed(
    name: str,
    q: Quantities,
    k: int,
    j: int,
    s: Notation,
    symbol: Callable[[int | str], Node],
    numbers: Callable[[Sequence[int]], Array],
) -> Equation:
    """δ_j = Σ_i ∂C_x/∂a_i ∂a_i/∂z_j, over the neurons i of the part: `symbol` and `numbers` are of ∂C_x/∂a_i."""
    l, part = k + 2, q.part(k, j)
    start, width = part.columns.start, part.columns.stop - part.columns.start
    rows = [*range(width)] if width <= FEW else [*range(FEW - 2), width - 1]
    J, g = q.jacobian(k, part, rows)[:, j - start], numbers(rows)
    places = {row: place for place, row in enumerate(rows)}
    z, a = s.of("z", l, j + 1), s.of("a", l, "i")
    slope = Fraction(Symbol("∂a", a.below, a.above), Symbol("∂z", z.below, z.above))
    sums = Sum(few(width, lambda i: _product(g[places[i]], J[places[i]])))
    first = symbol("i")
    formula = Total("i", Product((Sum((first,)) if isinstance(first, Total) else first, slope)))
    return _equation(name, s.of("δ", l, j + 1), formula, sums, q.delta[k][0, j])
