"""Formulas as people write them, read into functions of arrays: `(1-x)^2 + 100*(y-x^2)^2`. Nothing is ever executed.

    sum   = term (("+" | "-") term)*
    term  = sign (("*" | "/") sign)*
    sign  = ("-" | "+") sign | power
    power = atom (("^" | "**") sign)?            so -x^2 is -(x^2), and 2^3^2 is 2^9
    atom  = number | name | function "(" sum ("," sum)* ")" | "(" sum ")"

A formula becomes a list of steps for a stack, so a long one needs no deep recursion to be computed. The functions take
complex numbers and are analytic wherever the real ones are, so that a complex step can differentiate a formula.
"""

import dataclasses
import difflib
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError

__all__ = ["CONSTANTS", "FUNCTIONS", "Expression", "parse"]

LONGEST = 10_000  # characters
DEEPEST = 100  # parentheses, functions, signs and powers within each other


def _abs(x: Array) -> Array:
    return np.sign(np.real(x)) * x  # whose derivative at 0 is 0


def _least(a: Any, b: Any) -> Any:
    return np.where((np.real(a) <= np.real(b)) | np.isnan(a), a, b)  # what has no value has no least one


CONSTANTS = {"pi": math.pi, "e": math.e}

FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    **{name: (1, getattr(np, name)) for name in ("exp", "log", "log2", "log10", "sqrt")},
    **{name: (1, getattr(np, name)) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{name: (1, getattr(np, f"arc{name[1:]}")) for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh")},
    "abs": (1, _abs),
    "min": (2, _least),
    "max": (2, lambda a, b: -_least(-a, -b)),
}

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(?P<name>[^\W\d]\w*)|(?P<mark>\*\*|[-+*/^(),]))"
)
_TYPED = {"−": "-", "–": "-", "·": "*", "×": "*", "÷": "/", "²": "^2", "³": "^3", "√": "sqrt()", "[": "(", "]": ")"}
_END = ("end", "the end", 0)

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

    Raises SettingError, with the place, for what is no formula, is too long or too deep, or has no variable.
    """
    if len(text) > LONGEST:
        raise SettingError(f"the formula has {len(text):,} characters, but may have {LONGEST:,} at most")
    reader = _Reader(text)
    reader.read()
    names = tuple(sorted({make for _, make in reader.steps if isinstance(make, str)}))
    if not names:
        raise SettingError(f"{text!r} has no variable: there is nothing to change in it")
    return Expression(text, names, tuple(reader.steps))


def _is_word(letter: str) -> bool:
    return f"a{letter}".isidentifier()


class _Reader:
    """Reads a formula from left to right; what it has understood are `steps`."""

    def __init__(self, text: str) -> None:
        self._text, self.steps, self._depth = text, list[Step](), 0
        self._tokens = self._cut()
        self._at = 0

    def read(self) -> None:
        self._sum()
        kind, token, place = self._next
        if kind != "end":
            product = kind in ("number", "name") or token == "("
            hint = "write * for a product" if product else "there is no ( that it belongs to"
            raise self._wrong(place, f"{token!r} after a value: {hint}")

    def _cut(self) -> list[tuple[str, str, int]]:
        found, place = [], 0
        while place < len(self._text.rstrip()):
            match = _TOKEN.match(self._text, place)
            if match is None:
                place += len(self._text[place:]) - len(self._text[place:].lstrip())
                raise self._odd(place)
            kind = match.lastgroup or ""
            if kind == "name" and not match[kind].isidentifier():  # as x², whose ² is a letter to no one else
                raise self._odd(next(k for k in range(match.start(kind), match.end()) if not _is_word(self._text[k])))
            found.append((kind, match[kind], match.start(kind) + 1))
            place = match.end()
        return [*found, (*_END[:2], len(self._text) + 1)]

    def _odd(self, place: int) -> SettingError:
        mark = self._text[place]
        known = f"write {_TYPED[mark]}" if mark in _TYPED else "a formula has numbers, names, + - * / ^ ( ) and ,"
        return self._wrong(place + 1, f"{mark!r} has no meaning here: {known}")

    def _wrong(self, place: int, what: str) -> SettingError:
        shown = self._text if len(self._text) <= 60 else f"...{self._text[max(0, place - 30) : place + 29]}..."
        return SettingError(f"in {shown!r} at character {place}: {what}")

    @property
    def _next(self) -> tuple[str, str, int]:
        return self._tokens[self._at]

    def _take(self, *marks: str) -> str:
        """The next token if it is one of the marks, else nothing."""
        kind, token, _ = self._next
        if kind != "mark" or token not in marks:
            return ""
        self._at += 1
        return token

    def _expect(self, mark: str, why: str) -> None:
        if not self._take(mark):
            _, token, place = self._next
            raise self._wrong(place, f"{mark!r} must come here, not {token}: {why}")

    def _sum(self) -> None:
        self._chain(self._term, {"+": np.add, "-": np.subtract})

    def _term(self) -> None:
        self._chain(self._sign, {"*": np.multiply, "/": np.divide})

    def _chain(self, part: Callable[[], None], marks: dict[str, Callable[..., Array]]) -> None:
        part()
        while mark := self._take(*marks):
            part()
            self.steps.append((2, marks[mark]))

    def _sign(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._wrong(self._next[2], f"more than {DEEPEST} parts within each other: write it flatter")
        if sign := self._take("-", "+"):
            self._sign()
            self.steps += [(1, np.negative)] if sign == "-" else []
        else:
            self._power()
        self._depth -= 1

    def _power(self) -> None:
        self._atom()
        if self._take("^", "**"):
            self._sign()
            self.steps.append((2, _power))

    def _atom(self) -> None:
        kind, token, place = self._next
        if self._take("("):
            self._sum()
            self._expect(")", f"it closes the ( at character {place}")
        elif kind == "number":
            self._at += 1
            self.steps.append((0, np.float64(token)))
        elif kind == "name":
            self._at += 1
            self._name(token, place)
        else:
            raise self._wrong(place, f"a number, a name or ( must come here, not {token}")

    def _name(self, name: str, place: int) -> None:
        if name in FUNCTIONS:
            self._function(name)
        elif self._next[1] == "(":
            close = difflib.get_close_matches(name, FUNCTIONS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(FUNCTIONS)}"
            raise self._wrong(place, f"there is no function {name!r}: {hint}; a product is written with *")
        else:
            self.steps.append((0, np.float64(CONSTANTS[name]) if name in CONSTANTS else name))

    def _function(self, name: str) -> None:
        count, make = FUNCTIONS[name]
        self._expect("(", f"{name} is a function")
        for k in range(count):
            self._sum()
            if k < count - 1:
                self._expect(",", f"{name} takes {count} values")
        self._expect(")", f"{name} takes {count} value{'s' * (count > 1)}")
        self.steps.append((count, make))


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
