"""What a formula is made of: a small tree, which `text`, `latex` and `mathml` write.

δ_3² = (Σ_k w_3k³ δ_k³) σ'(z_3²)      Product(Total("k", Product(w, δ)), Apply(σ', z))
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

__all__ = [
    "Apply",
    "Dots",
    "Fraction",
    "Matrix",
    "Minus",
    "Node",
    "Number",
    "Product",
    "Sum",
    "Symbol",
    "Total",
    "Transposed",
    "difference",
    "few",
    "negated",
    "product",
]

FEW = 6  # terms of a sum that are all written


@dataclasses.dataclass(frozen=True)
class Symbol:
    """A letter or a name, with indices below and a layer above: w_12³."""

    name: str
    below: tuple[str, ...] = ()
    above: str = ""
    prime: bool = False


@dataclasses.dataclass(frozen=True)
class Number:
    """A number."""

    value: float


@dataclasses.dataclass(frozen=True)
class Minus:
    """What is subtracted."""

    body: Node


@dataclasses.dataclass(frozen=True)
class Product:
    """Factors with a sign between them: "" for letters, "·" for numbers, "⊙" for each element."""

    factors: tuple[Node, ...]
    sign: str = ""


@dataclasses.dataclass(frozen=True)
class Sum:
    """Terms that are added; within a product it has brackets, also around a single term."""

    terms: tuple[Node, ...]


@dataclasses.dataclass(frozen=True)
class Total:
    """The sum over an index: Σ_k body."""

    index: str
    body: Node


@dataclasses.dataclass(frozen=True)
class Apply:
    """A function of arguments: σ'(z)."""

    function: Symbol
    arguments: tuple[Node, ...]


@dataclasses.dataclass(frozen=True)
class Fraction:
    """A quotient, and a derivative."""

    above: Node
    below: Node


@dataclasses.dataclass(frozen=True)
class Transposed:
    """A matrix with its rows as columns."""

    body: Node


@dataclasses.dataclass(frozen=True)
class Matrix:
    """Rows of numbers, with dots where a large one is cut; `shape` is that of the whole."""

    rows: tuple[tuple[Node, ...], ...]
    shape: tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Dots:
    """What is left out."""


Node = Symbol | Number | Minus | Product | Sum | Total | Apply | Fraction | Transposed | Matrix | Dots


def few(count: int, node: Callable[[int], Node]) -> tuple[Node, ...]:
    """Nodes 0 to count - 1, if they are few; of many the first, dots and the last.

    >>> [len(few(count, lambda i: Number(1.0))) for count in (6, 784)]
    [6, 6]
    """
    if count <= FEW:
        return tuple(node(i) for i in range(count))
    return (*(node(i) for i in range(FEW - 2)), Dots(), node(count - 1))


def difference(a: float, t: float) -> Sum:
    """a - t in numbers."""
    return Sum((Number(a), Number(-t) if t < 0 else Minus(Number(t))))


def product(*factors: Node, sign: str = "") -> Node:
    """The product of some factors; a single one alone."""
    return factors[0] if len(factors) == 1 else Product(factors, sign)


def negated(term: Node) -> Node | None:
    """-term for a term that begins with a negative number, so that a sum can subtract it; None for any other."""
    if isinstance(term, Minus):
        return term.body
    if isinstance(term, Number) and term.value < 0:
        return Number(-term.value)
    if isinstance(term, Product):
        first = negated(term.factors[0]) if isinstance(term.factors[0], Number) else None
        return None if first is None else Product((first, *term.factors[1:]), term.sign)
    return None
