"""Answers for rows, by a trained model that was exported from chainrule. It needs Python 3.8 and nothing else.

As a program:    python FILE rows.csv > answers.csv       (rows from stdin without a file name)
As a module:     predict(row), probabilities(row), answers(row)
                 where a row is a mapping from the names in INPUTS to cells, or the cells in their order

A number is a number or its text; a missing cell is None, NaN or "". Times are "2024-02-29 13:30" or "2024-02-29".
"""

import base64
import csv
import datetime
import json
import math
import struct
import sys

_DOCUMENT = json.loads("{}")

_EPOCH = datetime.datetime(1970, 1, 1)


def answers(row):
    """For each target its answer for a row, and the probabilities of its classes by class, None if it has none."""
    A = _outputs(row)
    return {output["name"]: _answer(output, A) for output in _DOCUMENT["outputs"]}


def predict(row):
    """The answer for a row: a class or a number; with several targets a dictionary by target."""
    return _only({target: answer for target, (answer, _) in answers(row).items()})


def probabilities(row):
    """The probability of each class for a row, by class; with several targets of classes a dictionary by target."""
    return _only({target: chances for target, (_, chances) in answers(row).items() if chances is not None})


def _only(values):
    return next(iter(values.values())) if len(values) == 1 else values


# ------------------------------------------------------------------------------------------- cells of a row


def _is_missing(cell):
    if isinstance(cell, str):
        return cell.strip() in _DOCUMENT["missing"]
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def _number(cell):
    value = float(cell)
    if math.isinf(value):
        raise ValueError(f"{cell!r} is not a finite number")
    return value


def _word(cell):
    """Text as training had it: `true`, `false`, and whole numbers without a point."""
    if isinstance(cell, bool) or (isinstance(cell, str) and cell.strip() in ("True", "TRUE", "False", "FALSE")):
        return str(cell).strip().lower()
    text = str(cell).strip()
    whole, _, decimals = text.partition(".")
    digits = whole[1:] if whole[:1] == "-" else whole
    plain = digits.isdigit() and digits.isascii() and (digits == "0" or digits[0] != "0")
    return whole if plain and decimals and not decimals.strip("0") else text


def _seconds(cell, form):
    """Seconds since 1970, or since midnight for a time of day."""
    text = str(cell).strip().replace("T", " ")
    clock = text if form == _DOCUMENT["clock"] else text[10:].strip()
    parts = [float(part) for part in clock.split(":")] if clock else []
    rest = sum(part * unit for part, unit in zip(parts, (3600.0, 60.0, 1.0)))
    if form == _DOCUMENT["clock"]:
        return rest
    return (datetime.datetime.strptime(text[:10], "%Y-%m-%d") - _EPOCH).days * 86400.0 + rest


def _read(cell, reading):
    """What a cell is: a number, seconds, or the number of a word, -1 for any other."""
    if reading["is"] == "number":
        return _number(cell)
    if reading["is"] == "time":
        return _seconds(cell, reading["form"])
    return reading["codes"].get(_word(cell), -1) if reading["is"] == "word" else 0


# ---------------------------------------------------------------------------------------- inputs of the network


def _step(x, step):
    if step["is"] == "affine":
        return (x - step["mean"]) / step["scale"]
    if step["is"] == "asinh":
        return math.asinh(x)
    bound = step["bound"]
    return x if abs(x) <= bound else math.copysign(2 * bound - bound * bound / abs(x), x)


def _curve(value, part):
    for step in part["steps"]:
        value = _step(value, step)
    return [value]


def _cycle(seconds, part):
    day = math.floor(seconds / 86400.0)
    if part["cycle"] == "season":
        place = (_EPOCH + datetime.timedelta(day)).timetuple().tm_yday - 1
    else:
        place = (day + 3) % 7 if part["cycle"] == "weekday" else int(seconds % 86400.0 // 60)
    return part["waves"][2 * place : 2 * place + 2]


def _one_hot(code, part):
    return [float(k == code) for k in range(len(part["words"]))]


def _steps(code, part):
    return [float(code > k) for k in range(len(part["words"]) - 1)]


_INPUTS = {
    "curve": (1, _curve),
    "cycle": (2, _cycle),
    "one_hot": (0, _one_hot),
    "steps": (-1, _steps),
    "other": (1, lambda code, part: [float(code < 0)]),
    "missing": (1, lambda value, part: [0.0]),
}  # how many numbers there are beside those for words, and what they are for a cell that is there


def _encoded(cell, column):
    missing, numbers = _is_missing(cell), []
    value = None if missing else _read(cell, column["reading"])
    for part in column["inputs"]:
        count, function = _INPUTS[part["is"]]
        if missing:
            numbers += [float(part["is"] == "missing")] * (count + len(part.get("words", ())))
        else:
            numbers += function(value, part)
    return numbers


def _inputs(row):
    names = _DOCUMENT["names"]
    if isinstance(row, dict):
        absent = [name for name in names if name not in row]
        if absent:
            raise KeyError(f"there is no input {absent[0]!r}: the inputs are {', '.join(names)}")
        row = [row[name] for name in names]
    if len(row) != len(names):
        raise ValueError(f"the row has {len(row)} cells, but there are {len(names)} inputs: {', '.join(names)}")
    if _DOCUMENT["columns"] is None:
        return [_number(cell) for cell in row]
    a = []
    for cell, column in zip(row, _DOCUMENT["columns"]):
        try:
            a += _encoded(cell, column)
        except (ValueError, OverflowError) as error:
            kind = column["reading"]["is"]
            raise ValueError(f"column {column['name']!r} holds {kind}s, but {cell!r} came") from error
    return a


# ------------------------------------------------------------------------------------------------ layers


def _sigmoid(z):
    e = math.exp(-abs(z))
    return (1.0 if z > 0 else e) / (1.0 + e)


def _expm1(z):
    return math.expm1(min(z, 0.0))


def _mish(z):
    e = math.exp(-abs(z))
    top, rest = (1 + 2 * e, 2 * e * e) if z > 0 else (e * (e + 2), 2.0)
    return z * (top / (top + rest))


def _exp(z):
    return math.exp(z) if z < 709.78 else math.inf


_ACTIVATIONS = {
    "identity": lambda z, p: z,
    "sigmoid": lambda z, p: _sigmoid(z),
    "tanh": lambda z, p: math.tanh(z),
    "relu": lambda z, p: max(z, 0.0),
    "relu6": lambda z, p: min(max(z, 0.0), 6.0),
    "leaky_relu": lambda z, p: z if z > 0 else p["slope"] * z,
    "prelu": lambda z, p: z if z > 0 else p["slope"] * z,
    "elu": lambda z, p: z if z > 0 else p["alpha"] * _expm1(z),
    "selu": lambda z, p: p["scale"] * (z if z > 0 else p["alpha"] * _expm1(z)),
    "gelu": lambda z, p: z * 0.5 * math.erfc(-z / math.sqrt(2.0)),
    "silu": lambda z, p: z * _sigmoid(z),
    "mish": lambda z, p: _mish(z),
    "softplus": lambda z, p: max(z, 0.0) + math.log1p(math.exp(-abs(z))),
    "softsign": lambda z, p: z / (1.0 + abs(z)),
    "hardtanh": lambda z, p: min(max(z, -1.0), 1.0),
    "sine": lambda z, p: math.sin(p["omega"] * z),
    "exp": lambda z, p: _exp(z),
}


def _softmax(Z):
    powers = [math.exp(z - max(Z)) for z in Z]
    total = sum(powers)
    return [power / total for power in powers]


def _layer(a, layer):
    Z = list(layer["b"])
    for x, w in zip(a, layer["W"]):
        if x:
            Z = [z + x * each for z, each in zip(Z, w)]
    A = []
    for part in layer["parts"]:
        own = Z[part["start"] : part["stop"]]
        if part["name"] == "softmax":
            A += _softmax(own)
        else:
            function = _ACTIVATIONS[part["name"]]
            A += [function(z, part) for z in own]
    return A


def _outputs(row):
    a = _inputs(row)
    for layer in _DOCUMENT["layers"]:
        a = _layer(a, layer)
    return a


# ------------------------------------------------------------------------------------------------ answers


def _shares(output, A):
    """The probabilities of the classes, or what stands for them."""
    own = A[output["start"] : output["stop"]]
    if output["yes_or_no"]:
        return [1 - own[0], own[0]]
    if not output["divided"]:
        return own
    total = sum(own)
    return [a / total for a in own] if total > 0 else [1 / len(own)] * len(own)


def _answer(output, A):
    if output["is"] == "numbers":
        return _value(output, A[output["start"]]), None
    chances, classes = _shares(output, A), output["classes"]
    best = int(chances[1] > 0.5) if output["yes_or_no"] else chances.index(max(chances))
    return classes[best], dict(zip(classes, chances)) if output["probable"] else None


def _value(output, a):
    if not output["scaled"]:
        return a
    y = output["mean"] + output["scale"] * a
    return math.exp(min(y, output["greatest"])) if output["logarithm"] else y


# ----------------------------------------------------------------------------------------- the document, once


def _decoded_numbers(text, kind):
    raw = base64.b64decode(text)
    return list(struct.unpack(f"<{len(raw) // struct.calcsize(kind)}{kind}", raw))


def _prepare(document):
    """Decode the numbers of the document in place."""
    kind = "f" if document["dtype"] == "float32" else "d"
    for layer in document["layers"]:
        layer["b"] = b = _decoded_numbers(layer["b"], kind)
        W = _decoded_numbers(layer["W"], kind)
        layer["W"] = [W[k : k + len(b)] for k in range(0, len(W), len(b))]
    for column in document["columns"] or ():
        column["reading"]["codes"] = {word: k for k, word in enumerate(column["reading"].get("words", ()))}
        for part in column["inputs"]:
            if part["is"] == "cycle":
                part["waves"] = _decoded_numbers(part["waves"], "d")


if _DOCUMENT:
    _prepare(_DOCUMENT)
    INPUTS = tuple(_DOCUMENT["names"])


def _main(paths):
    stream = open(paths[0], encoding="utf-8-sig", newline="") if paths else sys.stdin
    rows, writer = csv.DictReader(stream), csv.writer(sys.stdout, lineterminator="\n")
    several = len(_DOCUMENT["outputs"]) > 1
    writer.writerow([output["name"] for output in _DOCUMENT["outputs"]])
    for row in rows:
        answer = predict(row)
        writer.writerow(answer.values() if several else [answer])


if __name__ == "__main__":
    try:
        _main(sys.argv[1:])
    except (OSError, KeyError, ValueError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
