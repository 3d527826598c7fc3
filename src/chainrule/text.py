"""Formats names, values, numbers and curves for people."""

import math
from collections.abc import Sequence

__all__ = ["LONGEST", "counted", "number", "printable", "short", "shortened", "shown", "sparkline", "words"]

LONGEST = 200  # characters of a value in a message
_NAME = 40  # characters of a name in a table
_LEVELS = "▁▂▃▄▅▆▇█"


def printable(text: str) -> str:
    """The text with control characters escaped, because names may come from an untrusted file.

    >>> len(printable("a" + chr(27)))
    5
    """
    return "".join(c if c.isprintable() or c == " " else repr(c)[1:-1] for c in text)


def shown(value: object) -> str:
    """A value in one line of at most 200 characters.

    >>> shown(np.eye(2)), len(shown(list(range(1000))))
    ('array([[1., 0.], [0., 1.]])', 200)
    """
    try:
        return shortened(repr(value))
    except (ValueError, RecursionError):  # a whole number of thousands of digits, a list in a list in a list
        return f"of type {type(value).__name__}, too large to be shown"


def shortened(text: str, longest: int = LONGEST) -> str:
    """A text in one line of at most 200 characters, or `longest`.

    >>> shortened("one\\ntwo"), shortened("one two three", 11)
    ('one two', 'one two ...')
    """
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 4]} ..."


def short(name: object) -> str:
    """A name, or a class, in at most 40 characters.

    >>> short("How satisfied are you with it? " * 160), short(True)
    ('How satisfied are you with it? How s ...', 'true')
    """
    return shortened(str(name).lower() if isinstance(name, bool) else str(name), _NAME)


def words(name: str) -> str:
    """A name from the JSON output, written with spaces.

    >>> words("log_loss")
    'log loss'
    """
    return name.replace("_", " ")


def number(value: float) -> str:
    """A number with four significant digits, or all digits of a whole number.

    >>> number(0.123456), number(1500), number(3.0), number(1234.56), number(-1.23456e300)
    ('0.1235', '1,500', '3', '1,234.6', '-1.235e+300')
    """
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.1f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"


def counted(count: int, noun: str) -> str:
    """A count with its noun, which gets an s unless the count is 1.

    >>> counted(1, "epoch"), counted(1500, "step")
    ('1 epoch', '1,500 steps')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def sparkline(values: Sequence[float], width: int = 12) -> str:
    """A curve of at most `width` characters that ends at the last value; values that are not finite are left out.

    Plots logarithms if all values are positive and the largest is more than 20 times the smallest.

    >>> sparkline([8.0, 4.0, 2.0, 1.0])
    '█▄▂▁'
    """
    finite = [value for value in values if abs(value) < float("inf")]
    if not finite:
        return ""
    count = min(width, len(finite))
    chosen = [finite[len(finite) - 1 - k * (len(finite) - 1) // max(count - 1, 1)] for k in reversed(range(count))]
    if min(chosen) > 0 and max(chosen) > 20 * min(chosen):
        chosen = [math.log(value) for value in chosen]
    low, high = min(chosen), max(chosen)
    spread = (high - low) or 1.0
    return "".join(_LEVELS[round((value - low) / spread * (len(_LEVELS) - 1))] for value in chosen)
