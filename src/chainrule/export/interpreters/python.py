"""Answers for rows, by a trained model that chainrule exported. It needs Python 3.8 or newer, and no package.

As a module:     predict(row)          a class or a number; with several targets a dictionary by target
                 probabilities(row)    the probability of each class, by class
                 answers(row)          both, by target
As a program:    python FILE rows.csv > answers.csv       rows from stdin without a file name, or for -

A row is a mapping from the names in INPUTS to cells, or the cells in their order. METADATA says what the model is.

    numbers    1234.5, or the same as text; True is 1, False is 0
    words      any text; 1 and 1.0 are the word "1", True is "true"
    labels     a text with the mark of training between labels, such as "a;b"; of a text its words count
    times      a datetime, or text such as "2024-02-29 13:30:00" or "2024-02-29"; times of day: a time, or "13:30".
               Where training had dates such as 20240229, also these, as text or as numbers.
               The clock is taken as it is written: a time zone behind it is ignored
    missing    None, NaN, an empty text, and words that stand for it, such as "?" and "NA"
"""

import base64
import datetime
import decimal
import itertools
import json
import math
import operator
import re
import struct
import sys
import unicodedata

_DOCUMENT = json.loads(
    r"""{"chainrule": "", "digest": "", "dtype": "float64", "missing": [], "placeholders": [], "no_times": [],
    "names": [], "columns": null, "outputs": [], "layers": []}"""
)

INPUTS = tuple(_DOCUMENT["names"])
METADATA = {name: _DOCUMENT[name] for name in ("chainrule", "digest", "dtype")}

_LETTER = "f" if _DOCUMENT["dtype"] == "float32" else "d"
_GREATEST = (2 - 2**-24) * 2.0**127 if _LETTER == "f" else math.inf  # from here on a number rounds to infinity
_DAY = 86400.0


def answers(row):
    """For each target a pair: its answer for a row, and the probabilities by class, None if it has none."""
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


# -------------------------------------------------- readings: from a cell to a number, a word, seconds, or None

_MISSING = frozenset(_DOCUMENT["missing"])
_NO_NUMBER = _MISSING.union(_DOCUMENT["placeholders"])
_NO_TIME = _NO_NUMBER.union(_DOCUMENT["no_times"])

_PLAIN = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+")
_WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))\.0+")  # not a code such as 007.0
_TIMES = (datetime.date, datetime.time)
_BOOLEANS = {"true": 1.0, "True": 1.0, "TRUE": 1.0, "false": 0.0, "False": 0.0, "FALSE": 0.0}
_UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]")
_DASHES = re.compile("[\u2010-\u2013\u2212]")


def _refused(kind, cell, what):
    return ValueError(f"holds {kind}, but {_shown(cell)} came: {what}")


def _shown(value):
    try:
        line = " ".join(repr(value).split())
    except (ValueError, RecursionError):  # a whole number of thousands of digits, a list in a list in a list
        line = "a value of type " + type(value).__name__
    return line if len(line) <= 60 else line[:56] + " ..."


def _plain_characters(text):
    """Text with plain spaces, digits and minus signs, and without characters that are not visible."""
    if text.isascii():
        return text
    return _DASHES.sub("-", _UNSEEN.sub("", unicodedata.normalize("NFKC", text))).strip()


def _number(reading):
    form = reading["form"]
    kind = "numbers" if form == "1234.5" else f"numbers, in training written as {form}"

    def of_text(cell):
        text = cell.strip()
        if text in _NO_NUMBER:
            return None
        text = _plain_characters(text)
        if "1.234,5" in form and _THOUSANDS.fullmatch(text):
            raise _refused(kind, cell, "it could be either of two numbers, so give it as a number, not as text")
        if _PLAIN.fullmatch(text):
            return float(text)
        if text in _BOOLEANS or not text:
            return _BOOLEANS.get(text)
        raise _refused(kind, cell, "write a number such as 1234.5, or leave the cell empty")

    def of_object(cell):
        if cell is None or (not hasattr(cell, "__float__") and str(cell) in _MISSING):
            return None
        try:
            return cell / datetime.timedelta(days=1) if isinstance(cell, datetime.timedelta) else cell.__float__()
        except (AttributeError, TypeError, ValueError, OverflowError):
            raise _refused(kind, cell, "give a number such as 1234.5, or None") from None

    def read(cell):
        value = cell if type(cell) is float else of_text(cell) if isinstance(cell, str) else of_object(cell)
        if value is None or value != value:
            return None
        if abs(value) == math.inf:
            raise _refused(kind, cell, "give a finite number, or leave the cell empty")
        return value

    return read


def _time(reading):
    patterns = [re.compile(pattern, re.ASCII | re.IGNORECASE) for pattern in reading["patterns"]]
    sample = {"hour:minute": "13:30:00", "yearmonthday": "20240229"}.get(reading["form"], "2024-02-29 13:30:00")
    unmarked = reading["form"] == "yearmonthday"

    def read(cell):
        text = str(cell).strip()
        if cell is None or text in _NO_TIME:
            return None
        if not isinstance(cell, (str, *_TIMES)) and not (unmarked and hasattr(cell, "__float__")):
            text = ""
        text = _plain_characters(_word_of(cell) if text and unmarked else text)
        match = next(filter(None, (pattern.fullmatch(text) for pattern in patterns)), None)
        if match is None:
            raise _refused("times", cell, f"write a time such as {sample}, or leave the cell empty")
        try:
            return _seconds(match.groupdict(""))
        except ValueError:
            raise _refused("times", cell, "there is no such time") from None

    return read


def _seconds(part):
    """The seconds since 1970, or since midnight."""
    hour, minute = int(part["hour"] or 0), int(part["minute"] or 0)
    second, half = float((part["second"] or "0").replace(",", ".")), part.get("half")
    if minute > 59 or second >= 61 or (not 1 <= hour <= 12 if half else hour > 23):
        raise ValueError
    if half:
        hour = hour % 12 + 12 * half.lower().startswith("p")
    days = 0
    if "year" in part:
        days = datetime.date(*(int(part[name]) for name in ("year", "month", "day"))).toordinal() - 719163
    return days * _DAY + 3600 * hour + 60 * minute + second


def _word(reading):
    codes = {word: k for k, word in enumerate(reading["words"])}

    def read(cell):
        text = None if cell is None else _word_of(cell)
        return None if text is None else codes.get(text, -1)

    return read


def _items(reading):
    codes, mark = {word: k for k, word in enumerate(reading["words"])}, reading["separator"]

    def read(cell):
        text = None if cell is None else _word_of(cell)
        if text is None:
            return None
        items = text.split(mark) if mark else re.findall(r"[^\W_]+", _lower(text))
        pairs = [] if mark else map(" ".join, zip(items, items[1:]))
        return {codes.get(item, -1) for item in map(str.strip, items) if item} | {codes[p] for p in pairs if p in codes}

    return read


def _lower(text):
    """The text in lower case as training had it: letter by letter, each of which stays one letter."""
    return "".join(letter.lower()[0] for letter in text)


def _word_of(cell):
    """The text that a cell had in training, None where it is missing."""
    if isinstance(cell, (bytes, bytearray, memoryview, list, tuple, set, dict)):
        raise _refused("words", cell, "give a text, a number or a boolean")
    text = _digits(cell) if isinstance(cell, float) else str(cell).strip()
    if text in _MISSING:
        return None
    if isinstance(cell, datetime.datetime):
        text = text.rstrip("0") if cell.microsecond else text
        return text[:10] if text.endswith(" 00:00:00") else text
    if isinstance(cell, decimal.Decimal):
        return text.rstrip("0").rstrip(".") if "." in text and "E" not in text else text
    whole = _WHOLE.fullmatch(text)
    return whole.group(1) if whole else text.lower() if text in _BOOLEANS else text


def _digits(value):
    """A number in the fewest digits that give it again, and whole numbers without a point."""
    if abs(value) < 2.0**53 and value == int(value):
        return str(int(value))
    if math.isnan(value) or math.isinf(value):
        return str(float(value))
    number = decimal.Decimal(float.__repr__(value))
    point = number.adjusted()
    if -6 <= point < 10:
        return format(number, "f")
    first, *rest = number.normalize().as_tuple().digits
    return f"{'-' * (value < 0)}{first}{'.' * bool(rest)}{''.join(map(str, rest))}e{point:+d}"


def _presence(reading):
    def read(cell):
        return None if cell is None or str(cell).strip() in _NO_NUMBER else 0

    return read


_READINGS = {"number": _number, "time": _time, "word": _word, "items": _items, "presence": _presence}


# ------------------------------------------------- inputs: from what was read to numbers that the network sees


def _affine(step):
    mean, scale = step["mean"], step["scale"]
    return lambda x: (x - mean) / scale


def _asinh(step):
    return math.asinh


def _bend(step):
    bound = step["bound"]

    def bent(x):
        return x if abs(x) <= bound else math.copysign(2 * bound - bound * bound / abs(x), x)

    return bent


_STEPS = {"affine": _affine, "asinh": _asinh, "bend": _bend}


def _curve(part):
    steps = [_STEPS[step["is"]](step) for step in part["steps"]]

    def curve(x):
        for step in steps:
            x = step(x)
        if abs(x) >= _GREATEST:
            raise ValueError("is too far from the training data: fix it, or leave the cell empty")
        return (x,)

    return curve


def _powers(part):
    steps = [_STEPS[step["is"]](step) for step in part["steps"]]
    square, cube = 0.5 / math.sqrt(2), 0.5 / math.sqrt(6)

    def powers(z):
        for step in steps:
            z = step(z)
        return square * (z * z - 1), cube * (z * (z * z - 3))

    return powers


def _bins(part):
    bins = [(low, high - low) for low, high in zip(part["edges"], part["edges"][1:])]
    return lambda x: [min(max((x - low) / width, 0.0), 1.0) for low, width in bins]


def _values(part):
    known = list(zip(part["values"], part["rounded"]))
    return lambda x: [float(x in pair) for pair in known]


def _cycle(part):
    place, unit = _PLACES[part["cycle"]], 2 * math.pi / part["length"]

    def waves(seconds):
        angle = unit * place(seconds)
        return math.sin(angle), math.cos(angle)

    return waves


def _day_of_year(seconds):
    return datetime.date.fromordinal(int(seconds // _DAY) + 719163).timetuple().tm_yday - 1


_PLACES = {
    "season": _day_of_year,
    "weekday": lambda seconds: (seconds // _DAY + 3) % 7,
    "clock": lambda seconds: seconds % _DAY // 60,
}


def _many_places(part):
    """The numbers of the words, and -1 for any other."""
    return [*range(part["width"] - 1), -1] if part["other"] else range(part["width"])


def _text_weights(part):
    weights = part["weights"]

    def write(codes):
        known, total = sorted(code for code in codes if code >= 0), 0.0
        for code in known:  # sum() has other bits since Python 3.12
            total += weights[code] * weights[code]
        a, length = [0.0] * part["width"], math.sqrt(total)
        for code in known:
            a[code] = 3 * weights[code] / length
        return a

    return write


_INPUTS = {
    "curve": _curve,
    "powers": _powers,
    "bins": _bins,
    "time_bins": _bins,
    "values": _values,
    "cycle": _cycle,
    "one_hot": lambda part: lambda code: [float(k == code) for k in range(part["width"])],
    "many_hot": lambda part: lambda codes: [float(k in codes) for k in _many_places(part)],
    "text_weights": _text_weights,
    "steps": lambda part: lambda code: [float(code > k) for k in range(part["width"])],
    "other": lambda part: lambda code: (float(code < 0),),
    "missing": lambda part: lambda value: (0.0,),
}


def _column(column):
    """A function that gives the inputs for a cell. It raises ValueError for a cell that the column does not hold."""
    name, read = column["name"], _READINGS[column["reading"]["is"]](column["reading"])
    parts = [_INPUTS[part["is"]](part) for part in column["inputs"]]
    absent = [float(part["is"] == "missing") for part in column["inputs"] for _ in range(part["width"])]

    def encode(cell):
        try:
            value = read(cell)
            return absent if value is None else [x for part in parts for x in part(value)]
        except ValueError as error:
            raise ValueError(f"column {_shown(name)} {error}") from None

    if column["reading"]["is"] != "word":
        return encode
    known = {word: encode(word) for word in column["reading"]["words"]}
    return lambda cell: known[cell] if type(cell) is str and cell in known else encode(cell)


def _bare_number(name):
    """The same where rows are numbers, none of which may be missing."""
    read = _number({"form": "1234.5"})

    def encode(cell):
        try:
            value = read(cell)
        except ValueError as error:
            raise ValueError(f"input {_shown(name)} {error}") from None
        if value is None:
            raise ValueError(f"input {_shown(name)} is missing: give a number")
        if abs(value) >= _GREATEST:
            raise ValueError(f"input {_shown(name)} is {_shown(cell)}, too large for {_DOCUMENT['dtype']}: fix it")
        return (value,)

    return encode


def _cells(row):
    """The cells of a row in the order of INPUTS."""
    if hasattr(row, "keys"):
        try:
            return [row[name] for name in INPUTS]
        except (KeyError, IndexError):
            known = frozenset(row.keys())
            absent = next((name for name in INPUTS if name not in known), "?")
            raise ValueError(f"the row has no {_shown(absent)}: it needs {_listed(INPUTS)}") from None
    if isinstance(row, (str, bytes)) or not hasattr(row, "__len__"):
        raise ValueError(f"a row is a mapping or a list, but {_shown(row)} came")
    if len(row) != len(INPUTS):
        raise ValueError(f"the row has {len(row)} cells, but needs {len(INPUTS)}: {_listed(INPUTS)}")
    return row


def _listed(names):
    some = ", ".join(_shown(name) for name in names[:8])
    return some if len(names) <= 8 else f"{some} and {len(names) - 8} more"
