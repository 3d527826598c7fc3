"""Files made to hurt: thousands of damaged ones, and headers that lie under a digest that agrees."""

import hashlib
import json
import struct
import tracemalloc

import numpy as np
import pytest

from chainrule.errors import ModelFileError
from chainrule.files import container

DATA = 8 * 4 + 3 + 8 * 2
RAW = container.to_bytes(
    {"schema": 1, "kind": "network", "words": ["a", "b"], "nested": {"x": [1, 2.5, None, True]}},
    {"W": np.arange(8, dtype=np.float32).reshape(2, 4), "mask": np.array([True, False, True]), "mean": np.zeros(2)},
)
NASTY = [
    -1, 0, 1, 2, 31, 2**31, 2**62, 2**63, 2**64, 10**400, True, False, None, 1.5, 1e300,
    "", "W", "F16", "f32", "\ud800", [], [0], [0, 0], [0, 32], [True, 32], [0.0, 32], [-1, 31],
    [2**40, 2**40], [0, 2**62], [1] * 33, [[[]]], {}, {"a": {}},
]  # fmt: skip


@pytest.fixture
def file(tmp_path):
    return tmp_path / "model.safetensors"


def sealed(raw):
    """The bytes with the digest that agrees with them."""
    return raw[:-32] + hashlib.sha256(raw[:-32]).digest()


def parts(raw=RAW):
    """The header as JSON values, and the data with the digest."""
    end = 8 + struct.unpack("<Q", raw[:8])[0]
    return json.loads(raw[8:end]), raw[end:]


def built(header, data=None):
    """A file of a header (values, text or bytes), its digest recomputed."""
    text = json.dumps(header) if not isinstance(header, str | bytes) else header
    text = text.encode() if isinstance(text, str) else text
    return sealed(struct.pack("<Q", len(text)) + text + (parts()[1] if data is None else data))


def assert_one_line(message, file):
    assert message.startswith(f"{str(file)!r}: ")
    assert "\n" not in message
    assert "cannot be read (" not in message
    assert len(message) < 500 + len(str(file))


def outcome(file, raw, verify):
    """True where the file loads with arrays that agree with it, False where one line refuses it."""
    file.write_bytes(raw)
    try:
        found = container.read(file, verify=verify)
    except ModelFileError as error:
        assert_one_line(str(error), file)
        return False
    assert found.document["schema"] == 1
    assert sum(len(tensor.tobytes()) for tensor in found.tensors.values()) < len(raw)
    assert all(tensor.dtype.str in container.DTYPES.values() for tensor in found.tensors.values())
    return True


# ---- thousands of them


def flipped(rng):
    raw = bytearray(RAW)
    for bit in rng.choice(8 * len(RAW), rng.integers(1, 9), replace=False):
        raw[bit // 8] ^= 1 << (bit % 8)
    return bytes(raw)


def truncated(rng):
    return RAW[: rng.integers(len(RAW))]


def extended(rng):
    return RAW + rng.bytes(rng.integers(1, 200))


def swapped(rng):
    raw = bytearray(RAW)
    while raw == RAW:
        first, second = rng.integers(len(RAW), size=2)
        raw[first], raw[second] = raw[second], raw[first]
    return bytes(raw)


def noisy_header(rng):
    end = len(RAW) - len(parts()[1])
    raw = bytearray(RAW)
    for at in rng.integers(8, end, rng.integers(1, 4)):
        raw[at] = rng.choice(np.frombuffer(b'"[]{},:0129-.eE\\u \x00\xff', np.uint8))
    return sealed(bytes(raw))


def places(value):
    """Every (container, key) of a JSON value."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys):
        yield value, key
        yield from places(value[key])


def edited(rng):
    header, data = parts()
    for _ in range(rng.integers(1, 3)):
        found = list(places(header))
        where, key = found[rng.integers(len(found))]
        if rng.random() < 0.1:
            del where[key]
        elif rng.random() < 0.1 and isinstance(where, dict):
            where[str(NASTY[rng.integers(len(NASTY))])] = where.pop(key)
        else:
            where[key] = NASTY[rng.integers(len(NASTY))]
    return built(header, data)


def edited_document(rng):
    header, data = parts()
    text = header["__metadata__"]["chainrule"]
    first, last = sorted(rng.integers(len(text) + 1, size=2))
    other = ["", "[" * 99, "NaN", "1e999", '"schema":1,', "9" * 400, r'"\ud800"', "{", "}", "\0"]
    header["__metadata__"]["chainrule"] = text[:first] + other[rng.integers(len(other))] + text[last:]
    return built(header, data)


@pytest.mark.parametrize("damage", [flipped, truncated, extended, swapped])
def test_every_damaged_file_is_refused(file, damage):
    rng = np.random.default_rng(20260101)
    for _ in range(400):
        raw = damage(rng)
        assert not outcome(file, raw, verify=True)
        outcome(file, raw, verify=False)


@pytest.mark.parametrize("damage", [noisy_header, edited, edited_document])
def test_files_that_lie_under_a_digest_that_agrees_are_refused_or_harmless(file, damage):
    rng = np.random.default_rng(20260102)
    loaded = 0
    for _ in range(600):
        raw = damage(rng)
        loaded += outcome(file, raw, verify=True)
        outcome(file, raw, verify=False)
    assert loaded < 200


# ---- lies, one by one


def entry(name, key, value):
    header, data = parts()
    header[name][key] = value
    return built(header, data)


def header_with(change):
    header, data = parts()
    return built(change(header), data)


def without_name(header, name):
    return {key: value for key, value in header.items() if key != name}


def document(text):
    return header_with(lambda header: header | {"__metadata__": {"chainrule": text}})


def one_tensor(dtype, shape, size):
    """A file of one tensor that claims the size in bytes, whatever its shape is."""
    header = {"__metadata__": {"chainrule": '{"schema":1}'}}
    header["a"] = {"dtype": dtype, "shape": shape, "data_offsets": [0, size]}
    header["chainrule.sha256"] = {"dtype": "U8", "shape": [32], "data_offsets": [size, size + 32]}
    return built(header, bytes(64))


def fake_digest(dtype, shape, size):
    header = without_name(parts()[0], "chainrule.sha256")
    header["rest"] = {"dtype": "U8", "shape": [32 - size], "data_offsets": [DATA, DATA + 32 - size]}
    header["chainrule.sha256"] = {"dtype": dtype, "shape": shape, "data_offsets": [DATA + 32 - size, DATA + 32]}
    return built(header)


TWICE = '{"__metadata__":{"chainrule":"{\\"schema\\":1}"},"__metadata__":{"chainrule":"{\\"schema\\":1}"}}'
LIES = {
    "offsets negative": (entry("W", "data_offsets", [-1, 31]), "data_offsets"),
    "offsets of booleans": (entry("W", "data_offsets", [False, 32]), "data_offsets"),
    "offsets of floats": (entry("W", "data_offsets", [0.0, 32.0]), "data_offsets"),
    "offsets of three": (entry("W", "data_offsets", [0, 32, 32]), "data_offsets"),
    "offsets of text": (entry("W", "data_offsets", "ab"), "data_offsets"),
    "offsets reversed": (entry("W", "data_offsets", [32, 0]), "data_offsets"),
    "overlap": (entry("mask", "data_offsets", [31, 34]), "data_offsets"),
    "hole": (entry("mask", "data_offsets", [33, 36]), "data_offsets"),
    "size against shape": (entry("W", "data_offsets", [0, 28]), "data_offsets"),
    "unsorted": (header_with(lambda h: {"mean": h.pop("mean"), **h}), "data_offsets"),
    "shape negative": (entry("W", "shape", [-2, -4]), "shape"),
    "shape of booleans": (entry("mask", "shape", [True, 3]), "shape"),
    "shape of floats": (entry("W", "shape", [2.0, 4]), "shape"),
    "shape of one number": (entry("W", "shape", 8), "shape"),
    "shape of 33": (entry("W", "shape", [1] * 32 + [8]), "shape"),
    "shape that wraps 64 bits": (one_tensor("F64", [2**61, 8], 64), "shape.*bytes"),
    "shape that wraps to 0": (one_tensor("F32", [2**32, 2**32], 0), "shape.*bytes"),
    "shape huge beside a 0": (one_tensor("F64", [0, 2**61], 0), "shape.*bytes"),
    "shape huge, within 64 bits": (one_tensor("F64", [2**59], 2**62), "end.*bytes of data"),
    "shape of a terabyte": (one_tensor("U8", [2**40], 2**40), "end.*bytes of data"),
    "dtype unknown": (entry("W", "dtype", "BF16"), "dtype 'BF16': allowed is F32"),
    "dtype of NumPy": (entry("W", "dtype", "O"), "dtype"),
    "dtype a list": (entry("W", "dtype", ["F32"]), "dtype"),
    "entry a list": (header_with(lambda h: h | {"W": []}), "entry"),
    "entry lacks": (header_with(lambda h: h | {"W": {"dtype": "F32", "shape": [8]}}), "entry"),
    "entry has more": (entry("W", "more", 1), "entry"),
    "tensor missing": (header_with(lambda h: without_name(h, "mean")), "data_offsets"),
    "bytes that no tensor owns": (built(parts()[0], bytes(100)), "tensors end at byte"),
    "digest not last": (header_with(lambda h: h | {"z": h.pop("chainrule.sha256")}), "rewritten"),
    "digest of another dtype": (fake_digest("F32", [8], 32), "rewritten"),
    "digest of another size": (fake_digest("U8", [0], 0), "rewritten"),
    "no tensor at all": (built({"__metadata__": {"chainrule": '{"schema":1}'}}, b""), "tensors end|damaged"),
    "booleans of 2": (sealed(RAW.replace(b"\1\0\1" + bytes(16), b"\1\2\1" + bytes(16))), "booleans 2"),
    "no metadata": (header_with(lambda h: without_name(h, "__metadata__")), "no chainrule document"),
    "metadata a list": (header_with(lambda h: h | {"__metadata__": ["chainrule"]}), "no chainrule document"),
    "document no text": (document({"schema": 1}), "no chainrule document"),
    "document no object": (document("[1]"), r"JSON is \[1\]"),
    "document broken": (document('{"schema":1'), "breaks at character"),
    "document with NaN": (document('{"schema":1,"x":NaN}'), "number 'NaN'"),
    "document with infinity": (document('{"schema":1,"x":-1e999}'), "number '-1e999'"),
    "document with 400 digits": (document(f'{{"schema":{"9" * 400}}}'), "64 bits"),
    "document with 65 bits": (document(f'{{"schema":1,"x":{2**64}}}'), "64 bits"),
    "document with 9,000 digits": (document(f'{{"schema":1,"x":-{"9" * 9000}}}'), "64 bits"),
    "document with half a pair": (document('{"schema":1,"x":"\\uD83D"}'), "surrogate"),
    "document with a half key": (document('{"schema":1,"x":{"\\udE00":1}}'), "surrogate"),
    "document with a key twice": (document('{"schema":1,"schema":1}'), "a repeated key"),
    "document deep": (document('{"schema":1,"x":' + "[" * 64 + "]" * 64 + "}"), "deeper than 64"),
    "document very deep": (document('{"a":' * 100_000), "deeper than 64"),
    "document deep after a text": (document(r'{"a":"\\\"]]]]","x":' + "[" * 64), "deeper than 64"),
    "schema missing": (document("{}"), "schema is None"),
    "schema true": (document('{"schema":true}'), "schema is True"),
    "schema a float": (document('{"schema":1.0}'), "schema is 1.0"),
    "schema text": (document('{"schema":"1"}'), "schema is '1'"),
    "schema 0": (document('{"schema":0}'), "schema is 0"),
    "schema newer": (document('{"schema":2}'), r"schema is 2, but chainrule [\d.]+ reads up to 1: install the newer"),
    "header very deep": (built('{"a":' + "[" * 100_000), "deeper than 64"),
    "header of many lists": (built('{"a":[' + "[]," * 2**19 + "0]}"), "1048580 brackets: at most 1048576"),
    "header with a key twice": (built(TWICE), "a repeated key"),
    "header with NaN": (built('{"a":NaN}'), "number 'NaN'"),
    "header with 400 digits": (entry("W", "shape", [10**400]), "64 bits"),
    "header with half a pair": (header_with(lambda h: {"\ud800": h.pop("W"), **h}), "surrogate"),
    "header not UTF-8": (built(b'{"chainrule\xff":1}'), "not UTF-8 at byte 19"),
    "header of UTF-16": (built('{"chainrule":1}'.encode("utf-16-le")), "breaks at character 1"),
    "header cut": (built('{"chainrule":'), "breaks at character"),
    "header with an open text": (built('{"' + '\\"' * 300_000), "breaks at character"),
    "header with two values": (built('{"a":1}{"b":2}'), "breaks at character"),
    "a name of many letters": (header_with(lambda h: {"\n" * 10**5: h.pop("W") | {"dtype": ""}, **h}), "dtype"),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "words"), LIES.values(), ids=LIES.keys())
def test_every_lie_is_refused_in_its_words_and_in_little_memory(file, raw, words):
    file.write_bytes(raw)
    tracemalloc.start()
    try:
        assert not outcome(file, raw, verify=True)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12 * len(raw) + 200_000
    with pytest.raises(ModelFileError, match=words):
        container.read(file)


@pytest.mark.parametrize("name", [name for name in LIES if not name.startswith("digest")])
def test_verify_false_leaves_out_no_other_check(file, name):
    assert not outcome(file, LIES[name][0], verify=False)


def test_the_helpers_build_files_that_load(file):
    assert outcome(file, built(*parts()), verify=True)
    assert outcome(file, sealed(RAW), verify=True)
    assert outcome(file, one_tensor("F32", [8], 32), verify=True)
    assert outcome(file, document('{"schema":1,"x":' + "[" * 63 + "]" * 63 + "}"), verify=True)
    assert outcome(file, document('{"schema":1,"x":"' + "[" * 999 + '"}'), verify=True)
    assert RAW.count(b"\1\0\1" + bytes(16)) == 1
