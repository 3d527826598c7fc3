"""The container: its layout byte by byte, its round trips, what it will not write and what it will not read."""

import hashlib
import io
import json
import os
import pickle
import socket
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from safetensors.numpy import load_file, save_file

from chainrule.errors import ModelFileError
from chainrule.files import container

DOCUMENT = {"schema": 1, "kind": "network", "sizes": [3, 2], "columns": ["größe", 'a "b"\n', "😀"], "cost": 0.5}
TENSORS = {
    "layers.2.W": np.arange(6, dtype=np.float32).reshape(3, 2),
    "layers.2.b": np.array([-0.0, np.inf], np.float32),
    "a.mask": np.array([[True, False, True]]),
    "encoder.mean": np.array([1e-300, np.nan]),
    "empty": np.empty((0, 7)),
    "scalar": np.array(-5, np.int64),
    "codes": np.array([2**31 - 1], np.int32),
    "bytes": np.arange(3, dtype=np.uint8),
}
WORDS = st.text(max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=12,
)
DTYPES = st.sampled_from([">f4", "<f8", ">f8", "<i4", ">i4", "<i8", "u1", "?"])
ARRAYS = DTYPES.flatmap(
    lambda dtype: arrays_of.arrays(dtype, arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "model.safetensors"


def saved(file, document=DOCUMENT, tensors=TENSORS):
    container.write(file, document, tensors)
    return file


def refused(file, words, **options):
    with pytest.raises(ModelFileError, match=words) as caught:
        container.read(file, **options)
    assert len(str(caught.value).splitlines()) == 1
    assert repr(os.fspath(file)) in str(caught.value)
    assert "cannot be read (" not in str(caught.value)


def assert_same(found, expected):
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype.newbyteorder("<")
        assert found[name].shape == tensor.shape
        np.testing.assert_array_equal(found[name], tensor)


# ---- layout


def test_layout_is_the_designed_one():
    raw = container.to_bytes({"schema": 1, "b": [2], "a": "é"}, {"z": np.float32([1, 2]), "a": np.uint8([7])})
    length = struct.unpack("<Q", raw[:8])[0]
    text, data = raw[8 : 8 + length], raw[8 + length :]
    assert text.rstrip(b" ").decode("ascii") == (
        r'{"__metadata__":{"chainrule":"{\"a\":\"\\u00e9\",\"b\":[2],\"schema\":1}"},'
        r'"z":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},'
        r'"a":{"dtype":"U8","shape":[1],"data_offsets":[8,9]},'
        r'"chainrule.sha256":{"dtype":"U8","shape":[32],"data_offsets":[9,41]}}'
    )
    assert len(text) - len(text.rstrip(b" ")) < 64
    assert data[:9] == struct.pack("<2fB", 1, 2, 7)
    assert data[9:] == hashlib.sha256(raw[:-32]).digest()


@pytest.mark.parametrize("letters", range(0, 130, 3))
def test_data_start_at_a_multiple_of_64(letters):
    raw = container.to_bytes({"schema": 1, "k": "x" * letters}, {})
    assert (8 + struct.unpack("<Q", raw[:8])[0]) % 64 == 0
    assert raw[8:9] == b"{"


def test_same_input_gives_same_bytes(file):
    raw = container.to_bytes(DOCUMENT, TENSORS)
    assert raw == container.to_bytes(dict(reversed(DOCUMENT.items())), dict(TENSORS))
    assert raw == saved(file).read_bytes()


@pytest.mark.parametrize(
    "turn", [np.asfortranarray, lambda a: np.repeat(a, 2, axis=1)[:, ::2], lambda a: a[::-1][::-1]]
)
@pytest.mark.parametrize("dtype", [">f8", "<f8"])
def test_strides_and_byte_order_do_not_reach_the_file(turn, dtype):
    plain = np.arange(12.0).reshape(4, 3)
    assert container.to_bytes({"schema": 1}, {"a": turn(plain.astype(dtype))}) == container.to_bytes(
        {"schema": 1}, {"a": plain}
    )


# ---- round trips


def test_round_trip_keeps_everything(file):
    found = container.read(saved(file))
    assert found.document == DOCUMENT
    assert_same(found.tensors, TENSORS)
    assert np.signbit(found.tensors["layers.2.b"][0])


@settings(max_examples=150, deadline=None)
@given(document=st.dictionaries(WORDS, JSON, max_size=4), tensors=st.dictionaries(WORDS, ARRAYS, max_size=4))
def test_round_trip_of_anything(tmp_path_factory, document, tensors):
    tensors = {f"t{name}": tensor for name, tensor in tensors.items()}
    document = {**document, "schema": 1}
    file = saved(tmp_path_factory.mktemp("any") / "m", document, tensors)
    found = container.read(file)
    assert found.document == document
    assert_same(found.tensors, tensors)
    assert container.to_bytes(found.document, found.tensors) == file.read_bytes()


def test_the_arrays_are_read_only_views_of_one_buffer(file):
    tensors = container.read(saved(file)).tensors.values()
    assert not any(tensor.flags.writeable for tensor in tensors)
    assert len({id(tensor.base) for tensor in tensors}) == 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        next(iter(tensors)).setflags(write=True)


def test_safetensors_reads_the_file(file):
    found = load_file(saved(file))
    seal = found.pop("chainrule.sha256")
    assert seal.tobytes() == file.read_bytes()[-32:]
    assert_same({name: found[name] for name in TENSORS}, TENSORS)


def test_an_empty_model_is_a_file(file):
    assert container.read(saved(file, {"schema": 1}, {})) == container.Container({"schema": 1}, {})


# ---- what cannot be written


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"x": float("nan")}, "not JSON"),
        ({"x": [float("-inf")]}, "not JSON"),
        ({"x": np.float32(1)}, "not JSON"),
        ({"x": {1, 2}}, "not JSON"),
        ({"x": 10**400}, "64 bits"),
        ({"x": 10**5000}, "not JSON"),
        ({"x": "\ud800"}, "surrogate"),
        ({"x": {1: 2, "1": 3}}, "not JSON"),
        ({"x": json.loads("[" * 64 + "]" * 64)}, "deeper than 64"),
        ({"x": json.loads("[" * 900 + "]" * 900)}, "deeper than 64|not JSON"),
        ({"x": "a" * 2**24}, "header has 16777|at most 16777216"),
        ({"schema": 2}, "schema is 2"),
        ({"schema": True}, "schema is True"),
        ({"schema": None}, "schema is None"),
    ],
)
def test_a_document_that_could_not_be_read_is_not_written(file, more, words):
    saved(file)
    with pytest.raises(ModelFileError, match=words):
        container.write(file, {"schema": 1} | more, {})
    assert container.read(file).document == DOCUMENT
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("name", "tensor", "words"),
    [
        ("chainrule.sha256", np.zeros(32, np.uint8), "named 'chainrule.sha256'"),
        ("__metadata__", np.zeros(1), "named '__metadata__'"),
        (3, np.zeros(1), "named 3"),
        ("\udfff", np.zeros(1), "surrogate"),
        ("a", np.zeros(1, np.float16), "'a' is float16"),
        ("a", np.zeros(1, np.uint32), "'a' is uint32"),
        ("a", np.zeros(1, np.complex64), "'a' is complex64"),
        ("a", np.zeros(1, "m8[s]"), "'a' is timedelta64"),
        ("a", np.array(["x"]), "'a' is <U1"),
        ("a", np.array([None]), "'a' is object"),
        ("a", np.zeros(1, "f4,f4"), "'a' is "),
        ("a", np.zeros((1,) * 33), "33 dimensions"),
    ],
)
def test_a_tensor_that_the_format_lacks_is_not_written(name, tensor, words):
    with pytest.raises(ModelFileError, match=words):
        container.to_bytes({"schema": 1}, {name: tensor})


# ---- what is not read


def archive():
    stream = io.BytesIO()
    np.savez(stream, a=np.zeros(3))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "0 bytes.*empty"),
        (b"{}", "2 bytes"),
        (b"\2\0\0\0\0\0\0\0{", "9 bytes"),
        (b"\2\0\0\0\0\0\0\0{}", "another program"),
        (b"sepal,petal\n1,2\n", "text .such as CSV"),
        (b'{"schema": 1, "kind": "network"}', "text"),
        ("größe;höhe\n1;2\n".encode(), "text"),
        (archive(), "zip archive"),
        *[(pickle.dumps({"W": np.ones(5)}, protocol), "pickle") for protocol in range(2, 6)],
        (b"\x93NUMPY\1\0v\0{'descr'", "NumPy array"),
        (b"\x89HDF\r\n\x1a\n\0\0\0\0", "HDF5"),
        (b"PAR1\0\0\0\0\0\0\0\0", "Parquet"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\0\0\0", "gzip"),
        (bytes(100), "something that starts with"),
        (b"\xff" * 100, "not a safetensors file"),
        (struct.pack("<Q", 2**24 + 1) + b"{" + bytes(100), "not a safetensors file"),
        (struct.pack("<Q", 2**24) + b"{" + bytes(100), "ends at byte 16777224.* 109.*cut short"),
        (struct.pack("<Q", 40) + b"[" + b" " * 100, "not a safetensors file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("verify", [True, False])
def test_other_files_are_named_for_what_they_are(file, content, words, verify):
    file.write_bytes(content)
    words = words if verify or words != "another program" else "no chainrule document"
    refused(file, words, verify=verify)


def test_paths_that_hold_no_file(tmp_path):
    refused(tmp_path, "folder or a device")
    refused(tmp_path / "missing", "no such file")
    refused(tmp_path / "two\nlines", "no such file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_pipes_sockets_and_devices_are_refused_without_waiting(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        for special in ("pipe", "socket", "/dev/zero", "/dev/null"):
            refused(special, "folder or a device")


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000])
def test_paths_that_no_system_takes_are_one_error_too(path):
    with pytest.raises(ModelFileError, match="cannot be read"):
        container.read(path)


def test_a_file_larger_than_memory_is_refused(file, monkeypatch):
    def read_raw(source):
        raise MemoryError

    monkeypatch.setattr(container, "read_raw", read_raw)
    refused(saved(file), "does not fit in memory")


def test_a_file_that_shrinks_while_it_is_read_is_refused(file, monkeypatch):
    size = saved(file).stat().st_size
    monkeypatch.setattr(os, "fstat", lambda descriptor: os.stat_result([0o100644, 0, 0, 1, 0, 0, size + 5, 0, 0, 0]))
    refused(file, f"shrank from {size + 5} to {size} bytes")


# ---- what another tool did to it


def test_a_rewritten_file_is_refused_in_those_words_and_admitted_on_request(file):
    tensors = load_file(saved(file))
    save_file(tensors, file, metadata={"chainrule": json.dumps(DOCUMENT), "format": "np"})
    refused(file, "rewritten by another tool.*verify=False")
    found = container.read(file, verify=False)
    assert found.document == DOCUMENT
    assert_same({name: found.tensors[name] for name in TENSORS}, TENSORS)
    assert found.tensors.keys() == TENSORS.keys()


def test_a_rewritten_file_without_the_digest_is_admitted_on_request(file):
    save_file({"empty": np.empty(0), "a": np.ones(2)}, file, metadata={"chainrule": '{"schema":1}'})
    refused(file, "rewritten by another tool.*verify=False")
    assert container.read(file, verify=False).tensors.keys() == {"empty", "a"}


def test_a_file_of_another_program_is_not_a_model(file):
    save_file({"weight": np.ones(8)}, file, metadata={"format": "pt"})
    refused(file, "of another program")
    refused(file, "no chainrule document", verify=False)


@pytest.mark.parametrize("at", [0, 9, 70, -33, -1])
def test_one_changed_bit_is_refused(file, at):
    raw = bytearray(saved(file).read_bytes())
    raw[at] ^= 1
    file.write_bytes(raw)
    refused(file, "damaged or rewritten|not a safetensors")
