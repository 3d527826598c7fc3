"""Names and numbers as people read them, wherever they are shown."""

import math
from collections.abc import Sequence

__all__ = ["number", "printable", "sparkline", "words"]

_LEVELS = "▁▂▃▄▅▆▇█"


def printable(text: str) -> str:
    """The text with control characters shown, not obeyed: names may come from a stranger's file.

    >>> len(printable("a" + chr(27)))
    5
    """
    return "".join(c if c.isprintable() or c == " " else repr(c)[1:-1] for c in text)


def words(name: str) -> str:
    """A name of the output for programs as people read it.

    >>> words("log_loss")
    'log loss'
    """
    return name.replace("_", " ")


def number(value: float) -> str:
    """A number as people read it: four significant digits, or all of a whole one.

    >>> number(0.123456), number(1500), number(3.0)
    ('0.1235', '1,500', '3')
    """
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.1f}"


def sparkline(values: Sequence[float], width: int = 12) -> str:
    """A curve as a word of at most `width` letters, the last value at its end; what is not finite is left out.

    Where all are above 0 and one is 20 times another, it is the curve of their logarithms.

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
    wide = (high / 2 - low / 2) or 1.0  # halves: no difference is infinite
    return "".join(_LEVELS[round((value / 2 - low / 2) / wide * (len(_LEVELS) - 1))] for value in chosen)
