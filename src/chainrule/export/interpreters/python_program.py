"""The program: CSV in, CSV out."""

import csv
import io
import itertools
import math
import os
import re
import struct
import sys

from chainrule.export.interpreters.python import (
    _DOCUMENT,
    _GREATEST,
    _LETTER,
    INPUTS,
    _digits,
    _listed,
    _shown,
    answers,
)


def _single(value):
    """The digits of a number that is rounded to the type of the network."""
    if _LETTER == "d" or math.isnan(value) or abs(value) >= _GREATEST:
        return _digits(value)
    (rounded,) = struct.unpack("<f", struct.pack("<f", value))
    shorter = (float(f"{rounded:.{digits}g}") for digits in range(6, 10))
    return _digits(next(each for each in shorter if struct.unpack("<f", struct.pack("<f", each)) == (rounded,)))


def _quoted(text):
    return '"' + text.replace('"', '""') + '"'


def _field(output, answer):
    if isinstance(answer, bool):
        return str(answer).lower()
    if isinstance(answer, (str, int)):
        return _quoted(answer) if isinstance(answer, str) else str(answer)
    return _digits(answer) if output.get("scaled", True) else _single(answer)


_FIRST = int(len(_DOCUMENT["outputs"]) > 1 and all(output.get("yes_or_no") for output in _DOCUMENT["outputs"]))
# the first class that gets a column: of several labels only whether they are there


def _header():
    outputs = _DOCUMENT["outputs"]
    probable = [output for output in outputs if output.get("probable", output["is"] == "labels")]
    classes = [f"{output['name']}={text}" for output in probable for text in output["texts"][_FIRST:]]
    return [output["name"] for output in outputs] + classes


def _fields(row):
    by_target = answers(row)
    fields = [_field(output, by_target[output["name"]][0]) for output in _DOCUMENT["outputs"]]
    chances = [list((of or {}).values())[_FIRST:] for _, of in by_target.values()]
    return fields + [_single(chance) for of in chances for chance in of]


def _rows(stream):
    """The rows of a CSV file, as cells in the order of INPUTS."""
    first = stream.readline()
    marks = re.sub(r'"[^"]*"', "", first)
    reader = csv.reader(itertools.chain([first], stream), delimiter=max(",;\t|", key=marks.count))
    names = next(reader, None)
    if not names:
        raise ValueError("there is no row: the first one must name the columns")
    wrong = next((name for name in INPUTS if names.count(name) != 1), None)
    if wrong is not None:
        count = "are two columns" if wrong in names else "is no column"
        raise ValueError(f"there {count} {_shown(wrong)}: the model needs {_listed(INPUTS)}")
    places = [names.index(name) for name in INPUTS]
    for number, cells in enumerate(filter(None, reader), 1):
        if len(cells) != len(names):
            raise ValueError(f"row {number} must have {len(names)} cells, one for each column, but has {len(cells)}")
        yield number, [cells[place] for place in places]


def _write(lines):
    sys.stdout.write("".join(",".join(line) + "\n" for line in lines))


def _answer_all(stream):
    _write([map(_quoted, _header())])
    for number, row in _rows(stream):
        try:
            _write([_fields(row)])
        except ValueError as error:
            raise ValueError(f"row {number}: {error}") from None


def _main(arguments):
    if "-h" in arguments or "--help" in arguments:
        return print(__doc__.strip())
    if len(arguments) > 1 or any(each.startswith("-") and each != "-" for each in arguments):
        raise ValueError(f"one file of rows can be named, but {' '.join(arguments)} came: see --help")
    csv.field_size_limit(2**31 - 1)
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    raw = open(arguments[0], "rb") if arguments and arguments[0] != "-" else sys.stdin.buffer
    with io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as stream:
        try:
            _answer_all(stream)
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            raise ValueError(f"rows are in UTF-8, but the byte 0x{byte:02x} came: save the file as UTF-8") from None
    return sys.stdout.flush()


if __name__ == "__main__":
    try:
        _main(sys.argv[1:])
    except BrokenPipeError:  # the reader of our output has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except (OSError, ValueError, csv.Error) as error:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {error}")
