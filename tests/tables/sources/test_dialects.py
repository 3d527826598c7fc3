"""Delimited files as people have them: each is trained on, or refused in one line that says where and why."""

import bz2
import codecs
import csv
import gzip
import io
import lzma
import re
from typing import NamedTuple

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.tables.reading import read_table

import chainrule as cr
from chainrule.cli import main
from chainrule.errors import DataError
from chainrule.model import TableSettings, TableTraining
from chainrule.tables.sources import as_source

ROWS = [(k / 2, "café" if k % 3 else "thé", 3 * k + 1.5) for k in range(24)]


def text(separator=",", decimal=".", end="\n", rows=ROWS):
    """The same table in another dialect."""
    cells = [[str(a).replace(".", decimal), word, str(y).replace(".", decimal)] for a, word, y in rows]
    return end.join(separator.join(row) for row in [["a", "word", "y"], *cells]) + end


PLAIN = text()

GOOD = {
    "plain": (PLAIN.encode(), []),
    "mark": (codecs.BOM_UTF8 + PLAIN.encode(), []),
    "crlf": (text(end="\r\n").encode(), []),
    "cr": (text(end="\r").encode(), []),
    "no final newline": (PLAIN.strip().encode(), []),
    "semicolon": (text(";").encode(), ["semicolon"]),
    "tab": (text("\t").encode(), ["tab"]),
    "bar": (text("|").encode(), ["vertical bar"]),
    "decimal comma": (text(";", ",").encode(), ["semicolon", "decimal commas"]),
    "decimal comma, tab": (text("\t", ",").encode(), ["tab", "decimal commas"]),
    "latin-1": (PLAIN.encode("latin-1"), ["Windows-1252"]),
    "utf-16": (PLAIN.encode("utf-16"), ["UTF-16"]),
    "utf-16-be": (codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"), ["UTF-16"]),
    "utf-32": (text(";", ",", "\r\n").encode("utf-32"), ["UTF-32", "semicolon", "decimal commas"]),
    "blank lines": (("\n" * 5000 + PLAIN.replace("\n", "\n" * 500)).encode(), []),
}


@pytest.mark.parametrize("name", GOOD)
def test_one_table_in_every_dialect_is_the_same_table(tmp_path, name):
    content, notes = GOOD[name]
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    source = as_source(path)
    assert source.table().equals(read_table(wrote(tmp_path, PLAIN.encode())))
    assert [word for word in notes if not any(word in note for note in source.notes)] == []
    assert len(source.notes) == len(notes)


def wrote(folder, content, name="other.csv"):
    (folder / name).write_bytes(content)
    return folder / name


@pytest.mark.parametrize("name", ["plain", "crlf", "decimal comma", "latin-1", "utf-16"])
def test_every_dialect_trains(tmp_path, capsys, name):
    path = wrote(tmp_path, GOOD[name][0], "t.csv")
    notes = TableTraining(path, "y", TableSettings()).notes
    assert [word for word in GOOD[name][1] if not any(word in note for note in notes)] == []
    model = cr.train_table(path, target="y", epochs=2, hidden=(2,))
    assert model.encoder.feature_names == ["a", "word=café", "word=thé"]
    out = tmp_path / "m.safetensors"
    assert run("train", path, "--target", "y", "--epochs", "2", "--hidden", "2", "--out", out) == 0
    assert run("predict", out, path) == 0


def run(*arguments):
    """The exit code of the command line."""
    try:
        return main([str(argument) for argument in arguments]) or 0
    except SystemExit as end:
        return end.code or 0


class Bad(NamedTuple):
    content: bytes
    words: list[str]


BAD = {
    "empty": Bad(b"", ["is empty"]),
    "blank": Bad(b"\r\n" * 3000, ["is empty"]),
    "header only": Bad(b"a,y\n", ["2 columns", "no rows"]),
    "header only, no line break": Bad(b"a,y", ["2 columns", "no rows"]),
    "one row": Bad(b"a,y\n1,2\n", ["only one value"]),
    "duplicate names": Bad(b"a,y,a\n1,2,3\n", ["more than one column 'a'"]),
    "no names": Bad(b",,\n1,2,3\n", ["no column of", "has a name"]),
    "numbers first": Bad(b"5.1,3.5,0\n4.9,3.0,1\n", ["first line", "'5.1', '3.5', '0'", "line of names"]),
    "numbers first, decimal comma": Bad(b"5,1;3,5;0;1\n4,9;3,0;1;1\n", ["first line", "line of names"]),
    "short row": Bad(b"a;b;y\n1;2;3\n1;2\n", ["line 3", "2 columns", "names 3", "semicolon"]),
    "long row": Bad(b"a\ty\n1\t2\n\n1\t2\t3\n", ["line 4", "3 columns", "names 2", "tab"]),
    "long row far away": Bad(b"a,y\n" + b"1,2\n" * 200_000 + b"1,2,3\n", ["line 200002", "3 columns"]),
    "400 digits": Bad(b"a,y\n" + b"1" * 400 + b",1\n2,3\n", ["row 1 of column 'a'", "400 characters"]),
    "byte 0": Bad(b"a,y\n1,2\n" + b"x" * 5000 + b",2\n3,\0\n", ["line 4", "byte 0"]),
    "byte 0 in the head": Bad(b"a,y\n1,\0\n", ["binary, or UTF-16"]),
    "two encodings": Bad("a,y\né,1\n".encode() + "é,2\n".encode("latin-1"), ["line 3", "not UTF-8"]),
    "odd utf-16": Bad("a,y\n1,2\n".encode("utf-16")[:-1], ["not sound UTF-16"]),
    "open quote": Bad(b'a,y\n1,2\n"3,4\n5,6\n', ["line 3", "quotation mark"]),
    "two decimal marks": Bad(b"a;y\n1,5;2\n2.5;3\n", ["row 2", "column 'a'", "'2.5'", "'1,5'"]),
    "doubtful thousands": Bad(b"a;y\n1,5;1.234\n2,5;3.000\n", ["row 1", "column 'y'", "'1.234'"]),
    "no target": Bad(b"a,y\n1,\n2,\n", ["'y' has no values"]),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path, capsys, name):
    path = wrote(tmp_path, BAD[name].content, "t.csv")
    with pytest.raises(DataError) as caught:
        cr.train_table(path, target="y", epochs=1)
    line = str(caught.value)
    assert "\n" not in line
    assert [word for word in BAD[name].words if word not in line] == []
    assert run("train", path, "--target", "y", "--out", tmp_path / "m.safetensors") == 1
    assert " ".join(line.split()) in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "m.safetensors").exists()


def test_cells_of_a_megabyte_and_lines_longer_than_a_block_are_read(tmp_path):
    long = "x" * 12_000_000
    content = f"a,b\n1,{'y' * 1_000_000}\n" + "2,z\n" * 3_000_000 + f"3,{long}\n4,z\n"
    table = read_table(wrote(tmp_path, content.encode()))
    assert table.num_rows == 3_000_003
    assert table.column("b").slice(3_000_001).to_pylist() == [long, "z"]


def test_a_hundred_thousand_columns_are_read(tmp_path):
    names = [f"column {k}" for k in range(100_000)]
    rows = [",".join(names), ",".join(["1"] * 100_000), ",".join(["2"] * 100_000)]
    source = as_source(wrote(tmp_path, "\n".join(rows).encode()))
    assert source.names == names
    assert source.table().shape == (2, 100_000)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a;b\n1,234;x\n2,5;y\n", ["1.234", "2.5"]),  # the second says what the first means
        ("a;b\n1,234;x\n2,345;y\n", ["1,234", "2,345"]),  # doubtful: left as they are
        ("a;b\n1.234,5;x\n-0,125;y\n", ["1234.5", "-0.125"]),
        ("a;b\n1,5e3;x\n,5;y\n", ["1.5e3", ".5"]),
        ('a,b\n"1,5",x\n"2,5",y\n', ["1,5", "2,5"]),  # separated by commas: never touched
        ("a;b\n1,2,3;x\n24.12.2020;y\n", ["1,2,3", "24.12.2020"]),
    ],
)
def test_decimal_commas_are_read_only_where_they_are_meant(tmp_path, content, expected):
    source = as_source(wrote(tmp_path, content.encode()))
    assert source.table().column("a").to_pylist() == expected
    doubtful = [note for note in source.notes if "may be numbers with a decimal comma or with thousands" in note]
    assert len(doubtful) == (expected[0] == "1,234")


def test_a_decimal_comma_after_doubtful_cells_of_earlier_blocks_is_refused(tmp_path):
    content = "a;b\n" + "1,234;x\n" * 2_000_000 + "1,5;y\n"
    with pytest.raises(DataError, match=r"row 2000001, column 'a': '1,5', but '1,234' before it may be 1\.234 or 1234"):
        read_table(wrote(tmp_path, content.encode()))


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("a,b\n1;2,3\n", ["a", "b"]),
        ("a;b,c;d\n1;2,5;3\n", ["a", "b,c", "d"]),
        ("a;b|c|d\n1;2\n3;4|5\n", ["a", "b|c|d"]),  # fewer cells, but in every row
        ("words\nhello\n", ["words"]),
        ('"a;b",c\n1,2\n', ["a;b", "c"]),
        ("1,2,3\n4,5,6\n", ["1", "2", "3"]),  # columns counted by whoever wrote them
    ],
)
def test_the_separator_is_the_one_under_which_all_rows_agree(tmp_path, content, names):
    assert as_source(wrote(tmp_path, content.encode())).names == names


def test_only_the_tab_separates_in_a_tsv_file(tmp_path):
    source = as_source(wrote(tmp_path, b"a,b\n1,2\n", "t.tsv"))
    assert (source.names, source.notes) == (["a,b"], [])


@pytest.mark.parametrize(
    ("ending", "pack"),
    [
        (".gz", gzip.compress),
        (".bz2", bz2.compress),
        (".xz", lzma.compress),
        (".zst", lambda data: pa.compress(data, codec="zstd", asbytes=True)),
    ],
)
def test_compressed_files_are_read_and_damaged_ones_refused(tmp_path, ending, pack):
    packed = pack(PLAIN.encode())
    assert read_table(wrote(tmp_path, packed, f"t.csv{ending}")).num_rows == len(ROWS)
    changed = packed[:20] + bytes([packed[20] ^ 255]) + packed[21:]
    for content in (packed[: len(packed) // 2], packed[:-3], changed):
        with pytest.raises(DataError, match="damaged"):
            read_table(wrote(tmp_path, content, f"cut.csv{ending}"))
    with pytest.raises(DataError, match=f"not compressed with .* ends in {ending}"):
        read_table(wrote(tmp_path, PLAIN.encode(), f"plain.csv{ending}"))
    with pytest.raises(DataError, match=f"does not end in {ending}"):
        read_table(wrote(tmp_path, packed, "packed.csv"))


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


def with_point(cell):
    """A cell with a decimal point in place of a comma, and without the points of thousands before one."""
    if re.fullmatch(r"\s*[-+]?\d{1,3}(\.\d{3})+,\d*\s*", cell):
        cell = cell.replace(".", "")
    return cell.replace(",", ".")


@settings(max_examples=150, deadline=None)
@given(
    rows=st.integers(2, 4).flatmap(lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n), min_size=1, max_size=6)),
    separator=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
@example([["x", "7,5"], ["", "\r\n"]], ";", csv.QUOTE_MINIMAL, "\n", "utf-16")
@example([["", "1.000,0"]], ";", csv.QUOTE_ALL, "\n", "utf-8")
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, rows, separator, quoting, end, encoding):
    names = [f"column {k}" for k in range(len(rows[0]))]
    if end == "\n" and quoting == csv.QUOTE_MINIMAL:  # the module leaves \r without quotes
        rows = [[cell.replace("\r", "") for cell in row] for row in rows]
    stream = io.StringIO()
    csv.writer(stream, delimiter=separator, quoting=quoting, lineterminator=end).writerows([names, *rows])
    path = tmp_path_factory.mktemp("trip", numbered=True) / "t.tsv"
    path = path if separator == "\t" else path.with_suffix(".csv")
    path.write_bytes(stream.getvalue().encode(encoding))
    source = as_source(path)
    found = [list(row.values()) for row in source.table().to_pylist()]
    if any("decimal" in note for note in source.notes):
        found, rows = ([[with_point(cell) for cell in row] for row in some] for some in (found, rows))
    assert source.names == names
    assert found == rows
