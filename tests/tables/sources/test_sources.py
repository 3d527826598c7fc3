"""Sources: rows block by block, again and again, and the same rows as the whole table has."""

import gzip
import itertools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.tables.reading import read_table

from chainrule.errors import DataError
from chainrule.tables.names import UNNAMED
from chainrule.tables.sources import Source, as_source
from chainrule.tables.sources.base import BLOCK_BYTES


def test_a_large_file_comes_in_bounded_blocks_as_often_as_asked(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "".join(f"{i},{'x' * 90}\n" for i in range(250_000)))
    source = as_source(path)
    assert source.names == ["a", "b"]
    for _ in range(2):
        blocks = list(source.blocks())
        assert len(blocks) > 2
        assert all(0 < block.nbytes < 2 * BLOCK_BYTES for block in blocks)
        assert [int(cell) for block in blocks for cell in block.column("a").to_pylist()] == list(range(250_000))


def test_a_table_in_memory_comes_in_blocks_that_copy_nothing():
    numbers = np.arange(3_000_000.0)
    blocks = list(as_source({"x": numbers}).blocks())
    assert len(blocks) == 3
    assert {block.column(0).chunk(0).buffers()[1].address for block in blocks} == {numbers.ctypes.data}
    assert pa.concat_tables(blocks).column("x").to_numpy().tolist() == numbers.tolist()


def test_reading_may_end_early_and_begin_again(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a\n" + "1\n" * 6_000_000)
    source = as_source(path)
    first = next(iter(source.blocks()))
    assert next(itertools.islice(source.blocks(), 1)).equals(first)


def test_a_source_is_taken_as_it_is():
    source = as_source({"a": [1, 2]})
    assert as_source(source) is source
    assert isinstance(source, Source)
    assert read_table(source).equals(pa.table({"a": [1, 2]}))


def test_columns_without_a_name_are_left_out_of_every_block(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(",a\n0,5\n1,6\n")
    source = as_source(path)
    assert source.names == ["a"]
    assert [block.schema.metadata for block in source.blocks()] == [{UNNAMED: b"1"}]


def test_a_source_without_rows_says_so_when_it_is_read(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n")
    source = as_source(path)
    assert source.names == ["a", "b"]
    with pytest.raises(DataError, match=r"t\.csv' has 2 columns and no rows"):
        list(source.blocks())


def opened(monkeypatch):
    """The files that are opened from now on, as a list that grows."""
    names, whole = [], Path.open

    def count(self, *arguments, **keywords):
        names.append(self.name)
        return whole(self, *arguments, **keywords)

    monkeypatch.setattr(Path, "open", count)
    return names


CONTENTS = {
    "t.csv": b"a,b\n1,2\n",
    "t.csv.gz": gzip.compress(b"a,b\n1,2\n"),
    "t.tsv": b"\n\na\tb\n1\t2\n",
    "wide.csv": (",".join(f"column {k}" for k in range(6_000)) + "\n" + "1," * 5_999 + "2\n").encode(),
    "utf-16.csv": "a;b\n1;é\n".encode("utf-16"),
    "late.csv": b"\n" * 3_000_000 + b"a,b\n1,2\n",
}


@pytest.mark.parametrize("name", CONTENTS)
def test_a_delimited_file_is_opened_once_for_its_columns_and_once_for_each_pass(tmp_path, monkeypatch, name):
    (tmp_path / name).write_bytes(CONTENTS[name])
    names = opened(monkeypatch)
    source = as_source(tmp_path / name)
    assert len(source.names) == (6_000 if name == "wide.csv" else 2)
    assert names == [name]
    for passes in (1, 2):
        assert sum(block.num_rows for block in source.blocks()) == 1
        assert names == [name] * (1 + passes)
