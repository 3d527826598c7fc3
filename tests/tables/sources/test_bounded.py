"""Files that unpack to far more than they weigh, files that never end, and files that change while they are read."""

import gzip
import os
import socket
import struct
import zipfile

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet
from tests.tables.reading import read_table

import chainrule as cr
from chainrule.errors import DataError
from chainrule.tables.sources import arrays, as_source, base, columnar, row_blocks

POSIX = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes and sockets with names are POSIX")
NAMES = (
    *("t.csv", "t.csv.gz", "t.tsv", "t.jsonl", "t.xlsx", "t.parquet", "t.feather", "t.npy", "t.npz"),
    *("images-idx3-ubyte", "t", "t.gz"),
)


def refusal(read, *arguments):
    with pytest.raises(DataError) as caught:
        read(*arguments)
    line = str(caught.value)
    assert "\n" not in line
    return line


# ---------------------------------------------------------------------------------- what is not a regular file


@POSIX
@pytest.mark.parametrize("name", NAMES)
def test_a_pipe_and_a_socket_are_named_and_never_opened(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    os.mkfifo(name)
    advice = "but a table is read several times: write it to a regular file first"
    assert refusal(as_source, name) == f"{name!r} is a pipe, {advice}"
    os.unlink(name)  # noqa: PTH108
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        assert refusal(as_source, name) == f"{name!r} is a socket, {advice}"


@POSIX
def test_devices_links_to_pipes_and_parts_of_a_folder(tmp_path):
    assert "'/dev/zero' is a device" in refusal(as_source, "/dev/zero")
    (tmp_path / "zero.csv.gz").symlink_to("/dev/zero")
    assert "zero.csv.gz' is a device" in refusal(as_source, tmp_path / "zero.csv.gz")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "parts" / "2.csv").symlink_to(tmp_path / "pipe")
    assert "2.csv' is a pipe" in refusal(as_source, tmp_path / "parts")


# ---------------------------------------------------------------------------------- what changes between passes

WRITERS = {
    "t.csv": lambda path, a: path.write_text("a\n" + "".join(f"{value}\n" for value in a)),
    "t.csv.gz": lambda path, a: path.write_bytes(gzip.compress(b"a\n" + b"".join(b"%d\n" % v for v in a.astype(int)))),
    "t.jsonl": lambda path, a: path.write_text("".join(f'{{"a": {value}}}\n' for value in a)),
    "t.npy": np.save,
    "f.npy": lambda path, a: np.save(path, np.asfortranarray(np.stack([a, a], 1))),
    "t.feather": lambda path, a: feather.write_feather(pa.table({"a": a}), path, compression="uncompressed"),
    "t.parquet": lambda path, a: parquet.write_table(pa.table({"a": a}), path),
    "labels": lambda path, a: path.write_bytes(
        struct.pack(">BBBBI", 0, 0, 0x0E, 1, len(a)) + a.astype(">f8").tobytes()
    ),
}


def replace(path):
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)


def append(path):
    with path.open("ab") as file:
        file.write(b"1\n")


def truncate(path):
    os.truncate(path, path.stat().st_size // 2)


def rewrite(path):
    content = path.read_bytes()
    path.write_bytes(content)
    os.utime(path, ns=(0, 123_456_789))


@pytest.mark.parametrize("change", [replace, append, truncate, rewrite, os.unlink])
@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_changes_between_or_during_passes_is_one_line(tmp_path, name, change):
    path = tmp_path / name
    WRITERS[name](path, np.arange(2_000_000.0 if name.endswith(("feather", "npy")) else 1000.0))
    changed = f"'{path}' has changed while it was read: start again when nothing writes to it"
    source = as_source(path)
    before = list(source.blocks())
    assert sum(block.num_rows for block in before) in (1000, 2_000_000)
    blocks = source.blocks()
    next(blocks)
    change(path)
    assert refusal(list, blocks) == changed
    assert refusal(list, source.blocks()) == changed


def test_training_on_a_file_that_grows_meanwhile_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{k},{k * k % 7}\n" for k in range(100)))
    blocks = type(as_source(path)).blocks

    def growing(self, *names):
        yield from blocks(self, *names)
        append(path)

    monkeypatch.setattr(type(as_source(path)), "blocks", growing)
    assert "has changed while it was read" in refusal(lambda: cr.train_table(path, target="y", epochs=1))


def test_arrays_in_either_order_are_read_by_plain_reads_to_the_same_columns(tmp_path):
    values = np.arange(3 * 70_000 * 5, dtype=">i4").reshape(70_000, 3, 5)
    np.save(tmp_path / "c.npy", values)
    np.save(tmp_path / "f.npy", np.asfortranarray(values))
    records = np.zeros(9, [("日", "f8"), ("b", "U3", 2)])
    records["日"], records["b"] = np.arange(9), "xyz"
    with pytest.warns(UserWarning, match="format 3.0"):
        np.save(tmp_path / "r.npy", records)
    assert np.array_equal(np.stack(read_table(tmp_path / "c.npy").columns, 1), values.reshape(70_000, 15))
    assert read_table(tmp_path / "f.npy").equals(read_table(tmp_path / "c.npy"))
    assert read_table(tmp_path / "r.npy").to_pydict() == {"日": [*range(9)], "b1": ["xyz"] * 9, "b2": ["xyz"] * 9}


# ---------------------------------------------------------------------------------- what unpacks to far more


def test_empty_lines_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(row_blocks, "LONGEST_ROW", 1 << 23)
    for content in (b"\n" * (10 << 20) + b"a,b\n1,2\n", b"a,b\n" + b"1,2\n" * 200 + b"\r\n" * (12 << 20) + b"3,4\n"):
        (tmp_path / "t.csv.gz").write_bytes(gzip.compress(content, 1))
        line = refusal(read_table, tmp_path / "t.csv.gz")
        assert "t.csv.gz' has more than 8 MiB of empty lines before line " in line
        assert line.endswith(": remove them")


def test_an_npz_file_that_does_not_fit_in_memory(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "t.npz", a=np.zeros(10**6))
    assert read_table(tmp_path / "t.npz").num_rows == 10**6
    monkeypatch.setattr(arrays, "available_memory", lambda: 10**6)
    monkeypatch.setattr(zipfile.ZipFile, "open", None)  # nothing is unpacked
    line = refusal(as_source, tmp_path / "t.npz")
    assert "unpacks to 8,000,128 bytes, but 1,000,000 bytes of memory are free: save its arrays as .npy files" in line


def test_an_npz_file_whose_header_is_gigabytes(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + bytes(1 << 20))
    assert "reading array header" in refusal(as_source, tmp_path / "t.npz")


@pytest.mark.parametrize("dictionary", [False, True])
def test_a_parquet_file_with_a_cell_that_is_too_long(tmp_path, monkeypatch, dictionary):
    monkeypatch.setattr(base, "LONGEST_ROW", 12 << 20)
    monkeypatch.setattr(columnar, "LONGEST_ROW", 12 << 20)
    long = "x" * (25 << 20)
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"b": [1, 2], "a": [long, ""]}), path, compression="zstd", use_dictionary=dictionary)
    assert "column 'a' of " in refusal(as_source, path)
    assert "12,582,912 bytes a cell at most" in refusal(as_source, path)
    few = pa.table({"a": [long, *[""] * 5000]})  # whose mean is short
    for path, write in ((tmp_path / "t.parquet", parquet.write_table), (tmp_path / "t.feather", feather.write_feather)):
        write(few, path, compression="zstd")
        assert "12,582,912 bytes a row at most" in refusal(read_table, path)


def test_a_parquet_file_that_does_not_fit_in_memory(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    zeros = pa.table({"a": np.zeros(10**7), "b": np.zeros(10**7)})
    parquet.write_table(zeros, path, compression="zstd", use_dictionary=False, row_group_size=10**7)
    monkeypatch.setattr(columnar, "available_memory", lambda: 100 << 20)
    assert "104,857,600 bytes of memory are free: write it with smaller row groups" in refusal(as_source, path)
    monkeypatch.setattr(columnar, "available_memory", lambda: 1 << 30)
    assert as_source(path).names == ["a", "b"]


def test_what_arrow_cannot_allocate_is_one_line(tmp_path, monkeypatch):
    parquet.write_table(pa.table({"a": [1.0]}), tmp_path / "t.parquet")

    def fail(*arguments):
        raise pa.ArrowMemoryError("malloc of size 1073741888 failed")

    monkeypatch.setattr(columnar, "_require_bounded", fail)
    assert "has a part that does not fit in memory" in refusal(as_source, tmp_path / "t.parquet")
