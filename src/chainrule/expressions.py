"""Parses formulas such as `(1-x)^2 + 100*(y-x^2)^2` into functions of arrays, without executing any code in them.

A formula is split into numbers, names and operators. Python's own parser (`ast`) then gives their structure, so -x^2 is
-(x^2), and 2^3^2 is 2^9. The parser gets t0, t1, ... in place of numbers and names, and only operators, signs, names
and calls are accepted in its tree. The result is a list of steps for a stack. The functions take complex numbers and
are analytic where the real ones are, so that a complex step can differentiate a formula.
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
from chainrule.text import counted

__all__ = ["CONSTANTS", "FUNCTIONS", "Expression", "parse"]

MAX_LENGTH = 2_000  # characters: Python's parser recurses once for each term of a sum
MAX_DEPTH = 100  # nested parentheses, functions, signs and powers


def _abs(x: Array) -> Array:
    return np.sign(np.real(x)) * x  # its derivative at 0 is 0


def _min(a: Any, b: Any) -> Any:
    return np.where((np.real(a) <= np.real(b)) | np.isnan(a), a, b)  # NaN stays NaN


def _power(base: Any, exponent: Any) -> Any:
    """base^exponent; by multiplication for complex numbers with a whole exponent up to 1,000."""
    whole = np.ndim(exponent) == 0 and np.imag(exponent) == 0 and float(np.real(exponent)).is_integer()
    if whole and np.iscomplexobj(base) and abs(exponent) <= 1000:
        return _repeated(base, int(np.real(exponent)))
    return np.power(base, exponent)


def _repeated(base: Any, n: int) -> Any:
    """base^n by squaring, which keeps a tiny imaginary part that logarithms would lose."""
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
    "min": (2, _min),
    "max": (2, lambda a, b: -_min(-a, -b)),
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
_REPLACEMENTS = {
    "−": "-",
    "–": "-",
    "·": "*",
    "×": "*",
    "÷": "/",
    "²": "^2",
    "³": "^3",
    "√": "sqrt()",
    "[": "(",
    "]": ")",
}

Step = tuple[int, Any]  # the number of values to take from the stack; their function, or a constant or a name


@dataclasses.dataclass(frozen=True)
class Expression:
    """A formula: its `text`, its `names` (the variables in alphabetical order), and the function of their values.

    >>> parse("x^2 - 3*y")(2.0, np.array([0.0, 1.0]))
    array([4., 1.])
    """

    text: str
    names: tuple[str, ...]
    steps: tuple[Step, ...] = dataclasses.field(repr=False)

    def __call__(self, *values: Any) -> Any:
        by_name = dict(zip(self.names, (np.asarray(value)[()] for value in values), strict=True))
        stack: list[Any] = []
        for count, make in self.steps:
            if isinstance(make, str):
                stack.append(by_name[make])
            elif count == 0:
                stack.append(make)
            else:
                stack[-count:] = [make(*stack[-count:])]
        return stack[0][()]


def parse(text: str) -> Expression:
    """Parse a formula into a function.

    >>> parse("sin(y) * x").names
    ('x', 'y')
    >>> parse("2 x")
    Traceback (most recent call last):
    chainrule.errors.SettingError: in '2 x' at character 3: 'x' after a value: write * for a product

    Raises SettingError, with the position, for text that is not a formula, is too long, nested too deeply, or has no
    variable.
    """
    if len(text) > MAX_LENGTH:
        raise SettingError(f"the formula has {len(text):,} characters, but at most {MAX_LENGTH:,} are allowed")
    steps = tuple(_Reader(text).steps())
    names = tuple(sorted({make for _, make in steps if isinstance(make, str)}))
    if not names:
        raise SettingError(f"{text!r} has no variable: add at least one")
    return Expression(text, names, steps)


class _Token(NamedTuple):
    kind: str  # number, name, mark, odd or end
    text: str
    position: int  # of its first character, from 1


class _Reader:
    """Reads one formula: from text to tokens, to the tree of Python's parser, to steps."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [_Token(str(m.lastgroup), m[0], m.start() + 1) for m in _TOKEN.finditer(text)]
        self._check_marks()
        end = _Token("end", "the end", len(text) + 1)
        for before, token in itertools.pairwise([_Token("mark", "", 0), *self._tokens, end]):
            self._check_pair(before, token)

    def steps(self) -> Iterator[Step]:
        """The steps of the formula, in order."""
        words = [t.text.replace("^", "**") if t.kind == "mark" else f"t{k}" for k, t in enumerate(self._tokens)]
        self._positions = [t.position for t, word in zip(self._tokens, words, strict=True) for _ in f"{word} "]
        try:
            return self._chain(ast.parse(" ".join(words), mode="eval").body, 1)
        except SyntaxError as error:  # about parentheses: everything else has been checked
            raise self._error(self._positions[(error.offset or 1) - 1], error.msg) from None

    def _error(self, position: int, problem: str) -> SettingError:
        shown = self._text if len(self._text) <= 60 else f"...{self._text[max(0, position - 30) : position + 29]}..."
        return SettingError(f"in {shown!r} at character {position}: {problem}")

    def _check_marks(self) -> None:
        """Raise SettingError for a character without a meaning, or for too many open parentheses."""
        opened = 0
        for kind, mark, position in self._tokens:
            if kind == "odd":
                replacement = _REPLACEMENTS.get(mark)
                hint = f"write {replacement}" if replacement else f"a formula has numbers, names, {_MARKS}"
                raise self._error(position, f"{mark!r} has no meaning here: {hint}")
            opened += (mark == "(") - (mark == ")")
            self._check_depth(opened, position)

    def _check_depth(self, depth: int, position: int) -> None:
        if depth > MAX_DEPTH:
            raise self._error(position, f"more than {MAX_DEPTH} nested parts: simplify the formula")

    def _check_pair(self, before: _Token, token: _Token) -> None:
        """Raise SettingError for a token that cannot follow the one before it."""
        after_value = before.kind in ("number", "name") or before.text == ")"
        begins = token.kind in ("number", "name") or token.text == "("
        if before.text in FUNCTIONS and token.text != "(":
            raise self._error(token.position, f"'(' must come here, not {token.text}: {before.text} is a function")
        if before.kind == "name" and token.text == "(":
            self._check_function(before)
        elif after_value and begins:
            raise self._error(token.position, f"{token.text!r} after a value: write * for a product")
        elif not after_value and not begins and token.text not in ("+", "-"):
            raise self._error(token.position, f"a number, a name or ( must come here, not {token.text}")

    def _check_function(self, name: _Token) -> None:
        if name.text not in FUNCTIONS:
            close = difflib.get_close_matches(name.text, FUNCTIONS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"choose from {', '.join(FUNCTIONS)}"
            raise self._error(name.position, f"there is no function {name.text!r}: {hint}; write * for a product")

    def _chain(self, node: ast.expr, depth: int) -> Iterator[Step]:
        """The steps of an expression: of its leftmost part, then of each part to the right, with its operator."""
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
        position = self._positions[node.col_offset]
        self._check_depth(depth, position)
        match node:
            case ast.Name():
                kind, text, _ = self._token(node)
                yield 0, np.float64(text) if kind == "number" else CONSTANTS.get(text, text)
            case ast.UnaryOp():
                yield from self._chain(node.operand, depth + 1)
                yield 1, _OPERATORS[type(node.op)]
            case ast.Call(func=ast.Name() as name):
                function = self._token(name).text
                count, make = FUNCTIONS[function]
                if len(node.args) != count:
                    raise self._error(position, f"{function} takes {counted(count, 'value')}, not {len(node.args)}")
                for value in node.args:
                    yield from self._chain(value, depth + 1)
                yield count, make
            case _:
                raise self._error(position, "values with commas between them, but no function that takes them")

    def _token(self, node: ast.Name) -> _Token:
        """The token for a name t0, t1, ... in the tree."""
        return self._tokens[int(node.id[1:])]
