"""JSON lines and arrays of objects: the cells that a CSV would have, types, gaps, and every fault in one line."""

import gzip
import io
import json
import os

import pytest
from tests.tables.reading import read_table

from chainrule.errors import DataError
from chainrule.tables.sources import as_source, json_lines, once
from chainrule.tables.sources.json_lines import JsonLinesStream, begins_json

ROWS = [
    {"n": 1, "w": "a", "day": "2021-01-05", "b": True, "t": ["x", "y"]},
    {"n": 2.5, "w": None, "b": False, "in": {"k": 7, "deep": {"z": "q"}}, "t": []},
    {"w": "c", "n": None, "late": "here"},
]
COLUMNS = {
    "n": [1.0, 2.5, None],
    "w": ["a", None, "c"],
    "day": ["2021-01-05", None, None],
    "b": [True, False, None],
    "t": ["x;y", "", None],
    "in.k": [None, 7, None],
    "in.deep.z": [None, "q", None],
    "late": [None, None, "here"],
}


def written(path, rows, between="\n"):
    path.write_text(between.join(map(json.dumps, rows)) + between, encoding="utf-8")
    return path


def refusal(path):
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["t.jsonl", "t.ndjson", "t.json"])
def test_objects_are_rows_and_fields_are_columns(tmp_path, name):
    source = as_source(written(tmp_path / name, ROWS))
    assert sorted(source.names) == sorted(COLUMNS)
    assert source.table().to_pydict() == {name: COLUMNS[name] for name in source.names}
    assert source.typed


def test_an_array_of_objects_is_the_same(tmp_path):
    (tmp_path / "t.json").write_text(json.dumps(ROWS, indent=1))
    assert read_table(tmp_path / "t.json").to_pydict() == read_table(written(tmp_path / "t.jsonl", ROWS)).to_pydict()


def test_a_byte_order_mark_blank_lines_crlf_and_packing(tmp_path):
    text = "\ufeff" + "\r\n\r\n".join(map(json.dumps, ROWS))
    (tmp_path / "t.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    assert read_table(tmp_path / "t.jsonl.gz").to_pydict()["n"] == COLUMNS["n"]


@pytest.mark.parametrize("size", [1, 7, 64])
def test_blocks_do_not_matter(tmp_path, monkeypatch, size):
    rows = [{"a": k if k % 3 else k / 2, "w": "x" * (k % 5), **({"z": k} if k > 20 else {})} for k in range(40)]
    path = written(tmp_path / "t.jsonl", rows)
    whole = read_table(path)
    monkeypatch.setattr(json_lines, "BLOCK_BYTES", size)
    monkeypatch.setattr(json_lines, "_HEAD", 1)
    source = as_source(path)
    blocks = list(source.blocks())
    assert len(blocks) > 10
    assert source.table().to_pydict() == whole.to_pydict()
    assert {block.schema for block in blocks} == {whole.schema}


@pytest.mark.parametrize("size", [8, 1 << 20])
def test_several_types_are_texts_as_in_a_csv(tmp_path, monkeypatch, size):
    monkeypatch.setattr(json_lines, "BLOCK_BYTES", size)
    path = written(tmp_path / "t.jsonl", [{"zip": 10001}, {"zip": "K1A 0B1"}, {"zip": None}, {"zip": 2.0}])
    assert read_table(path).to_pydict()["zip"][:3] == ["10001", "K1A 0B1", None]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1}\n{"a": \n', "line 2 of"),
        ('{"a": 1}\n\n5\n', "line 3 of"),
        ('{"a": [{"b": 1}]}', "'a'"),
        ('{"a": ' * 100_000, "nested too deeply"),
        ('{"a": 1} trailing', "line 1 of"),
        ("", "no object"),
        ("{}\n{}\n", "no object"),
        ("[1, 2]", "item 1 of"),
        ('[{"a": 1}', "not an array of JSON"),
        ("\0\0\0", "line 1 of"),
        ('{"": 1}', "has a name"),
    ],
)
def test_every_fault_is_one_line(tmp_path, text, words):
    (tmp_path / "t.json").write_text(text)
    assert words in refusal(tmp_path / "t.json")


def test_what_would_take_too_much_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(json_lines, "LONGEST_ROW", 1000)
    monkeypatch.setattr(json_lines, "BLOCK_BYTES", 64)
    (tmp_path / "t.jsonl").write_text('{"a": 1}\n{"a": "' + "x" * 2000)
    assert "line 2 of" in refusal(tmp_path / "t.jsonl")
    monkeypatch.setattr(json_lines, "MOST_COLUMNS", 10)
    written(tmp_path / "t.jsonl", [{f"c{k}": 1} for k in range(20)])
    assert "more than 10 fields" in refusal(tmp_path / "t.jsonl")


def test_lines_of_a_stream_come_once(monkeypatch):
    monkeypatch.setattr(json_lines, "BLOCK_BYTES", 16)
    stream = JsonLinesStream(io.BytesIO(b'{"a": 1}\n{"a": 2}\n{"a": "x", "more": 1}\n'), "standard input")
    assert [block.to_pydict() for block in stream.blocks()][-1] == {"a": ["x"]}
    with pytest.raises(DataError, match="comes once"):
        list(stream.blocks())


@pytest.mark.parametrize(
    ("text", "kind"),
    [(b'{"a": 1}\n', "JsonLinesStream"), (b' { "a":1}', "JsonLinesStream"), (b"{a},b\n1,2\n", "DelimitedStream")],
)
def test_a_pipe_is_json_or_csv_by_its_beginning(text, kind):
    read, write = os.pipe()
    os.write(write, text)
    os.close(write)
    try:
        source = once.open_stream(once.Path(f"/dev/fd/{read}"))
        assert type(source).__name__ == kind
        assert source.table().num_rows == 1
    finally:
        os.close(read)


def test_what_begins_json():
    assert begins_json(b'\xef\xbb\xbf\n {  "a": 1}')
    assert not any(map(begins_json, [b"", b"{", b"{1}", b"[{}]", b"a,b"]))


def test_a_folder_of_parts_takes_the_wider_type(tmp_path):
    (tmp_path / "parts").mkdir()
    written(tmp_path / "parts" / "1.jsonl", [{"a": 1}])
    written(tmp_path / "parts" / "2.jsonl", [{"a": 2.5}])
    assert read_table(tmp_path / "parts").to_pydict() == {"a": [1.0, 2.5]}
