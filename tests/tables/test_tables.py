"""Reading tables: what can be read, and the one line that says why something cannot."""

import datetime
import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.tables.reading import column_as_words, read_table

from chainrule.errors import DataError
from chainrule.tables.columns import column_as_numbers, first_non_number
from chainrule.tables.names import UNNAMED, require_columns


class Stream:
    """A frame of a kind nobody has heard of: all that it has is the Arrow stream."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


def write(path, content):
    data = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def refused(source, *words):
    """The one line in which reading `source` is refused; it holds all the words."""
    with pytest.raises(DataError) as caught:
        read_table(source)
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 300
    assert [word for word in words if word not in line] == []


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "T.CSV"])
@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,x y\n,z\n",
        "\ufeffa,b\r\n1,x y\r\n,z",
        '"a","b"\n"1","x y"\n\n"",z\n',
        "\na,b\r1,x y\r,z\r",
    ],
)
def test_a_csv_file_is_read_as_text_however_it_is_written(tmp_path, name, content):
    table = read_table(write(tmp_path / name, content))
    assert table.to_pydict() == {"a": ["1", ""], "b": ["x y", "z"]}
    assert set(table.schema.types) == {pa.string()}


def test_quoted_cells_hold_commas_quotes_and_line_breaks(tmp_path):
    table = read_table(str(write(tmp_path / "t.csv", 'a,"b\nc"\n"1,5","say ""yes""\nor no\n"\n')))
    assert table.to_pydict() == {"a": ["1,5"], "b\nc": ['say "yes"\nor no\n']}


def test_gzip_members_follow_each_other(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a\n1\n") + gzip.compress(b"2\n"))
    assert read_table(path).to_pydict() == {"a": ["1", "2"]}


def test_types_are_not_guessed_from_the_first_rows(tmp_path):
    rows = ["7"] * 400_000 + ["seven"]
    table = read_table(write(tmp_path / "t.csv", "a,b\n" + "".join(f"{r},{r}\n" for r in rows)))
    assert table.num_rows == len(rows)
    assert first_non_number(table.column("a")) == (400_000, "seven")


def test_one_row_may_be_longer_than_a_megabyte(tmp_path):
    table = read_table(write(tmp_path / "t.csv", f"a,b\n{'x' * 5_000_000},1\n"))
    assert table.to_pydict() == {"a": ["x" * 5_000_000], "b": ["1"]}


def test_line_breaks_in_quotes_are_no_rows_anywhere_in_a_long_file(tmp_path):
    table = read_table(write(tmp_path / "t.csv", "a,b\n" + '"\n\n\n\n\n\n\n",1\n' * 1_000_000))
    assert table.num_rows == 1_000_000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["empty"]),
        (b"\xef\xbb\xbf\r\n \n", ["empty"]),
        (b"a,b\n", ["2 columns", "no rows"]),
        (b"a,b,a,c,c\n1,2,3,4,5\n", ["more than one", "'a', 'c'"]),
        (b",\n0,1\n", ["no column", "has a name"]),
        (b"a,b\n1,2\n3\n", ["line 3", "1 column,", "names 2"]),
        (b'a,b\n"1\n\n1",2\n\n3,4,5\n', ["line 6", "3 columns", "names 2"]),
        (b"a,b\n1,caf\xc3\xa9\n1,caf\xe9\n", ["line 3", "UTF-8"]),
        (b'a,b\n1,2\n3,"x\n4,5\n6,7\n', ["line 3", "quotation mark"]),
        (b'a,b\n1,2\n3,"x\n4,5\n6,7', ["line 3", "quotation mark"]),
        (b'a,b\n1,2\n"3,4\n5,6\n', ["line 3", "quotation mark"]),
        (b'a,"b\n1,2\n', ["line 1", "quotation mark"]),
        (b"\x89PNG\r\n\x1a\n\0\0\0", ["binary"]),
        ("a,b\n1,2\n".encode("utf-16-le"), ["UTF-16"]),
        ("a,b\n1,2\n".encode("utf-16") + b"\0", ["not sound UTF-16"]),
        (gzip.compress(b"a\n1\n", mtime=0), ["compressed with gzip", ".gz"]),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_one_line(tmp_path, content, words):
    refused(write(tmp_path / "bad.csv", content), "bad.csv", *words)


def test_a_damaged_or_misnamed_compressed_file_is_refused(tmp_path):
    plain = tmp_path / "plain.csv.gz"
    plain.write_bytes(b"a\n1\n")
    refused(plain, "plain.csv.gz", "not compressed")
    noise = np.random.default_rng(0).integers(0, 10, 200_000)
    whole = gzip.compress(b"a\n" + b"".join(b"%d\n" % v for v in noise))
    wrong_sum = whole[:-8] + bytes(4) + whole[-4:]
    for name, content in (("short.csv.gz", whole[:-3000]), ("tiny.csv.gz", whole[:12]), ("sum.csv.gz", wrong_sum)):
        (tmp_path / name).write_bytes(content)
        refused(tmp_path / name, name, "damaged")


def test_a_path_that_is_no_file_of_a_known_kind_is_refused(tmp_path):
    refused(tmp_path / "absent.csv", "there is no file", "absent.csv")
    refused(tmp_path / "absent", "there is no file", "absent")
    refused(tmp_path, "folder")
    refused(write(tmp_path / "t.docx", b"PK"), "t.docx", ".csv", ".parquet", "idx")


def broken_text():
    """A table with a text whose offsets leave its data."""
    offsets = pa.py_buffer(np.array([0, 2**30, 2], np.int32))
    return pa.table({"w": pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"ab")])})


COLUMNS = {"n": [1.5, None, 2.0], "w": ["x", "y", None]}


@pytest.mark.parametrize(
    "source",
    [
        COLUMNS,
        {"n": np.array([1.5, np.nan, 2.0]), "w": np.array(["x", "y", None], object)},
        {"n": (1.5, np.nan, 2), "w": np.array(["x", "y", np.nan], object)},
        {"n": np.ma.masked_array([1.5, 9, 2], [0, 1, 0]), "w": pd.Series(["x", "y", None])},
        {"n": np.array([1.5, np.nan, 2.0], ">f8"), "w": pa.array(["x", "y", None])},
        pa.table(COLUMNS),
        pd.DataFrame(COLUMNS),
        pd.DataFrame(COLUMNS, index=pd.Index([4, 2, 7], name="key")),
        pd.DataFrame(COLUMNS).iloc[[0, 1, 2, 0]].iloc[:3],
        Stream(pa.table(COLUMNS)),
        pa.RecordBatch.from_pydict(COLUMNS),
    ],
    ids=lambda source: type(source).__name__,
)
def test_frames_and_mappings_are_read(source):
    table = read_table(source)
    assert table.column_names == ["n", "w"]
    values, missing = column_as_numbers(table.column("n"))
    np.testing.assert_array_equal(values, [1.5, np.nan, 2.0])
    np.testing.assert_array_equal(missing, [False, True, False])
    np.testing.assert_array_equal(column_as_words(table.column("w"))[0], ["x", "y", None])


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ([1, 2], ["list is not a table"]),
        (None, ["NoneType is not a table"]),
        ({}, ["0 columns", "no rows"]),
        ({"a": []}, ["1 column ", "no rows"]),
        ({"a": [1], 2: [3]}, ["2", "int", "text"]),
        ({"a": [1, 2], "b": [1, 2], "c": [3]}, ["'a' has 2 rows", "'c' has 1"]),
        ({"a": np.zeros((2, 3))}, ["'a'", "(2, 3)", "1-D"]),
        ({"a": [[1, 2], [3, 4]]}, ["'a'", "list of lists", "1-D"]),
        ({"a": "words"}, ["'a'", "a str"]),
        ({"a": 3}, ["'a'", "a int"]),
        ({"a": [1, None, {"k": 1}]}, ["row 3 of column 'a' is a dict", "'number'", "numbers, words or booleans"]),
        ({"a": ["x", b"x"]}, ["row 2 of column 'a' is a bytes", "'word'"]),
        ({"a": [datetime.timedelta(1), 5]}, ["row 1 of column 'a' is a length of time", "'number'"]),
        ({"a": [object()]}, ["column 'a'", "numbers, words or booleans"]),
        ({"a": np.array([1 + 2j])}, ["'a'"]),
        ({"a": np.array([b"\xff"])}, ["'a'", "utf-8"]),
        ({"": [1]}, ["no column", "a name"]),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), ["'a'"]),
        (pa.table([[1], [2]], names=["a", "a"]), ["more than one", "'a'"]),
        (pd.DataFrame({"a": [1, 1j]}, dtype=object), ["row 2 of column 'a' is a complex"]),
        (pd.Series([1, 2]), ["frame"]),
        (broken_text(), ["column 'w' of the table is damaged"]),
    ],
)
def test_objects_that_are_no_table_are_refused_in_one_line(source, words):
    refused(source, *words)


def test_a_column_without_a_name_is_left_out_and_remembered(tmp_path):
    pd.DataFrame({"a": [5, 6]}).to_csv(tmp_path / "with-index.csv")
    table = read_table(tmp_path / "with-index.csv")
    assert table.column_names == ["a"]
    assert table.schema.metadata == {UNNAMED: b"1"}


def test_absent_columns_are_named_with_those_that_there_are():
    table = read_table({f"x{i}": [i] for i in range(30)})
    with pytest.raises(DataError, match=r"^there are no input columns 'y0', 'y1': .* 'x0', .* and 18 more$"):
        require_columns(table, ["x1", "y0", "y1"], "input")


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("titanic.csv", (1309, 14)),
        ("diamonds.csv.gz", (53940, 10)),
        ("mushroom-train.csv.gz", (4062, 126)),
        ("building-test.csv.gz", (2104, 17)),
    ],
)
def test_real_files_are_read_as_pandas_reads_them(shared_data, name, shape):
    table, frame = read_table(shared_data(name)), pd.read_csv(shared_data(name), na_values="?")
    assert table.shape == shape
    for column in table.column_names:
        numbers = column_as_numbers(table.column(column), column)
        assert (numbers is not None) == pd.api.types.is_numeric_dtype(frame[column])
        if numbers is not None:
            np.testing.assert_array_equal(numbers[0], frame[column])
