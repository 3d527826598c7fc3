"""Quotation marks: what opens and closes a cell, compared with Python's csv module, and what cannot be meant."""

import csv
import io
import threading

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.tables.reading import read_table

from chainrule.errors import DataError
from chainrule.tables.sources import as_source
from chainrule.tables.sources.encodings import Utf8Stream
from chainrule.tables.sources.quotes import StrayQuoteError, scan_quotes


def by_csv(text):
    """The rows by Python's strict csv module; None for what it refuses."""
    try:
        return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error:
        return None


def by_scan(text):
    """Whether our scan of one piece after the other takes the text, and where its last whole row ends in each."""
    inside, ends = False, []
    for line in text.splitlines(keepends=True):
        scan = scan_quotes(line.encode(), ",", inside)
        inside = scan.inside
        ends.append(scan.end == len(line))
    return not inside, ends


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(['"', '""', ",", "\n", "a", "\r\n"]), max_size=20))
@example(['"', '"', '"', "\n", '"'])
@example(["a", '"', ",", '"', "a", '"', "\n"])
def test_the_scan_takes_what_the_csv_module_takes(parts):
    text = "".join(parts) + "\n"
    rows = by_csv(text)
    try:
        whole, ends = by_scan(text)
        assert scan_quotes(text.encode(), ",") == (text.encode(), *scan_quotes(text.encode(), ",")[1:])
        assert scan_quotes(text.encode(), ",").inside == (not whole)
    except StrayQuoteError:
        whole, ends = False, []
    assert whole == (rows is not None)
    if whole:
        pieces = text.splitlines(keepends=True)
        cuts = [k + 1 for k, end in enumerate(ends) if end]
        groups = [by_csv("".join(pieces[i:j])) for i, j in zip([0, *cuts], cuts, strict=False)]
        assert [row for group in groups for row in group] == rows


@pytest.mark.parametrize("spaces", [1, 40])
def test_spaces_around_quoted_cells_are_left_out(tmp_path, spaces):
    gap = " " * spaces
    text = f'"area",{gap}"a, b",{gap}"y"{gap}\n1,{gap}"two ""2"", {gap}x"{gap},{gap}3\n{gap}"4",{gap}5"{gap},""\n'
    (tmp_path / "t.csv").write_text(text)
    assert read_table(tmp_path / "t.csv").to_pydict() == {
        "area": ["1", "4"],
        "a, b": [f'two "2", {gap}x', f'{gap}5"{gap}'],
        "y": [f"{gap}3", ""],
    }


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_spaces_are_left_out_beside_every_separator(tmp_path, separator):
    (tmp_path / "t.csv").write_text(f'a{separator} "b"\n1{separator}  "{separator}" \n')
    assert read_table(tmp_path / "t.csv").to_pydict() == {"a": ["1"], "b": [separator]}


STRAY = {
    "inches": ('a,b\n1,2\n"55 inch,3\nx,4\n"55 inch,5\n', "line 3 .* in line 5"),
    "one cell": ('a,b\n"55" inch,3\n', "line 2 of .* text follows the next mark:"),
    "second cell": ('a,b\n1,"2" x\n', "line 2 of"),
    "header": ('"a" x,b\n1,2\n', "line 1 of"),
    "not doubled": ('a,b\n"he said "no" twice",3\n', "line 2 of"),
    "after a space": ('a,b\n1, "2" x\n', "line 2 of"),
    "after line breaks": ('a,b\n\n\n"x\ny"z,3\n', "line 4 .* in line 5"),
    "never closed": ('a,b\n1,2\n"3,4\n5,6\n', "line 3 of .* never closed"),
    "never closed, CR": ('a,b\r1,2\r"3,4\r5,6\r', "line 3 of .* never closed"),
}


@pytest.mark.parametrize("name", STRAY)
def test_text_after_a_closing_mark_is_one_line_with_the_line_of_the_cell(tmp_path, name):
    text, words = STRAY[name]
    (tmp_path / "t.csv").write_bytes(text.encode())
    with pytest.raises(DataError, match=words) as caught:
        read_table(tmp_path / "t.csv")
    assert "\n" not in str(caught.value)


def test_a_stray_mark_far_away_is_named_by_the_line_of_its_cell(tmp_path):
    lines = [b"a,b", *[b"1,2"] * 1_500_000, b'"55 inch,3', *[b"1,2"] * 1_000_000, b'"55 inch,3']
    (tmp_path / "t.csv").write_bytes(b"\n".join(lines))
    with pytest.raises(DataError, match=r"line 1500002 .* in line 2500003"):
        read_table(tmp_path / "t.csv")


def test_marks_in_the_middle_of_a_cell_are_characters(tmp_path):
    (tmp_path / "t.csv").write_text('size,b\n5" pipe,1\na "b" c,2\n7",3\nx"",4\n')
    assert read_table(tmp_path / "t.csv")["size"].to_pylist() == ['5" pipe', 'a "b" c', '7"', 'x""']


def test_rows_that_a_quoted_cell_swallows_are_noted(tmp_path):
    rows = ["item,size,y", "lamp,1,2", '"55 inch,3,4', *["lamp,1,2"] * 50, 'tv 22",5,6', "lamp,1,2"]
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    source = as_source(tmp_path / "t.csv")
    assert source.table().num_rows == 3
    assert [note for note in source.notes if "'item' has a cell of 52 lines, '55 inch,3,4" in note] != []
    (tmp_path / "t.csv").write_text('text,y\n"Dear Sir,\n\nthank you",1\n"a\nb",2\n')
    source = as_source(tmp_path / "t.csv")
    assert source.table().num_rows == 2
    assert source.notes == []


def test_quoted_cells_longer_than_a_block_are_read(tmp_path):
    text = "line of a text, with a comma\n" * 700_000
    (tmp_path / "t.csv").write_text(f'a,b\n1,"{text}"\n' + '"x\ny",2\n' * 3)
    table = read_table(tmp_path / "t.csv")
    assert table["b"].to_pylist() == [text, "2", "2", "2"]


def test_no_other_thread_reads_the_file(tmp_path, monkeypatch):
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * 2_200_000 + "1\n")
    readers, peek = set(), Utf8Stream.peek

    def recorded(stream, size):
        readers.add(threading.get_ident())
        return peek(stream, size)

    monkeypatch.setattr(Utf8Stream, "peek", recorded)
    with pytest.raises(DataError, match="line 2200002"):
        list(as_source(tmp_path / "t.csv").blocks())
    assert readers == {threading.get_ident()}
