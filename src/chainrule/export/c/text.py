"""C text: identifiers, comments, strings, numbers and tables that no name, word or number can break."""

from __future__ import annotations

import math
import re
import textwrap
import unicodedata
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import SettingError
from chainrule.text import printable, shortened, shown

__all__ = ["Identifiers", "comment", "number", "quoted", "rows_of", "table"]

_WIDTH = 116  # characters of a line of a table
_RESERVED = frozenset(
    re.findall(
        r"\w+",
        """
    auto break case char const continue default do double else enum extern float for goto if inline int long register
    restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
    alignas alignof and and_eq asm bitand bitor bool catch char8_t char16_t char32_t class co_await co_return co_yield
    compl concept const_cast consteval constexpr constinit decltype delete dynamic_cast explicit export false friend
    mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public reinterpret_cast
    requires static_assert static_cast template this thread_local throw true try typeid typename using virtual wchar_t
    xor xor_eq asm typeof complex imaginary i errno assert offsetof linux unix i386 near far interface small hyper
    cdecl pascal stdin stdout stderr log_2 arm mips sun vax sparc
    """,
    )
)  # of C, of C++, and macros in lower case that compilers or headers define


class Identifiers:
    """Gives names that C takes: in lower case, without keywords, each only once.

    >>> names = Identifiers()
    >>> [names.of(text) for text in ("Fare (USD)", "größe", "int", "2nd", "fare usd", "価格", "*/")]
    ['fare_usd', 'grosse', 'int_', 'x2nd', 'fare_usd_2', 'x', 'x_2']
    """

    def __init__(self) -> None:
        self._used: set[str] = set()

    def of(self, text: str, *endings: str) -> str:
        """The identifier for a text, such that it is new with each of the endings, too."""
        plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode("ascii")
        base = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:40].rstrip("_")
        base = base if base[:1].isalpha() else f"x{base}"
        base = f"{base}_" if base in _RESERVED else base
        chosen, count = base, 1
        while not self._used.isdisjoint(f"{chosen}{ending}" for ending in ("", *endings)):
            count += 1
            chosen = f"{base.rstrip('_')}_{count}"
        self._used.update(f"{chosen}{ending}" for ending in ("", *endings))
        return chosen


def comment(text: str, longest: int = 60) -> str:
    """A text in quotes that stands in a comment: it ends none and begins none, and has no trigraph.

    >>> comment("a */ b /* c ??/")
    '"a * / b / * c ? ? /"'
    """
    line = shortened(printable(text), longest)
    return f'"{re.sub(r"(?<=[*/?])(?=[*/?])", " ", line)}"'


def quoted(text: str) -> str:
    r"""A text as a C string of ASCII characters, without trigraphs.

    >>> print(quoted('é"\\??/'))
    "\303\251\"\\\?\?/"

    Raises SettingError for a text with a NUL, which would end the string.
    """
    if "\0" in text:
        raise SettingError(f"{shown(text)} has a NUL, which ends a text in C: choose another format, or clean the data")
    return '"' + "".join(_character(byte) for byte in text.encode("utf-8", "replace")) + '"'


def _character(byte: int) -> str:
    character = chr(byte)
    if character in '"\\?':
        return f"\\{character}"
    return character if 32 <= byte < 127 else f"\\{byte:03o}"


def number(value: float, suffix: str = "") -> str:
    """A number as C text, exactly; `suffix` is f for a float.

    >>> number(1.5, "f"), number(-0.0), number(0.0, "f"), number(float("-inf"))
    ('0x1.8p+0f', '-0.0', '0', '-INFINITY')
    """
    if value == 0:
        return f"-0.0{suffix}" if str(value)[0] == "-" else "0"
    if not math.isfinite(value):
        return "NAN" if math.isnan(value) else "INFINITY" if value > 0 else "-INFINITY"
    mantissa, _, exponent = float(value).hex().partition("p")
    return f"{mantissa.rstrip('0').rstrip('.')}p{exponent}{suffix}"


def table(declaration: str, values: Iterable[str]) -> str:
    """A constant table with these values, in lines.

    >>> print(table("int primes[3]", ["2", "3", "5"]))
    static const int primes[3] = {
        2, 3, 5};
    """
    return f"static const {declaration} = {{\n{rows_of(values)}}};"


def rows_of(values: Iterable[str]) -> str:
    """Values, separated by commas, in indented lines."""
    lines: list[str] = []
    line: list[str] = []
    length = 4
    for value in values:
        if length + len(value) + 2 > _WIDTH and line:
            lines.append(f"    {', '.join(line)}")
            line, length = [], 4
        line.append(value)
        length += len(value) + 2
    return ",\n".join([*lines, f"    {', '.join(line)}"])


def numbers_of(array: NDArray[Any]) -> list[str]:
    """The numbers of an array as C text of its own type, in the order of its rows."""
    if array.dtype.kind in "iu":
        return [str(value) for value in array.ravel().tolist()]
    suffix = "f" if array.dtype == np.float32 else ""
    return [number(value, suffix) for value in array.ravel().tolist()]


def indented(text: str, spaces: int = 2) -> str:
    """Every line of a text, indented."""
    return textwrap.indent(text, " " * spaces)
