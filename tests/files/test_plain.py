"""Values through a file's plain data: everything comes back as it was, and nothing that is no data goes in."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.errors import ModelFileError, SettingError
from chainrule.files.container import read, write
from chainrule.files.plain import pack, unpack


def through(value):
    """The value packed, written as JSON, read and unpacked."""
    tensors = {}
    data = json.loads(json.dumps(pack(value, tensors, "v"), allow_nan=False))
    return unpack(data, tensors)


def same(a, b):
    if isinstance(a, np.ndarray):
        equal = isinstance(b, np.ndarray) and a.shape == b.shape and a.dtype.kind == b.dtype.kind
        if equal and a.dtype.kind == "O":
            return all(same(x, y) for x, y in zip(a.ravel(), b.ravel(), strict=True))
        return (
            equal
            and (a.dtype.kind == "U" or a.dtype == b.dtype)
            and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        )
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return type(b) is dict and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    return type(a) is type(b) and (a == b or (a != a and b != b))


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | words
keys = st.booleans() | st.integers(-9, 9) | words
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)
DTYPES = ["f2", "f4", "f8", ">f8", "i1", "i2", "i4", ">i8", "u1", "u2", "u8", "?", "M8[ns]", "M8[D]", "m8[s]", "U3"]


@given(values)
@settings(max_examples=200, deadline=None)
def test_any_values_come_back(value):
    assert same(value, through(value))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3)])
def test_arrays_come_back(dtype, shape):
    array = np.asarray((np.arange(math.prod(shape)).reshape(shape) * 17 % 5).astype(dtype))
    assert same(np.asarray(array, array.dtype.newbyteorder("=")), through(array))


def test_mixed_values_and_views_come_back():
    mixed = np.array([1, "one", None, True, 2.5, float("nan")], dtype=object)
    assert same(mixed, through(mixed))
    turned = np.arange(6.0).reshape(2, 3).T
    assert same(turned, through(turned))


@pytest.mark.parametrize(
    "value",
    [
        cr.Adam(0.1, beta1=0.8),
        cr.SGD(0.1, momentum=0.5, nesterov=True),
        cr.LBFGS(),
        cr.Cosine(warmup=2),
        cr.Clip(norm=1.0),
        ACTIVATIONS.get({"name": "elu", "alpha": 0.5}),
        [ACTIVATIONS.get("tanh"), "relu"],
    ],
    ids=str,
)
def test_entries_come_back(value):
    assert through(value) == value


def test_numbers_of_numpy_become_plain_ones():
    assert same([np.float32(0.5), np.int8(3), np.bool_(True), np.str_("a")], [0.5, 3, True, "a"]) is False
    assert same(through([np.float32(0.5), np.int8(3), np.bool_(True), np.str_("a")]), [0.5, 3, True, "a"])


class Subtle(type(cr.Adam())):
    """A rule of someone's own, which has the name of another."""


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (lambda z: z, "'<lambda>', but a file stores only data"),
        (np.tanh, "'tanh', but a file stores only data"),
        (print, "'print', but"),
        (object(), "'object', but"),
        (Subtle(0.1), "'Subtle', but"),
        ({"a": [1, {1, 2}]}, "v.a.1 is 'set', but"),
        (np.array([b"a"]), "an array of bytes"),
        (np.array([1j]), "an array of complex128"),
        (np.timedelta64(3, "s"), "'timedelta64', but"),
        (2**64, "whole numbers of 64 bits"),
    ],
    ids=lambda part: part if isinstance(part, str) else type(part).__name__,
)
def test_what_is_no_data_is_refused_in_one_line(value, words):
    with pytest.raises(SettingError, match=rf"^[^\n]*{words}[^\n]*$"):
        pack(value, {}, "v")


def spoiled(**of):
    return {"is": "array", "of": {"dtype": "float64", "tensor": "t"} | of}


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"is": "module", "of": "os"},
        {"is": ["tuple"], "of": []},
        {"is": "tuple"},
        {"is": "float", "of": "1e5"},
        {"is": "dict", "of": [[1]]},
        {"is": "dict", "of": [[[1], 2]]},
        {"is": "dict", "of": 3},
        {"is": "optimizer", "of": {"name": "os.system"}},
        {"is": "optimizer", "of": {"name": "sgd", "learning_rate": "x"}},
        {"is": "clip", "of": {"norm": -1}},
        {"is": "clip", "of": {"other": 1}},
        spoiled(tensor="other"),
        spoiled(tensor=[]),
        spoiled(dtype="float32"),
        spoiled(dtype="int16", shape=[2]),
        spoiled(dtype="complex128", tensor="b", shape=[1]),
        spoiled(dtype="int16", tensor="b", shape=[9]),
        spoiled(dtype="int64", tensor="b", shape=[1]),
        spoiled(dtype="datetime64[parsec]", tensor="b", shape=[1]),
        spoiled(dtype="text", shape=[2], values=["a"]),
        spoiled(dtype="text", shape=[-1, -1], values=["a"]),
        spoiled(dtype="text", shape=[1], values=[1]),
        spoiled(dtype="text", shape="1", values=["a"]),
        spoiled(dtype="object", shape=[1], values={"is": "tuple", "of": [1]}),
        {"is": "array", "of": "t"},
    ],
    ids=str,
)
def test_data_that_it_did_not_make_are_refused_in_one_line(data):
    with pytest.raises(ModelFileError, match=r"^it has a [^\n]+$"):
        unpack(data, {"t": np.ones(2), "b": np.zeros(5, np.uint8)})


def test_they_go_through_a_real_file(tmp_path):
    value, tensors = (
        {"W": np.arange(3, dtype="f2"), "when": np.array(["2020-01-01"], "M8[D]"), "x": (math.inf, "é")},
        {},
    )
    data = pack(value, tensors, "v")
    write(tmp_path / "f.safetensors", {"schema": 1, "data": data}, tensors)
    found = read(tmp_path / "f.safetensors")
    assert same(unpack(found.document["data"], found.tensors), value)


def test_the_memory_of_an_array_of_text_is_bounded_by_its_file():
    texts = ["a"] * 3000 + ["b" * 100_000]  # 1.2 GB if each had the length of the longest
    with pytest.raises(ModelFileError, match="a text of 100000 characters among 3001 short ones"):
        unpack({"is": "array", "of": {"dtype": "text", "shape": [3001], "values": texts}}, {})
    assert same(through(np.array(texts, dtype=object)), np.array(texts, dtype=object))
    assert same(through(np.array(["a", "b" * 100_000])), np.array(["a", "b" * 100_000]))


def test_an_array_of_text_that_no_file_could_give_back_is_not_written():
    with pytest.raises(SettingError, match="v has one text far longer than the others: make it an array of objects"):
        pack(np.array(["a"] * 300 + ["b" * 20_000]), {}, "v")
