"""The layers and the answers, the second part of `python.py`: what is above the line of dashes is not exported."""

import base64
import itertools
import math
import operator
import struct
import sys

from chainrule.export.interpreters.python import _DOCUMENT, _GREATEST, _LETTER, INPUTS, _bare_number, _cells, _column

# --------------------------------------------------------------------------------------- layers: A = sigma(A W + b)


_LARGEST_EXPONENT = math.log(min(_GREATEST, sys.float_info.max))
_ROOT = math.sqrt(0.5)


def _sigmoid(z):
    e = math.exp(-abs(z))
    return (1.0 if z > 0 else e) / (1.0 + e)


def _elu(z, alpha):
    return z if z > 0 else alpha * math.expm1(z)


def _mish(z):
    e = math.exp(-abs(z))
    top, rest = (1 + 2 * e, 2 * e * e) if z > 0 else (e * (e + 2), 2.0)
    return z * (top / (top + rest))


def _sine(z, omega):
    return math.sin(omega * z) if abs(omega * z) < math.inf else math.nan


def _exp(z):
    return math.exp(z) if z < _LARGEST_EXPONENT else math.inf if z == z else z


def _softmax(Z):
    greatest = max(Z)
    powers = [math.exp(z - greatest) for z in Z]
    total = sum(powers)
    return [power / total for power in powers]


_ACTIVATIONS = {
    "identity": lambda Z, p: Z,
    "sigmoid": lambda Z, p: [_sigmoid(z) for z in Z],
    "tanh": lambda Z, p: [math.tanh(z) for z in Z],
    "relu": lambda Z, p: [z if z > 0 else 0.0 for z in Z],
    "relu6": lambda Z, p: [min(z, 6.0) if z > 0 else 0.0 for z in Z],
    "leaky_relu": lambda Z, p: [z if z > 0 else p["slope"] * z for z in Z],
    "prelu": lambda Z, p: [z if z > 0 else p["slope"] * z for z in Z],
    "elu": lambda Z, p: [_elu(z, p["alpha"]) for z in Z],
    "selu": lambda Z, p: [p["scale"] * _elu(z, p["alpha"]) for z in Z],
    "gelu": lambda Z, p: [0.5 * z * math.erfc(-_ROOT * z) for z in Z],
    "silu": lambda Z, p: [z * _sigmoid(z) for z in Z],
    "mish": lambda Z, p: [_mish(z) for z in Z],
    "softplus": lambda Z, p: [max(z, 0.0) + math.log1p(math.exp(-abs(z))) for z in Z],
    "softsign": lambda Z, p: [z / (1.0 + abs(z)) for z in Z],
    "hardtanh": lambda Z, p: [min(max(z, -1.0), 1.0) for z in Z],
    "sine": lambda Z, p: [_sine(z, p["omega"]) for z in Z],
    "exp": lambda Z, p: [_exp(z) for z in Z],
    "softmax": lambda Z, p: _softmax(Z),
}


def _products(a, columns):
    """The sum of the products of `a` with each column of weights."""
    return [sum(map(operator.mul, a, w)) for w in columns]


if hasattr(math, "sumprod"):  # from Python 3.12 on

    def _products(a, columns):
        return [math.sumprod(a, w) for w in columns]


def _block(block, b):
    """A function that gives Z of some neurons, whose weights come from a range of the inputs.

    The bias is the weight of a further input, which is 1. Inputs that are 0 are left out.
    """
    (first, last), (start, stop) = block["inputs"], block["neurons"]
    numbers, width = _decoded(block["W"]) + b[start:stop], stop - start
    rows = [numbers[k : k + width] for k in range(0, len(numbers), width)]
    columns = list(zip(*rows))

    def sums(a):
        own = [*a[first:last], 1.0]
        present = [x for x in own if x]
        return _products(present, columns if len(present) == len(own) else zip(*itertools.compress(rows, own)))

    return sums


def _layer(layer):
    """A function from the A of a layer to that of the next one."""
    b = _decoded(layer["b"])
    blocks = [_block(block, b) for block in layer["blocks"]]
    parts = [(_ACTIVATIONS[part["name"]], part, part["start"], part["stop"]) for part in layer["parts"]]

    def forward(a):
        Z = [z for block in blocks for z in block(a)]
        return [a for sigma, part, start, stop in parts for a in sigma(Z[start:stop], part)]

    return forward


def _decoded(text):
    raw = base64.b64decode(text)
    return struct.unpack(f"<{len(raw) // struct.calcsize(_LETTER)}{_LETTER}", raw)


_COLUMNS = [_column(column) for column in _DOCUMENT["columns"] or ()] or [_bare_number(name) for name in INPUTS]
_LAYERS = [_layer(layer) for layer in _DOCUMENT["layers"]]


def _outputs(row):
    """The A of the last layer."""
    a = []
    for encode, cell in zip(_COLUMNS, _cells(row)):
        a += encode(cell)
    kind = f"<{len(a)}{_LETTER}"
    a = struct.unpack(kind, struct.pack(kind, *a))  # rounded to the type of the network
    for forward in _LAYERS:
        a = forward(a)
    return a


# ------------------------------------------------------------------------------------------- answers: what A means


def _shares(output, A):
    """The probabilities of the classes, or what stands for them."""
    own = A[output["start"] : output["stop"]]
    if output["yes_or_no"]:
        return [1 - own[0], own[0]]
    if output["ordered"]:
        least = list(itertools.accumulate(own, min))
        return [above - below for above, below in zip([1.0, *least], [*least, 0.0])]
    if not output["divided"]:
        return own
    total = sum(own)
    return [a / total for a in own] if total > 0 else [1 / len(own)] * len(own)


def _answer(output, A):
    if output["is"] == "numbers":
        return _value(output, A[output["start"]]), None
    if output["is"] == "labels":
        own = dict(zip(output["texts"], A[output["start"] : output["stop"]]))
        return output["separator"].join(text for text, p in own.items() if p > 0.5), own
    chances, classes = _shares(output, A), output["classes"]
    best = int(chances[1] > 0.5) if output["yes_or_no"] else chances.index(max(chances))
    if output["ordered"]:
        best = sum(1 for _ in itertools.takewhile(lambda p: p > 0.5, A[output["start"] : output["stop"]]))
    if "threshold" in output:
        decided = output["decided"]
        best = decided if chances[decided] >= output["threshold"] else 1 - decided
    return classes[best], dict(zip(classes, chances)) if output["probable"] else None


def _value(output, a):
    if not output["scaled"]:
        return a
    y = output["mean"] + output["scale"] * a
    return math.exp(min(y, output["greatest"])) if output["logarithm"] else y
