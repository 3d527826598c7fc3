"""The equations as matrices, for one example: columns, as both documents write them.

                GD, w^l is n_{l-1} × n_l              BP, W^l is n_l × n_{l-1}
    forward     z^l = (w^l)ᵀ a^{l-1} + b^l            Z^l = W^l A^{l-1} + B^l
    BP1         δ^L = ∇_a C_x ⊙ σ'(z^L)               Δ^L = ∇_A C ⊙ σ'(Z^L)
    BP2         δ^l = (w^{l+1} δ^{l+1}) ⊙ σ'(z^l)     Δ^l = ((W^{l+1})ᵀ Δ^{l+1}) ⊙ σ'(Z^l)
    BP3         ∂C_x/∂b^l = δ^l                       ∂C/∂B^l = Δ^l
    BP4         ∂C_x/∂w^l = a^{l-1} (δ^l)ᵀ            ∂C/∂W^l = Δ^l (A^{l-1})ᵀ

Where σ mixes the z of a layer, (∂a/∂z)ᵀ multiplies in place of ⊙ σ'(z). A mask M of weights multiplies BP4 by ⊙ M.
"""

import numpy as np

from chainrule.arrays import Array
from chainrule.explanation.equation import Equation
from chainrule.explanation.notation import Notation
from chainrule.explanation.quantities import Part, Quantities
from chainrule.explanation.tree import (
    FEW,
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
    Transposed,
    few,
)

__all__ = ["matrix_form"]

MOST_JACOBIAN = 2**20  # elements of a Jacobian that is computed to be shown
_DOTS = Dots()


def matrix_form(q: Quantities, k: int, s: Notation) -> list[Equation]:
    """The equations of layer k + 2 in their order."""
    error = _bp1(q, s) if k == len(q.Z) - 1 else _bp2(q, k, s)
    return [_forward(q, k, s), _activation(q, k, s), error, _bp3(q, k, s), _bp4(q, k, s)]


def _forward(q: Quantities, k: int, s: Notation) -> Equation:
    l, W = k + 2, q.W[k]
    factors = (s.matrix(l), _matrix(W.T)) if s.bp else (Transposed(s.matrix(l)), Transposed(_matrix(W)))
    formula = Sum((Product((factors[0], s.of("a", l - 1))), s.of("b", l)))
    numbers = Sum((Product((factors[1], _column(q.A[k][0]))), _column(q.b[k])))
    return _equation("forward", s.of("z", l), formula, numbers, q.Z[k][0])


def _activation(q: Quantities, k: int, s: Notation) -> Equation:
    formula: Node = Apply(Symbol("σ"), (s.of("z", k + 2),))
    parts = [q.part(k, 0)] if k < len(q.Z) - 1 else [q.part(k, block.start) for block in q.architecture.blocks]
    alike = len(parts) == 1 or (len({part.activation for part in parts}) == 1 and parts[0].activation.elementwise)
    name = parts[0].activation.name if alike else "σ"
    numbers: Node = Apply(Symbol(name), (_column(q.Z[k][0]),))
    if kept := _kept(q, k, s):
        formula, numbers = Product((formula, kept[0]), "⊙"), Product((numbers, kept[1]), "⊙")
    return _equation("activation", s.of("a", k + 2), formula, numbers, q.A[k + 1][0])


def _bp1(q: Quantities, s: Notation) -> Equation:
    k = len(q.Z) - 1
    L, parts = k + 2, [q.part(k, block.start) for block in q.architecture.blocks]
    symbol, a, t = s.of("δ", L), _column(q.sigma[k][0]), _column(q.T[0])
    weight = [] if q.term_weight is None else [(Symbol("s"), _column(q.term_weight[0]))]
    quadratic = all(block.cost.name == "quadratic" for block in q.architecture.blocks)
    if all(part.canonical for part in parts) or quadratic:
        both: list[tuple[Node, Node]] = [(Sum((s.of("a", L), Minus(s.target()))), Sum((a, Minus(t))))]
        formula, numbers = _elementwise([*weight, *both])
        if all(part.canonical for part in parts):
            return _equation("BP1", symbol, formula, numbers, q.delta[k][0])
        return _equation("BP1", symbol, *_pulled_back(q, k, parts, s, formula, numbers), q.delta[k][0])
    slopes = np.concatenate([q.cost_slopes(part.block)[0] for part in parts if part.block is not None])
    slopes = slopes if q.term_weight is None else slopes * q.term_weight[0]
    gradient = Product((Symbol("∇", ("A" if s.bp else "a",)), Symbol("C", s.cost)))
    return _equation("BP1", symbol, *_pulled_back(q, k, parts, s, gradient, _column(slopes)), q.delta[k][0])


def _bp2(q: Quantities, k: int, s: Notation) -> Equation:
    l, W = k + 2, q.W[k + 1]
    matrices = (Transposed(s.matrix(l + 1)), Transposed(_matrix(W.T))) if s.bp else (s.matrix(l + 1), _matrix(W))
    back, numbers = Product((matrices[0], s.of("δ", l + 1))), Product((matrices[1], _column(q.delta[k + 1][0])))
    formula, value = Sum((back,)), Sum((numbers,))
    kept = _kept(q, k, s)
    if kept:
        formula, value = (Sum((Product((one, other), "⊙"),)) for one, other in zip((formula, value), kept, strict=True))
    return _equation("BP2", s.of("δ", l), *_pulled_back(q, k, [q.part(k, 0)], s, formula, value), q.delta[k][0])


def _bp3(q: Quantities, k: int, s: Notation) -> Equation:
    return _equation("BP3", s.derivative(s.of("b", k + 2)), s.of("δ", k + 2), None, q.db[k])


def _bp4(q: Quantities, k: int, s: Notation) -> Equation:
    l = k + 2
    sides: list[tuple[Node, Node]] = [(s.of("a", l - 1), _column(q.A[k][0])), (s.of("δ", l), _column(q.delta[k][0]))]
    first, second = sides[::-1] if s.bp else sides
    formula: Node = Product((first[0], Transposed(second[0])))
    numbers: Node = Product((first[1], Transposed(second[1])))
    mask, value = q.architecture.masks[k], q.dW[k].T if s.bp else q.dW[k]
    if mask is not None:
        kept = Symbol("M", (), str(l)), _matrix(mask.T if s.bp else mask)
        formula, numbers = _elementwise([(Sum((formula,)), Sum((numbers,))), kept])
    return Equation("BP4", s.derivative(s.matrix(l)), formula, numbers, _matrix(value), value)


# --- parts of them ---------------------------------------------------------------------------------------------------


def _pulled_back(
    q: Quantities, k: int, parts: list[Part], s: Notation, formula: Node, numbers: Node
) -> tuple[Node, Node | None]:
    """dC_x/da, as symbols and as numbers, pulled back through the activation of the layer."""
    l, n = k + 2, q.architecture.sizes[k + 1]
    if all(part.activation.elementwise for part in parts):
        slopes = np.concatenate([q.slopes(k, part)[0] for part in parts])
        slope = Apply(Symbol("σ", prime=True), (s.of("z", l),)), _column(slopes)
        return _elementwise([(formula, numbers), slope])
    a, z = s.of("a", l), s.of("z", l)
    jacobian = Transposed(Fraction(Symbol(f"∂{a.name}", (), a.above), Symbol(f"∂{z.name}", (), z.above)))
    if n * n > MOST_JACOBIAN:
        return Product((jacobian, formula)), None
    whole = np.zeros((n, n), q.Z[k].dtype)
    for part in parts:
        width = part.columns.stop - part.columns.start
        whole[part.columns, part.columns] = q.jacobian(k, part, range(width))
    return Product((jacobian, formula)), Product((Transposed(_matrix(whole)), numbers))


def _elementwise(factors: list[tuple[Node, Node]]) -> tuple[Node, Node]:
    """The product of each element."""
    if len(factors) == 1:
        return factors[0]
    formulas, numbers = zip(*factors, strict=True)
    return Product(tuple(formulas), "⊙"), Product(tuple(numbers), "⊙")


def _kept(q: Quantities, k: int, s: Notation) -> tuple[Node, Node] | None:
    """Dropout's factors of a layer; None where nothing is dropped."""
    factors = None if q.keep is None else q.keep[k]
    return None if factors is None else (Symbol("κ", (), str(k + 2)), _column(factors[0]))


def _column(values: Array) -> Matrix:
    return _matrix(values[:, None])


def _matrix(values: Array) -> Matrix:
    """A matrix of numbers, cut where it is large."""
    rows, columns = values.shape

    def row(i: int) -> tuple[Node, ...]:
        return few(columns, lambda j: Number(float(values[i, j])))

    lines = [row(i) for i in (range(rows) if rows <= FEW else (*range(FEW - 2), rows - 1))]
    if rows > FEW:
        lines.insert(FEW - 2, few(columns, lambda j: _DOTS))
    return Matrix(tuple(lines), (rows, columns))


def _equation(name: str, symbol: Node, formula: Node, numbers: Node | None, value: Array) -> Equation:
    return Equation(name, symbol, formula, numbers, _column(value), value)
