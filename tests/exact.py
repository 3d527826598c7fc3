"""Activations and costs in decimal arithmetic of 60 digits, from their formulas: right at any z, and slow."""

import decimal
import functools
from decimal import Decimal

import numpy as np

PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
SELU_ALPHA = Decimal("1.6732632423543772848170429916717")
SELU_SCALE = Decimal("1.0507009873554804934193349852946")
DIGITS = 60


def in_decimals(function):
    """`function` computed with 60 digits and no bound for exponents."""

    @functools.wraps(function)
    def with_digits(*args):
        with decimal.localcontext() as context:
            context.prec, context.Emax, context.Emin = DIGITS, decimal.MAX_EMAX, decimal.MIN_EMIN
            return function(*args)

    return with_digits


def sigmoid(z):
    """1 / (1 + e^-z)."""
    return 1 / (1 + (-z).exp())


def softplus(z):
    """ln(1 + e^z)."""
    return z.exp() - (2 * z).exp() / 2 if z < -DIGITS else (1 + z.exp()).ln()


def elu(z, alpha):
    """Value and derivative."""
    return (z, Decimal(1)) if z > 0 else (alpha * (z.exp() - 1), alpha * z.exp())


def gelu(z):
    """Value and derivative; the normal distribution is 1/2 + density times a series whose terms have one sign."""
    if abs(z) > 20:  # within 1e-85 of its asymptote
        return max(z, Decimal(0)), Decimal(int(z > 0))
    density = (-z * z / 2).exp() / (2 * PI).sqrt()
    term, total, k = z, z, 1
    while abs(term) > abs(total) * Decimal(10) ** -DIGITS:
        k += 2
        term = term * z * z / k
        total += term
    distribution = Decimal("0.5") + density * total
    return z * distribution, distribution + z * density


def mish(z):
    """Value and derivative."""
    e = z.exp()
    w = e * (e + 2) / (e * (e + 2) + 2)
    return z * w, w + z * (2 / (e * (e + 2) + 2)) * (1 + w) * sigmoid(z)


def sine(z):
    """sin z and cos z by their series, after z is brought to ±pi."""
    z -= (z / (2 * PI)).to_integral_value() * 2 * PI
    terms, k = [Decimal(1)], 0
    while abs(terms[-1]) > Decimal(10) ** -DIGITS or k < 4:
        k += 1
        terms.append(terms[-1] * z / k)
    return tuple(sum(term * (-1) ** (n // 2) for n, term in enumerate(terms) if n % 2 == odd) for odd in (1, 0))


ACTIVATIONS = {  # from z and the entry with its parameters: value and derivative
    "identity": lambda z, s: (z, Decimal(1)),
    "sigmoid": lambda z, s: (sigmoid(z), sigmoid(z) * sigmoid(-z)),
    "tanh": lambda z, s: (sigmoid(2 * z) - sigmoid(-2 * z), 4 * sigmoid(2 * z) * sigmoid(-2 * z)),
    "relu": lambda z, s: (max(z, Decimal(0)), Decimal(int(z > 0))),
    "relu6": lambda z, s: (min(max(z, Decimal(0)), Decimal(6)), Decimal(int(0 < z < 6))),
    "prelu": lambda z, s: (z, Decimal(1)) if z > 0 else (Decimal(s.slope) * z, Decimal(s.slope)),
    "leaky_relu": lambda z, s: (z, Decimal(1)) if z > 0 else (Decimal(s.slope) * z, Decimal(s.slope)),
    "elu": lambda z, s: elu(z, Decimal(s.alpha)),
    "selu": lambda z, s: tuple(SELU_SCALE * x for x in elu(z, SELU_ALPHA)),
    "gelu": lambda z, s: gelu(z),
    "silu": lambda z, s: (z * sigmoid(z), sigmoid(z) * (1 + z * sigmoid(-z))),
    "mish": lambda z, s: mish(z),
    "softsign": lambda z, s: (z / (1 + abs(z)), 1 / (1 + abs(z)) ** 2),
    "hardtanh": lambda z, s: (min(max(z, Decimal(-1)), Decimal(1)), Decimal(int(-1 < z < 1))),
    "sine": lambda z, s: (sine(Decimal(s.omega) * z)[0], Decimal(s.omega) * sine(Decimal(s.omega) * z)[1]),
    "softplus": lambda z, s: (softplus(z), sigmoid(z)),
    "exp": lambda z, s: (z.exp(), z.exp()),
}


def _times_log(t, a):
    return t * a.ln() if t else t


def _over(t, a):
    return t / a if t else t


def _quantile(e, q):
    return ((1 - q) * e, 1 - q) if e > 0 else (-q * e, -q if e else e)


COSTS = {  # from a, 1 - a, t and the entry: the term and its derivative for a
    "quadratic": lambda a, no, t, c: ((a - t) ** 2 / 2, a - t),
    "binary_cross_entropy": lambda a, no, t, c: (
        -_times_log(t, a) - _times_log(1 - t, no),
        _over(1 - t, no) - _over(t, a),
    ),
    "cross_entropy": lambda a, no, t, c: (-_times_log(t, a), -_over(t, a)),
    "poisson": lambda a, no, t, c: (a - _times_log(t, a), 1 - _over(t, a)),
    "absolute": lambda a, no, t, c: (abs(a - t), Decimal(int(a > t) - int(a < t))),
    "huber": lambda a, no, t, c: (
        (a - t) ** 2 / 2 if abs(a - t) <= c.delta else Decimal(c.delta) * (abs(a - t) - Decimal(c.delta) / 2),
        min(max(a - t, Decimal(-c.delta)), Decimal(c.delta)),
    ),
    "quantile": lambda a, no, t, c: _quantile(a - t, Decimal(c.q)),
}


@in_decimals
def activation(sigma, Z):
    """sigma(z) and sigma'(z) for every z of an array, each rounded to float64 once."""
    pairs = [ACTIVATIONS[sigma.name](Decimal(float(z)), sigma) for z in np.ravel(Z)]
    return tuple(np.array([float(x) for x in column]).reshape(np.shape(Z)) for column in zip(*pairs, strict=True))


@in_decimals
def cost(entry, A, T):
    """The terms of C_x (one for each row unless the cost is elementwise) and dC_x/dA, each rounded once."""
    rows = [[_cost_of(entry, a, 1 - a, t) for a, t in _decimal_rows(*pair)] for pair in zip(A, T, strict=True)]
    return _rounded(entry, rows, [[g for _, g in row] for row in rows])


@in_decimals
def pair(sigma, entry, Z, T):
    """The same terms from Z, and dC_x/dZ."""
    rows, deltas = [], []
    for z_row, t_row in zip(Z, T, strict=True):
        z, t = zip(*_decimal_rows(z_row, t_row), strict=True)
        a, no, pullback = _row(sigma, z)
        rows.append([_cost_of(entry, *parts) for parts in zip(a, no, t, strict=True)])
        deltas.append(pullback([g for _, g in rows[-1]]))
    return _rounded(entry, rows, deltas)


def _decimal_rows(*rows):
    return zip(*([Decimal(float(x)) for x in row] for row in rows), strict=True)


def _cost_of(entry, a, no, t):
    return COSTS[entry.name](a, no, t, entry)


def _rounded(entry, rows, derivatives):
    terms = [[c for c, _ in row] if entry.elementwise else [sum(c for c, _ in row)] for row in rows]
    return tuple(np.array([[float(x) for x in row] for row in table]) for table in (terms, derivatives))


def _row(sigma, z):
    """a and 1 - a of a row, and its pullback."""
    if sigma.name != "softmax":
        a, slope = zip(*(ACTIVATIONS[sigma.name](x, sigma) for x in z), strict=True)
        no = [sigmoid(-x) if sigma.name == "sigmoid" else 1 - y for x, y in zip(z, a, strict=True)]
        return a, no, lambda g: [g_j * s_j for g_j, s_j in zip(g, slope, strict=True)]
    e = [(x - max(z)).exp() for x in z]
    places = range(len(z))
    a = [x / sum(e) for x in e]
    no = [sum(e[j] for j in places if j != i) / sum(e) for i in places]
    return a, no, lambda g: [a[i] * (g[i] * no[i] - sum(g[j] * a[j] for j in places if j != i)) for i in places]
