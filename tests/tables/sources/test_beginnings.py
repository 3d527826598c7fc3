"""How delimited files begin: marks, names, lines above the names, separators that are named, and what is refused."""

import codecs
import time

import pytest
from tests.tables.reading import read_table

from chainrule.cli import run
from chainrule.errors import DataError
from chainrule.model import TableSettings, TableTraining, train_table
from chainrule.tables.sources import as_source, row_blocks

ROWS = [(50 + k, k % 5, 1000 + 7 * k) for k in range(60)]


def body(separator=","):
    return "".join(separator.join(map(str, row)) + "\n" for row in ROWS)


def wrote(folder, text, name="t.csv"):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder / name


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("marks", [1, 2, 5, 3_000_000])
def test_any_number_of_byte_order_marks_is_no_part_of_a_name(tmp_path, encoding, marks):
    if marks > 5 and encoding != "utf-8":
        pytest.skip("once is enough")
    path = wrote(tmp_path, ("\ufeff" * marks + "area,rooms,\ufeffprice\n" + body()).encode(encoding))
    table = read_table(path)
    assert as_source(path).names == table.column_names == ["area", "rooms", "price"]
    assert {str(kind) for kind in table.schema.types} == {"string"}
    assert table["area"].to_pylist() == [str(row[0]) for row in ROWS]


def test_a_mark_where_a_block_begins_stays_in_its_cell(tmp_path):
    row = "\ufeffx,1\n"
    path = wrote(tmp_path, "a,b\n" + row * 1_500_000)
    assert read_table(path)["a"].unique().to_pylist() == ["\ufeffx"]


@pytest.mark.parametrize(
    "text", ["a,y", "a,y\n", "a", "a\n", '"a"', "a\r", codecs.BOM_UTF8.decode() + "a,y", "\n\na,y"]
)
def test_a_line_of_names_alone_has_no_rows(tmp_path, text):
    with pytest.raises(DataError, match=f"has {text.count('y') + 1} columns? and no rows"):
        read_table(wrote(tmp_path, text))


@pytest.mark.parametrize(("empty", "said"), [(1, "it has no name: column 4"), (2, "they have no name: columns 4, 5")])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_columns_without_a_name_are_left_out_and_noted(tmp_path, empty, said, separator):
    names = separator.join(["area", "rooms", "price"])
    rows = body(separator).replace("\n", separator * empty + "\n")
    path = wrote(tmp_path, names + separator * empty + "\n" + rows)
    assert as_source(path).names == ["area", "rooms", "price"]
    assert read_table(path).column_names == ["area", "rooms", "price"]
    assert f"left out, because {said}" in TableTraining(path, "price", TableSettings()).notes


def test_columns_without_a_name_may_be_anywhere_and_hold_anything(tmp_path):
    path = wrote(tmp_path, ' ,a,"",y,\n1,2,3,4,5\n6,7,8,9,\n')
    assert read_table(path).to_pydict() == {"a": ["2", "7"], "y": ["4", "9"]}
    wide = wrote(tmp_path, "a,y" + "," * 16_382 + "\n" + ("1,2" + "," * 16_382 + "\n") * 3)
    assert read_table(wide).to_pydict() == {"a": ["1"] * 3, "y": ["2"] * 3}


NAMES = "area,rooms,price\n"
REFUSED = {  # a file whose target is price, and words of the one line
    "comments": (
        "# by the meter, v2\n# site: north\n" + NAMES + body(),
        "line 3 .* 3 columns, .* remove the lines above",
    ),
    "comment": ("% by the meter\n" + NAMES + body(), "line 2 .* remove the lines above the names"),
    "comment, as long": ("# a, b\n" + NAMES + body(), "line 2 .* remove the lines above the names"),
    "title": ("Sales report\n\n" + NAMES + body(), "line 3 .* 3 columns, but the first line names 1: remove the lines"),
    "title, commas": ("Sales report,,\n" + NAMES + body(), "no target column 'price'.*remove lines above the names"),
    "title, semicolons": (
        "Sales\n" + NAMES.replace(",", ";") + body(";"),
        "no target column 'price'.*one name, without comma or semicolon or tab or vertical bar: remove lines above",
    ),
    "titles, semicolons": (
        "Sales, north\nof May\n" + NAMES.replace(",", ";") + body(";"),
        "line 3 .* 3 columns, but the first line names 1: remove the lines above",
    ),
    "spaces": (NAMES.replace(",", " ") + body(" "), "no target column 'price'.*name another separator .* sep=:"),
    "colons": (NAMES.replace(",", ":") + body(":"), "no target column 'price'.*name another separator .* sep=:"),
    "commas in .tsv": (NAMES + body(), "no target column 'price'.*one name, without tab:"),
    "row names": (
        NAMES + "".join(f'"{k}",{row}\n' for k, row in enumerate(body().splitlines())),
        'line 2 .* 4 columns, but the first line names 3: put "", first if .* as R writes them, or quote a cell',
    ),
    "row names, semicolons": (
        NAMES.replace(",", ";") + "".join(f"{k};{row}\n" for k, row in enumerate(body(";").splitlines())),
        'put ""; first if the rows begin with names of their own, as R writes them',
    ),
    "commas at the ends": (
        NAMES + body().replace("\n", ",\n"),
        "line 2 .* the rows end with a comma: put one after the",
    ),
    "sep= and nothing": ("sep=\n" + NAMES + body(), "begins with 'sep=', but names no separator: write sep= and one"),
    "sep= and a letter": ("sep=a\n" + NAMES + body(), "names no separator"),
    "sep= and two": ("sep=;;\n" + NAMES + body(), "names no separator"),
    "sep= and another": ("sep=;\n" + NAMES + body(), "no target column 'price'"),
    "one bad row": (
        NAMES + body() + "1,2\n" + body(),
        r"line 62 .* 2 columns, .* every row needs one .* \(quote a cell",
    ),
    "prose": ("text\nHello, friend\nbye\n", r"line 2 .* 2 columns, but the first line names 1: every row .* comma"),
    "another page": (NAMES + body() + "\x0c\n" + body(), "line 62 .* has 1 column, but the first line names 3"),
    "end of DOS": (NAMES + body() + "\x1a", "line 62 .* has 1 column, but the first line names 3"),
    "byte 0": (NAMES + body() * 20 + "1,\0,2\n", "line 1202 .* byte 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_file_begins_with_is_named_in_one_line(tmp_path, capsys, name):
    text, words = REFUSED[name]
    path = wrote(tmp_path, text, "t.tsv" if name.endswith("tsv") else "t.csv")
    with pytest.raises(DataError, match=words) as caught:
        train_table(path, "price", epochs=1)
    assert "\n" not in str(caught.value)
    assert run(["train", str(path), "--target", "price", "--out", str(tmp_path / "m.safetensors")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("line", ["sep={}", '"sep={}"', "SEP={}", "\nsep={}"])
@pytest.mark.parametrize("separator", list(",;\t|: ~^#@/\x01\x1f"))
def test_a_first_line_may_name_the_separator(tmp_path, line, separator):
    names = separator.join(["area", f'"room{separator}s"', "price"])
    path = wrote(tmp_path, f"{line.format(separator)}\n{names}\n{body(separator)}")
    source = as_source(path)
    assert source.names == ["area", f"room{separator}s", "price"]
    assert list(zip(*source.table().to_pydict().values(), strict=True)) == [tuple(map(str, row)) for row in ROWS]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_named_separator_is_not_a_column_with_any_line_break(tmp_path, separator, end):
    text = f"sep={separator}\na{separator}b\n1,5{separator}2\n".replace("\n", end)
    assert read_table(wrote(tmp_path, text)).to_pydict() == {"a": ["1.5"], "b": ["2"]}


def test_words_with_other_separators_in_one_column_stay_words(tmp_path):
    for cells in (["Hello; friend", "bye", "a|b"], ["a|b", "c|d", "e"], ["Jo Do", "Al Bo"], ["a:b", "c:d"]):
        path = wrote(tmp_path, "text\n" + "\n".join(cells))
        assert read_table(path).to_pydict() == {"text": cells}


@pytest.mark.parametrize("end", ["", "a", ".", "e5", ",x"])
def test_a_first_line_of_digits_takes_time_in_proportion(tmp_path, end):
    start = time.perf_counter()
    path = wrote(tmp_path, "1" * 300_000 + end + ",2b\n3,4" + ",5" * end.count(",") + "\n")
    assert len(as_source(path).names) == 2 + end.count(",")
    with pytest.raises(DataError) as caught:
        train_table(path, "y" * 100_000)
    assert len(str(caught.value)) < 1000
    assert time.perf_counter() - start < 5


def test_ascending_numbers_of_any_length_are_names(tmp_path):
    names = ["9", "0" * 5000 + "10", "1" * 5000, "2" * 5000]
    assert as_source(wrote(tmp_path, ",".join(names) + "\n1,2,3,4\n")).names == names
    with pytest.raises(DataError, match="holds only numbers"):
        as_source(wrote(tmp_path, ",".join(reversed(names)) + "\n1,2,3,4\n"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a" * 20_000_000 + ",y\n1,2\n", "line 1 .* a row of more than 4 MiB"),
        ("a,y\n1,2\n3," + "b" * 20_000_000, "line 3 .* a row of more than 4 MiB"),
        ('a,y\n1,2\n"3,' + "b\n" * 10_000_000, "line 3 .* a quoted cell of more than 4 MiB"),
    ],
)
def test_a_row_without_an_end_is_refused_in_one_line(tmp_path, monkeypatch, text, words):
    monkeypatch.setattr(row_blocks, "LONGEST_ROW", 1 << 22)
    with pytest.raises(DataError, match=words):
        read_table(wrote(tmp_path, text))
