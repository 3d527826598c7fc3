"""Parquet by address, and reading only some columns and rows."""

from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DataError
from chainrule.tables.sources import as_source

pa = pytest.importorskip("pyarrow")

from pyarrow import parquet  # noqa: E402


@pytest.fixture
def folder(tmp_path):
    """A folder of parts, with a file and a folder that do not count."""
    for k, (start, stop) in enumerate([(0, 10), (10, 25), (25, 40)], start=9):
        table = pa.table({"x": np.arange(start, stop), "word": [f"w{j % 3}" for j in range(start, stop)]})
        parquet.write_table(table, tmp_path / f"part-{k}.parquet", row_group_size=5)
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "_temporary").mkdir()
    return tmp_path


def address(path, slashes="://"):
    return f"file{slashes}{path}"


def test_a_folder_by_its_address_is_the_folder(folder):
    there, here = as_source(address(folder)), as_source(sorted(folder.glob("*.parquet"))[0])
    assert there.table().column("x").to_pylist() == list(range(40))
    assert there.names == here.names
    assert as_source(Path(address(folder))).table().equals(there.table())
    assert as_source(address(folder / "part-9.parquet")).table().num_rows == 10


def test_a_model_of_an_address_is_that_of_the_files(folder):
    (folder / "_temporary").rmdir()
    settings = {"target": "x", "hidden": 2, "epochs": 2, "validation": 0.0}
    models = [cr.train_table(source, **settings) for source in (address(folder), folder)]
    assert np.array_equal(*(model.network.theta for model in models))


@pytest.mark.parametrize("where", ["file", "address"])
def test_only_chosen_row_groups_and_columns_are_read(folder, where):
    (folder / "_temporary").rmdir()
    source = as_source(folder if where == "file" else address(folder))
    chosen = np.isin(np.arange(40), (3, 12, 39))
    blocks = list(source.some_blocks(["x"], chosen))
    assert [start for start, _ in blocks] == [0, 10, 35]
    assert [block.column("x").to_pylist() for _, block in blocks] == [[*range(5)], [*range(10, 15)], [*range(35, 40)]]
    assert all(block.column_names == ["x"] for _, block in blocks)


def test_other_files_skip_whole_parts_once_their_rows_are_known(tmp_path):
    for k in range(3):
        (tmp_path / f"{k}.csv").write_text("x\n" + "".join(f"{k * 4 + j}\n" for j in range(4)))
    source, chosen = as_source(tmp_path), np.arange(12) == 9
    assert [start for start, _ in source.some_blocks(None, chosen)] == [8]
    assert source.rows == 12
    (tmp_path / "0.csv").unlink()  # it is not opened any more
    assert [start for start, _ in source.some_blocks(None, chosen)] == [8]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no/such/folder", "there is no file"),
        ("part-9.parquet/deeper", "there is no file"),
    ],
)
def test_addresses_without_a_table_are_refused(folder, name, words):
    with pytest.raises(DataError, match=words):
        as_source(address(folder / name))


def test_what_is_not_parquet_is_refused(folder):
    (folder / "more.csv").write_text("x\n1\n")
    with pytest.raises(DataError, match=r"holds 'more.csv': give a folder of Parquet files"):
        as_source(address(folder))
    (folder / "bad.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(DataError, match=r"bad.parquet' cannot be read \("):
        as_source(address(folder / "bad.parquet"))


def test_no_message_has_what_logs_in():
    with pytest.raises(DataError) as caught:
        as_source("s4://AKIA:secret@bucket/parts?region=x")
    assert str(caught.value).startswith("'s4://bucket/parts' is not an address that pyarrow reads: give s3://")
    assert "AKIA" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_file_that_changes_is_refused(folder):
    source = as_source(address(folder / "part-9.parquet"))
    parquet.write_table(pa.table({"x": np.arange(11), "word": ["a"] * 11}), folder / "part-9.parquet")
    with pytest.raises(DataError, match="has changed while it was read"):
        source.table()
