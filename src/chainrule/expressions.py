"""Formulas as people write them, read into functions of arrays: `(1-x)^2 + 100*(y-x^2)^2`. Nothing is ever executed.

A formula is cut into numbers, names and marks. Python's own parser (`ast`) then says how they belong together, so -x^2
is -(x^2), and 2^3^2 is 2^9. It sees t0, t1, ... in place of numbers and names, and only operators, signs, names and
calls are taken from its tree. The result is a list of steps for a stack. The functions take complex numbers and are
analytic wherever the real ones are, so that a complex step can differentiate a formula.
"""

import ast
import dataclasses
import difflib
import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError

__all__ = ["CONSTANTS", "FUNCTIONS", "Expression", "parse"]

LONGEST = 2_000  # characters: Python's parser recurses once for each term of a sum
DEEPEST = 100  # parentheses within each other; functions, signs and powers


def _abs(x: Array) -> Array:
    return np.sign(np.real(x)) * x  # whose derivative at 0 is 0


def _least(a: Any, b: Any) -> Any:
    return np.where((np.real(a) <= np.real(b)) | np.isnan(a), a, b)  # NaN stays NaN


def _power(base: Any, exponent: Any) -> Any:
    """base^exponent; of complex numbers with a whole exponent up to 1,000 by multiplication."""
    whole = np.ndim(exponent) == 0 and np.imag(exponent) == 0 and float(np.real(exponent)).is_integer()
    if whole and np.iscomplexobj(base) and abs(exponent) <= 1000:
        return _repeated(base, int(np.real(exponent)))
    return np.power(base, exponent)


def _repeated(base: Any, n: int) -> Any:
    """base^n by squaring, which keeps a tiny imaginary part where logarithms would lose it."""
    result, square, left = np.ones_like(base), base, abs(n)
    while left:
        result = result * square if left & 1 else result
        square, left = square * square if left > 1 else square, left >> 1
    return 1 / result if n < 0 else result


CONSTANTS = {"pi": np.float64(np.pi), "e": np.float64(np.e)}

FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    **{name: (1, getattr(np, name)) for name in ("exp", "log", "log2", "log10", "sqrt")},
    **{name: (1, getattr(np, name)) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{name: (1, getattr(np, f"arc{name[1:]}")) for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh")},
    "abs": (1, _abs),
    "min": (2, _least),
    "max": (2, lambda a, b: -_least(-a, -b)),
}

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide, ast.Pow: _power,
    ast.UAdd: np.positive, ast.USub: np.negative,
}  # fmt: skip

_TOKEN = re.compile(
    r"(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(?P<name>(?!\d)(?:(?![¹²³⁰-₉])\w)+)"
    r"|(?P<mark>\*\*|[-+*/^(),])|(?P<odd>\S)"
)
_MARKS = "+ - * / ^ ( ) and ,"
_TYPED = {"−": "-", "–": "-", "·": "*", "×": "*", "÷": "/", "²": "^2", "³": "^3", "√": "sqrt()", "[": "(", "]": ")"}

Step = tuple[int, Any]  # how many values it takes from the stack, and what makes a value of them


@dataclasses.dataclass(frozen=True)
class Expression:
    """A formula: its `text`, its `names` (the variables in alphabetical order), and a function of their values.

    >>> parse("x^2 - 3*y")(2.0, np.array([0.0, 1.0]))
    array([4., 1.])
    """

    text: str
    names: tuple[str, ...]
    steps: tuple[Step, ...] = dataclasses.field(repr=False)

    def __call__(self, *values: Any) -> Any:
        given = dict(zip(self.names, (np.asarray(value)[()] for value in values), strict=True))
        stack: list[Any] = []
        for count, make in self.steps:
            if isinstance(make, str):
                stack.append(given[make])
            elif count == 0:
                stack.append(make)
            else:
                stack[-count:] = [make(*stack[-count:])]
        return stack[0][()]


def parse(text: str) -> Expression:
    """The function that a formula describes.

    >>> parse("sin(y) * x").names
    ('x', 'y')
    >>> parse("2 x")
    Traceback (most recent call last):
    chainrule.errors.SettingError: in '2 x' at character 3: 'x' after a value: write * for a product

    Raises SettingError, with the place, for text that is not a formula, is too long or too deep, or has no variable.
    """
    if len(text) > LONGEST:
        raise SettingError(f"the formula has {len(text):,} characters, but may have {LONGEST:,} at most")
    steps = tuple(_Reader(text).steps())
    names = tuple(sorted({make for _, make in steps if isinstance(make, str)}))
    if not names:
        raise SettingError(f"{text!r} has no variable: there is nothing to change in it")
    return Expression(text, names, steps)


class _Token(NamedTuple):
    kind: str  # number, name, mark, odd or end
    text: str
    place: int  # of its first character, from 1


class _Reader:
    """Reads one formula: text, tokens, Python's tree of them, steps."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [_Token(str(m.lastgroup), m[0], m.start() + 1) for m in _TOKEN.finditer(text)]
        self._check_marks()
        end = _Token("end", "the end", len(text) + 1)
        for before, token in itertools.pairwise([_Token("mark", "", 0), *self._tokens, end]):
            self._check_pair(before, token)

    def steps(self) -> Iterator[Step]:
        """What to do with a stack of values, in order."""
        words = [t.text.replace("^", "**") if t.kind == "mark" else f"t{k}" for k, t in enumerate(self._tokens)]
        self._places = [t.place for t, word in zip(self._tokens, words, strict=True) for _ in f"{word} "]
        try:
            return self._chain(ast.parse(" ".join(words), mode="eval").body, 1)
        except SyntaxError as error:  # about parentheses: all else has been checked
            raise self._wrong(self._places[(error.offset or 1) - 1], error.msg) from None

    def _wrong(self, place: int, what: str) -> SettingError:
        shown = self._text if len(self._text) <= 60 else f"...{self._text[max(0, place - 30) : place + 29]}..."
        return SettingError(f"in {shown!r} at character {place}: {what}")

    def _check_marks(self) -> None:
        """Refuse a character without a meaning, and too many open parentheses."""
        opened = 0
        for kind, mark, place in self._tokens:
            if kind == "odd":
                known = f"write {_TYPED[mark]}" if mark in _TYPED else f"a formula has numbers, names, {_MARKS}"
                raise self._wrong(place, f"{mark!r} has no meaning here: {known}")
            opened += (mark == "(") - (mark == ")")
            self._check_depth(opened, place)

    def _check_depth(self, depth: int, place: int) -> None:
        if depth > DEEPEST:
            raise self._wrong(place, f"more than {DEEPEST} parts within each other: write it flatter")

    def _check_pair(self, before: _Token, token: _Token) -> None:
        """Refuse a token that cannot follow the one before it."""
        after_value = before.kind in ("number", "name") or before.text == ")"
        begins = token.kind in ("number", "name") or token.text == "("
        if before.text in FUNCTIONS and token.text != "(":
            raise self._wrong(token.place, f"'(' must come here, not {token.text}: {before.text} is a function")
        if before.kind == "name" and token.text == "(":
            self._check_function(before)
        elif after_value and begins:
            raise self._wrong(token.place, f"{token.text!r} after a value: write * for a product")
        elif not after_value and not begins and token.text not in ("+", "-"):
            raise self._wrong(token.place, f"a number, a name or ( must come here, not {token.text}")

    def _check_function(self, name: _Token) -> None:
        if name.text not in FUNCTIONS:
            close = difflib.get_close_matches(name.text, FUNCTIONS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(FUNCTIONS)}"
            raise self._wrong(name.place, f"there is no function {name.text!r}: {hint}; a product is written with *")

    def _chain(self, node: ast.expr, depth: int) -> Iterator[Step]:
        """The steps of an expression: of its leftmost part, then of each part to the right with its operator."""
        operations = []
        while isinstance(node, ast.BinOp):
            operations.append(node)
            node = node.left
        yield from self._part(node, depth)
        for operation in reversed(operations):
            yield from self._chain(operation.right, depth + 1)
            yield 2, _OPERATORS[type(operation.op)]

    def _part(self, node: ast.expr, depth: int) -> Iterator[Step]:
        """The steps of a number or name, of a sign with its operand, or of a function with its values."""
        place = self._places[node.col_offset]
        self._check_depth(depth, place)
        match node:
            case ast.Name():
                kind, text, _ = self._of(node)
                yield 0, np.float64(text) if kind == "number" else CONSTANTS.get(text, text)
            case ast.UnaryOp():
                yield from self._chain(node.operand, depth + 1)
                yield 1, _OPERATORS[type(node.op)]
            case ast.Call(func=ast.Name() as name):
                (count, make), given = FUNCTIONS[self._of(name).text], len(node.args)
                if given != count:
                    plural = "s" * (count > 1)
                    raise self._wrong(place, f"{self._of(name).text} takes {count} value{plural}, not {given}")
                for value in node.args:
                    yield from self._chain(value, depth + 1)
                yield count, make
            case _:
                raise self._wrong(place, "values with commas between them, but no function that takes them")

    def _of(self, node: ast.Name) -> _Token:
        """The token that a t0, t1, ... stands for."""
        return self._tokens[int(node.id[1:])]
