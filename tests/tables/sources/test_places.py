"""Some rows of a delimited file: only the blocks that have them are parsed, and only their bytes are read."""

import bz2
import gzip
import random

import numpy as np
import pytest

from chainrule.tables.sources import as_source, delimited, row_blocks
from chainrule.tables.sources.delimited import DelimitedText

SPACES = ["", "", "", " "]


def written(rng, separator, rows, end="\n"):
    """A table as text: quoted cells with line ends, doubled marks and spaces around them, and empty lines."""

    def cell(number):
        kind = rng.randrange(6)
        if kind == 0:
            inner = rng.choice(["a\nb", 'said ""x""', f"p{separator}q", "", "\n\n"])
            return f'{rng.choice(SPACES)}"{inner}{number}"{rng.choice(SPACES)}'
        return f"{number % 9 + 1},{rng.randrange(100, 1000)}" if kind == 1 and separator != "," else str(number)

    lines = [separator.join(["a", '"b\nc"', "d"])]
    if separator != ",":
        lines.append(separator.join(["0,50"] * 3))  # later cells such as 1,234 are decided by it
    for number in range(rows):
        lines += [""] * (rng.random() < 0.1)
        lines.append(separator.join(cell(number) for _ in range(3)))
    return end.join(lines) + rng.choice(["", end])


def all_rows(source):
    """The rows of a source by their numbers, and the blocks' sizes."""
    blocks = list(source.some_blocks())
    rows = {start + k: row for start, block in blocks for k, row in enumerate(block.to_pylist())}
    return rows, [block.num_rows for _, block in blocks]


def some_rows(source, chosen):
    return {
        start + k: row for start, block in source.some_blocks(None, chosen) for k, row in enumerate(block.to_pylist())
    }


def test_names_after_a_megabyte_of_empty_lines_are_no_row(tmp_path):
    """The beginning is read in pieces, one of which ends between a carriage return and its line feed."""
    (tmp_path / "t.csv").write_bytes(b"\n" + b"\r\n" * 600_000 + b"a,b\n1,2\n3,4\n")
    assert all_rows(as_source(tmp_path / "t.csv"))[0] == {0: {"a": "1", "b": "2"}, 1: {"a": "3", "b": "4"}}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("seed", range(3))
def test_some_rows_are_those_of_a_whole_pass(tmp_path, monkeypatch, separator, seed):
    rng = random.Random(seed)
    monkeypatch.setattr(row_blocks, "BLOCK_BYTES", rng.choice([64, 150]))
    text = written(rng, separator, 60, rng.choice(["\n", "\r\n"])).encode()
    files = {"t.csv": text, "mark.csv": b"\xef\xbb\xbf" + text, "t.csv.gz": gzip.compress(text)}
    files |= {"t.csv.bz2": bz2.compress(text), "u.csv": text.decode().encode("utf-16")}
    files["w.csv"] = text + b"\n" * (not text.endswith(b"\n")) + separator.join(["caf\xe9"] * 3).encode("latin-1")
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    for source in [as_source(tmp_path / name) for name in files] + [DelimitedText(text, "the text")]:
        whole, sizes = all_rows(source)
        assert len(sizes) > 3
        for wanted in [{0}, {len(whole) - 1}, set(rng.sample(range(len(whole)), 5)), set(range(20, 40))]:
            chosen = np.isin(np.arange(len(whole)), list(wanted))
            some = some_rows(source, chosen)
            assert wanted <= set(some)
            assert all(some[row] == whole[row] for row in some)
        assert all_rows(source) == (whole, sizes)


class Counted:
    """A file that counts the bytes that are read of it."""

    def __init__(self, opened):
        self._opened, self.read_bytes = opened, 0

    def __enter__(self):
        self._file = self._opened.__enter__()
        return self

    def __exit__(self, *error):
        return self._opened.__exit__(*error)

    def seek(self, place):
        return self._file.seek(place)

    def read(self, size):
        data = self._file.read(size)
        self.read_bytes += len(data)
        return data


@pytest.mark.parametrize(("name", "is_all"), [("t.csv", False), ("t.csv.gz", True)])
def test_only_the_bytes_of_the_blocks_are_read_and_only_these_are_parsed(tmp_path, monkeypatch, name, is_all):
    monkeypatch.setattr(row_blocks, "BLOCK_BYTES", 1000)
    text = written(random.Random(0), ",", 1000).encode()
    (tmp_path / name).write_bytes(gzip.compress(text) if is_all else text)
    source, files, parsed = as_source(tmp_path / name), [], []
    whole, sizes = all_rows(source)
    opened, parse = delimited.open_bytes, delimited.DelimitedSource._parsed
    monkeypatch.setattr(delimited, "open_bytes", lambda path: files.append(Counted(opened(path))) or files[-1])
    monkeypatch.setattr(
        delimited.DelimitedSource, "_parsed", lambda self, block: parsed.append(block) or parse(self, block)
    )
    chosen = np.zeros(len(whole), np.bool_)
    chosen[sizes[0] + 1 : sizes[0] + 3] = True
    some = some_rows(source, chosen)
    assert list(some) == list(range(sizes[0], sizes[0] + sizes[1]))
    assert len(parsed) == 1
    assert files[-1].read_bytes <= (len(text) if is_all else 1100)


def test_a_pass_that_is_left_notes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(row_blocks, "BLOCK_BYTES", 100)
    (tmp_path / "t.csv").write_bytes(written(random.Random(0), ",", 100).encode())
    source = as_source(tmp_path / "t.csv")
    next(iter(source.some_blocks()))
    chosen = np.zeros(200, np.bool_)
    chosen[90] = True
    assert 90 in some_rows(source, chosen)
    assert source.rows is not None
