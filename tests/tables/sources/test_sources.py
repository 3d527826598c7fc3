"""Sources: rows block by block, again and again, and the same rows as the whole table has."""

import itertools

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
