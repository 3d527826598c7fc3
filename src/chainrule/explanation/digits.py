"""How numbers are written: four decimals, or four digits and a power of ten."""

import math

__all__ = ["LEAST", "MOST", "decimals"]

LEAST, MOST = 1e-3, 1e5  # magnitudes written without a power of ten


def decimals(value: float) -> tuple[str, int | None]:
    """The digits of a number, with a true minus sign, and the power of ten that they are multiplied with, or None.

    >>> decimals(-0.42371), decimals(3.2e-5), decimals(0.0), decimals(99999.99999)
    (('−0.4237', None), ('3.200', -5), ('0', None), ('1.000', 5))
    """
    if value == 0:
        return "0", None
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞", None
    power = None
    text = f"{value:.4f}"
    if not abs(value) >= LEAST or not abs(float(text)) < MOST:
        text, _, exponent = f"{value:.3e}".partition("e")
        power = int(exponent)
    return text.replace("-", "−"), power
