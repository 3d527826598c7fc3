"""Mutants of files: bytes that are damaged, and files of ours whose parts are exchanged under a digest that agrees."""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.errors import ModelFileError
from chainrule.files.container import Container, to_bytes

ODD = [
    -1, 0, 1, 2, 3, 31, 2**31, 2**53, 2**62, 2**63, 2**64 - 1, True, False, None, 0.5, -1.5, 1e300, 5e-324,
    "", "W", "auto", "text", "numbers", "classes", "softmax", "float32", "inf", "\n", "x" * 300,
    [], [0], [1, 2], [[]], [None], {}, {"name": "sgd"}, {"is": "dict", "of": []}, {"is": "tuple", "of": [1]},
    {"is": "float", "of": "nan"}, {"is": "float", "of": "inf"}, {"is": "optimizer", "of": {"name": "adam"}},
]  # fmt: skip
NUMBERS = [np.nan, np.inf, -np.inf, 0.0, -0.0, -1.0, 1e300, 1e-300, 1e39, 255.0]
DTYPES = ["float32", "float64", "int32", "int64", "uint8", "bool"]


def damaged(raw: bytes, rng: np.random.Generator) -> bytes:
    """The bytes with bits flipped, a part cut out, doubled, exchanged or appended."""
    start, stop = sorted(int(at) for at in rng.integers(len(raw) + 1, size=2))
    match rng.integers(6):
        case 0:
            return raw[:start]
        case 1:
            return raw + rng.bytes(rng.integers(1, 200))
        case 2:
            return raw[:start] + raw[stop:]
        case 3:
            return raw[:stop] + raw[start:]
        case 4:
            return raw[:start] + rng.bytes(min(stop - start, 8)) + raw[min(stop, start + 8) :]
    flipped = bytearray(raw)
    for bit in rng.integers(8 * len(raw), size=rng.integers(1, 9)):
        flipped[bit // 8] ^= 1 << (bit % 8)
    return bytes(flipped)


def resealed(file: Container, rng: np.random.Generator) -> bytes:
    """A file with one to three parts changed, and a digest that agrees."""
    while True:
        document, tensors = copy.deepcopy(file.document), dict(file.tensors)
        for _ in range(rng.integers(1, 4)):
            if rng.random() < 0.3 and tensors:
                _change_tensor(tensors, rng)
            else:
                _change_document(document, rng)
        try:
            return to_bytes(document, tensors)
        except ModelFileError:  # parts that no file can hold
            continue


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a JSON value."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _change_document(document: dict[str, Any], rng: np.random.Generator) -> None:
    """Change one value: to an odd one, to another of the document, by a little; or its place in its list or mapping."""
    places = [place for place in _places(document) if place[1] not in ("schema", "kind")]
    if not places:
        return
    where, key = places[rng.integers(len(places))]
    other, at = places[rng.integers(len(places))]
    match rng.integers(8):
        case 0:
            del where[key]
        case 1 if isinstance(where, dict):
            where[str(ODD[rng.integers(len(ODD))])] = where.pop(key)
        case 2 if isinstance(where, list):
            where.insert(int(rng.integers(len(where) + 1)), copy.deepcopy(where[key]))
        case 3 if isinstance(where, list):
            rng.shuffle(where)
        case 4 | 5:
            where[key] = copy.deepcopy(other[at])
        case 6:
            where[key] = _a_little_else(where[key], rng)
        case _:
            where[key] = copy.deepcopy(ODD[rng.integers(len(ODD))])


def _a_little_else(value: Any, rng: np.random.Generator) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + int(rng.choice([-1, 1]))
    if isinstance(value, str):
        return value[1:] if rng.random() < 0.5 else value + value[:1]
    return [value]


def _change_tensor(tensors: dict[str, Any], rng: np.random.Generator) -> None:
    """Remove a tensor, rename it, give it another's content, another type or shape, or odd numbers."""
    names = list(tensors)
    name, other = (names[at] for at in rng.integers(len(names), size=2))
    array = np.array(tensors[name])
    match rng.integers(8):
        case 0:
            del tensors[name]
        case 1:
            tensors[other + "." * int(rng.integers(2))] = tensors.pop(name)
        case 2:
            tensors[name] = tensors[other]
        case 3:
            with np.errstate(all="ignore"):
                tensors[name] = array.astype(DTYPES[rng.integers(len(DTYPES))])
        case 4:
            tensors[name] = array[: len(array) - 1] if array.ndim else array[None]
        case 5:
            tensors[name] = array.T if array.ndim > 1 else array[None]
        case 6:
            tensors[name] = np.concatenate([array, array]) if array.ndim else array
        case _ if array.size and array.dtype.kind == "f":
            array.flat[rng.integers(array.size)] = NUMBERS[rng.integers(len(NUMBERS))]
            tensors[name] = array
