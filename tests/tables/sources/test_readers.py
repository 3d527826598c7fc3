"""Files that are no text: Parquet, Arrow, NumPy, idx; folders of parts; targets in files of their own."""

import gzip
import io
import struct
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import feather, parquet
from tests.tables.reading import read_table
from tests.tables.sources.test_excel import workbook

import chainrule as cr
from chainrule.errors import DataError
from chainrule.tables.sources import as_source, with_target
from chainrule.tables.sources.base import BLOCK_BYTES

FRAME = pd.DataFrame({"n": [1.5, None, 2.0], "k": [1, 2, 3], "w": ["x", None, "z"], "b": [True, False, True]})


def refused(path, *words):
    with pytest.raises(DataError) as caught:
        read_table(path)
    line = str(caught.value)
    assert "\n" not in line
    assert [word for word in words if word not in line] == []


def idx(array, code, pack=True):
    """The bytes of an idx file, by the definition of the format."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    data = header + array.astype(array.dtype.newbyteorder(">")).tobytes()
    return gzip.compress(data) if pack else data


def numbers(source):
    return np.stack([column.to_numpy() for column in read_table(source).columns], axis=1)


@pytest.mark.parametrize("name", ["t.parquet", "t.pq", "t.feather", "t.arrow"])
def test_typed_files_are_the_frame_that_was_written(tmp_path, name):
    path = tmp_path / name
    if path.suffix in (".parquet", ".pq"):
        FRAME.to_parquet(path, index=False)
    else:
        feather.write_feather(FRAME, path)
    assert as_source(path).names == list(FRAME)
    assert read_table(path).to_pydict() == read_table(FRAME).to_pydict()
    for content in (b"", b"PAR1", path.read_bytes()[:-20]):
        path.write_bytes(content)
        refused(path, name, "damaged")
    path.unlink()
    refused(path, "there is no file")


@pytest.mark.parametrize("name", ["t.jsonl", "t.json", "t.xlsx"])
def test_files_of_programs_and_offices_are_the_frame_that_was_written(tmp_path, name):
    path, rows = tmp_path / name, FRAME.astype(object).where(FRAME.notna(), None)
    if path.suffix == ".xlsx":
        pytest.importorskip("python_calamine")
        workbook(path, Sheet=[list(FRAME), *rows.values.tolist()])
    else:
        FRAME.to_json(path, orient="records", lines=path.suffix == ".jsonl")
    assert as_source(path).names == list(FRAME)
    assert read_table(path).to_pydict() == read_table(FRAME).to_pydict()
    path.write_bytes(path.read_bytes()[:-20])
    refused(path, name)


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow", "t.npy"])
def test_large_files_come_in_bounded_blocks(tmp_path, name):
    values, path = np.arange(4_000_000.0).reshape(-1, 2), tmp_path / name
    table = pa.table({"x1": values[:, 0], "x2": values[:, 1]})
    if name == "t.npy":
        np.save(path, values)
    elif name == "t.arrow":
        feather.write_feather(table, path, compression="uncompressed", chunksize=10**7)
    else:
        parquet.write_table(table, path)
    source = as_source(path)
    for _ in range(2):
        blocks = list(source.blocks())
        assert len(blocks) >= 4
        assert max(block.nbytes for block in blocks) <= 1.1 * BLOCK_BYTES
        assert pa.concat_tables(blocks).equals(table)


@pytest.mark.parametrize(
    ("code", "dtype"), [(8, "u1"), (9, "i1"), (0x0B, "i2"), (0x0C, "i4"), (0x0D, "f4"), (0x0E, "f8")]
)
def test_idx_files_are_known_by_their_content(tmp_path, code, dtype):
    images = np.arange(24).reshape(2, 3, 4).astype(dtype)
    for name, pack in (("images.gz", True), ("t-images-idx3-ubyte", False), ("t.idx3-ubyte.gz", True)):
        (tmp_path / name).write_bytes(idx(images, code, pack))
        source = as_source(tmp_path / name)
        assert source.names == [f"pixel{k}" for k in range(1, 13)]
        assert (numbers(source) == images.reshape(2, 12)).all()
    (tmp_path / "labels.gz").write_bytes(idx(images[:, 0, 0], code))
    assert read_table(tmp_path / "labels.gz").to_pydict() == {"label": images[:, 0, 0].tolist()}


def test_idx_files_that_do_not_hold_what_they_say_are_refused(tmp_path):
    path = tmp_path / "t"
    whole = idx(np.arange(12, dtype="u1").reshape(3, 4), 8, pack=False)
    for content, word in ((whole[:-1], "bytes"), (whole + b"x", "bytes"), (whole[:9], "damaged|bytes|break off")):
        path.write_bytes(content)
        with pytest.raises(DataError, match=word):
            read_table(path)
    path = tmp_path / "t.gz"
    for content, word in ((whole[:-1], "break off"), (whole + b"x", "goes on")):
        path.write_bytes(gzip.compress(content))
        refused(path, word)
    path.write_bytes(gzip.compress(struct.pack(">BBBB3I", 0, 0, 8, 3, 9, 2**31, 2**31)))
    refused(path, "shape", "columns can be read")
    path.write_bytes(gzip.compress(struct.pack(">BBBB2I", 0, 0, 8, 2, 2**31, 2**20)))
    refused(path, "break off")


def test_npy_files_are_mapped_and_named_by_number(tmp_path):
    path = tmp_path / "t.npy"
    values = np.arange(12, dtype=">f4").reshape(3, 4)
    for array in (values, np.asfortranarray(values.astype("f8")), values.reshape(3, 2, 2).astype("f2")):
        np.save(path, array)
        assert as_source(path).names == ["x1", "x2", "x3", "x4"]
        assert (numbers(path) == values).all()
    np.save(path, np.array(["a", "b"]))
    assert read_table(path).to_pydict() == {"x": ["a", "b"]}
    np.save(path, np.array([(1, 2.5), (3, 4.5)], dtype=[("a", "i4"), ("b", "f8")]))
    assert read_table(path).to_pydict() == {"a": [1, 3], "b": [2.5, 4.5]}
    assert as_source(values.astype("f4")).names == ["x1", "x2", "x3", "x4"]


def test_npz_files_are_columns_by_name(tmp_path):
    np.savez_compressed(tmp_path / "t.npz", y=np.array([0, 1]), X=np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert read_table(tmp_path / "t.npz").to_pydict() == {"y": [0, 1], "X1": [1.0, 3.0], "X2": [2.0, 4.0]}
    np.savez(tmp_path / "t.npz", y=np.array([0, 1, 2]), X=np.zeros((2, 2)))
    refused(tmp_path / "t.npz", "'y' has 3 rows", "'X' has 2")


class Trap:
    """What runs when it is unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("a file was unpickled",))


def test_numpy_files_that_lie_are_refused_and_nothing_is_unpickled(tmp_path):
    trap = np.array([Trap(), 1], dtype=object)
    np.save(tmp_path / "t.npy", trap, allow_pickle=True)
    refused(tmp_path / "t.npy", "cannot be read")
    np.savez(tmp_path / "t.npz", a=trap)
    refused(tmp_path / "t.npz", "Python objects")
    for shape in ((10**15,), (10**6, 10**9), (5, 3)):
        stream = io.BytesIO()
        np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": shape})
        (tmp_path / "t.npy").write_bytes(stream.getvalue() + bytes(8))
        refused(tmp_path / "t.npy", "cannot be read")
        with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
            archive.writestr("a.npy", stream.getvalue() + bytes(8))
        refused(tmp_path / "t.npz", "not that much data")
    for content in (b"", b"\x93NUMPY", b"PK\3\4", b"\x93NUMPY\1\0\x08\0{{{{{{{{"):
        for name in ("t.npy", "t.npz"):
            (tmp_path / name).write_bytes(content)
            refused(tmp_path / name, "cannot be read")
    np.save(tmp_path / "t.npy", np.array([1 + 2j]))
    refused(tmp_path / "t.npy", "complex128")
    np.save(tmp_path / "t.npy", np.zeros((0, 3)))
    with pytest.raises(DataError):
        read_table(tmp_path / "t.npy")


def written(values, kind):
    """The bytes of a file of this kind."""
    stream = io.BytesIO()
    if kind == "t.csv":
        return b"a,b\n1,2\n3,4\n"
    if kind in ("t.idx", "t.gz"):
        return idx(values, 8, kind == "t.gz")
    (np.save if kind == "t.npy" else np.savez_compressed)(stream, values)
    return stream.getvalue()


@settings(max_examples=200, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["t.npy", "t.npz", "t.idx", "t.gz", "t.csv"]))
def test_a_changed_byte_is_read_or_refused_in_one_line(tmp_path_factory, data, kind):
    values = np.arange(12, dtype="u1").reshape(4, 3)
    content = bytearray(written(values, kind))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("changed") / kind
    path.write_bytes(content)
    try:
        assert read_table(path).num_rows
    except DataError as error:
        line = str(error)
        assert "\n" not in line


def test_the_parts_of_a_folder_follow_each_other_in_natural_order(tmp_path):
    for number in (10, 2, 1):
        (tmp_path / f"part-{number}.csv").write_text(f"a,b\n{number},x\n" if number > 1 else f"b,a\nx,{number}\n")
    (tmp_path / "part-3.csv").write_text("a,b\n")
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / ".part-1.csv.crc").touch()
    source = as_source(tmp_path)
    assert source.names == ["b", "a"]
    assert read_table(source).to_pydict() == {"b": ["x"] * 3, "a": ["1", "2", "10"]}


def test_parts_with_types_take_the_widest(tmp_path):
    parquet.write_table(pa.table({"a": [1], "w": ["x"]}), tmp_path / "1.parquet")
    parquet.write_table(pa.table({"w": ["y"], "a": [2.5]}), tmp_path / "2.parquet")
    assert read_table(tmp_path).to_pydict() == {"a": [1.0, 2.5], "w": ["x", "y"]}
    parquet.write_table(pa.table({"a": ["2"], "w": ["y"]}), tmp_path / "3.parquet")
    refused(tmp_path, "1.parquet", "3.parquet", "different types")


def test_folders_that_are_no_table_are_refused(tmp_path):
    refused(tmp_path, "folder without files")
    (tmp_path / "1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "2.csv").write_text("a,c\n1,2\n")
    refused(tmp_path, "1.csv", "2.csv", "'b'")
    (tmp_path / "2.csv").write_text("a,b,c\n1,2,3\n")
    refused(tmp_path, "1.csv", "2.csv", "'c'")
    (tmp_path / "2.csv").rename(tmp_path / "2.parquet")
    refused(tmp_path, "1.csv", "2.parquet", "one kind")
    (tmp_path / "2.parquet").unlink()
    (tmp_path / "year=2020").mkdir()
    refused(tmp_path, "year=2020")


def test_a_target_may_lie_in_a_file_of_its_own(tmp_path):
    rows = np.arange(3_000_000, dtype="f4").reshape(-1, 1)
    np.save(tmp_path / "x.npy", rows)
    np.save(tmp_path / "y.npy", rows[:, 0] * 2)
    source = with_target(as_source(tmp_path / "x.npy"), as_source(tmp_path / "y.npy"))
    assert source.names == ["x1", "label"]
    for block in source.blocks():
        assert (block["label"].to_numpy() == 2 * block["x1"].to_numpy()).all()
    assert sum(block.num_rows for block in source.blocks()) == len(rows)
    for n in (2_999_999, 3_000_001, 1):
        (tmp_path / "y.csv").write_text("y\n" + "1\n" * n)
        with pytest.raises(DataError, match=rf"x\.npy' has 3000000 rows, but .*y\.csv' has {n}"):
            list(with_target(as_source(tmp_path / "x.npy"), as_source(tmp_path / "y.csv")).blocks())


def test_a_target_of_its_own_is_one_column_with_its_own_name():
    rows = as_source({"x": [1, 2]})
    with pytest.raises(DataError, match="one column"):
        with_target(rows, as_source({"a": [1, 2], "b": [1, 2]}))
    with pytest.raises(DataError, match="has a column 'x' already"):
        with_target(rows, as_source({"x": [1, 2]}))


def test_the_digits_of_mnist_train_from_their_own_files(shared_data):
    images = as_source(shared_data("mnist-10k/t10k-images-idx3-ubyte.gz"))
    labels = as_source(shared_data("mnist-10k/t10k-labels-idx1-ubyte.gz"))
    table = read_table(with_target(images, labels))
    assert table.shape == (10_000, 785)
    assert table["label"].to_pylist()[:5] == [7, 2, 1, 0, 4]
    model = cr.train_table(table.slice(0, 500), target="label", epochs=1, hidden=(8,))
    assert len(model.targets.columns[0].words) == 10
