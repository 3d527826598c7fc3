"""Scales of inline pictures: ranges, round values along an axis, and the points of a curve that can be seen."""

import math
from collections.abc import Sequence

__all__ = ["powers", "range_of", "round_values", "thinned", "tick_text"]

MAX_POINTS = 400  # of a line: about one for each pixel


def thinned(x: Sequence[float], y: Sequence[float]) -> list[tuple[float, float]]:
    """The finite points, thinned evenly; the first and the last point stay."""
    points = [(a, b) for a, b in zip(x, y, strict=True) if math.isfinite(a) and math.isfinite(b)]
    if len(points) <= MAX_POINTS:
        return points
    return [points[round(k * (len(points) - 1) / (MAX_POINTS - 1))] for k in range(MAX_POINTS)]


def round_values(low: float, high: float, most: int, least: float = 0.0) -> list[float]:
    """About `most` multiples of 1, 2 or 5 times a power of ten within a range, at least `least` apart.

    >>> round_values(0.3, 3.9, 4), round_values(1, 3, 6, least=1)
    ([1.0, 2.0, 3.0], [1, 2, 3])
    """
    distance = (high - low) / most
    power = 10.0 ** math.floor(math.log10(distance))
    step = max(least, next(power * k for k in (1, 2, 5, 10, 20) if distance <= power * k))
    return [step * k for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def powers(low: float, high: float) -> list[float]:
    """Powers of ten from 10^low to 10^high; with 2 and 5 times each of them if there are few.

    >>> powers(-9.2, 2.1), powers(-1.5, 0.5)
    ([1e-09, 1e-06, 0.001, 1.0], [0.05, 0.1, 0.2, 0.5, 1.0, 2.0])
    """
    first, last = math.floor(low), math.ceil(high)
    step = max(1, math.ceil((last - first) / 5))
    digits = (1, 2, 5) if last - first <= 3 else (1,)
    values = [float(f"{digit}e{n}") for n in range(first, last + 1) if n % step == 0 for digit in digits]
    return [value for value in values if value and low - 1e-9 <= math.log10(value) <= high + 1e-9]


def tick_text(value: float) -> str:
    """A round value in its shortest form.

    >>> [tick_text(value) for value in (0.30000000000000004, 1e-09, 12_345_600.0, 0.0)]
    ['0.3', '1e-9', '12,345,600', '0']
    """
    if value and not 1e-4 <= abs(value) < 1e8:
        digits, _, power = f"{value:.10g}".partition("e")
        return f"{digits}e{int(power)}" if power else digits
    return f"{value:,.10g}"


def range_of(values: Sequence[float]) -> tuple[float, float]:
    """The least and the greatest value, a little apart if they are equal."""
    low, high = min(values), max(values)
    margin = 0.5 * max(1.0, abs(low) * 1e-6)  # for values that are equal, or differ only by rounding
    return (low, high) if high - low > 1e-9 * abs(low) else (low - margin, high + margin)
