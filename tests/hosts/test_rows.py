"""What each host prepares of a table: its own rows, and the same encoder as one host; hosts are threads here."""

import collections
import gzip
import threading

import numpy as np
import pytest
from tests.hosts.store import on_hosts

import chainrule as cr
from chainrule.examples import LocalRows, as_examples
from chainrule.hosts import ALONE
from chainrule.model import host_rows, preparation
from chainrule.model.preparation import prepare
from chainrule.model.settings import TableSettings
from chainrule.tables.sources import FolderSource, as_source, delimited, row_blocks

pa = pytest.importorskip("pyarrow")

from pyarrow import parquet  # noqa: E402


def rows(n=500):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 3))
    words = rng.choice(["red", "green", "blue"], n)
    dates = [f"2024-{1 + k % 12:02d}-{1 + k % 28:02d}" for k in range(n)]
    money = [f"${k:,}.50" for k in range(1000, 1000 + n)]
    y = np.where(x[:, 0] + (words == "red") > 0.5, "yes", "no")
    columns = {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "word": words, "day": dates, "money": money, "y": y}
    columns["w"] = rng.integers(0, 3, n)
    return columns


@pytest.fixture
def parts(tmp_path):
    columns = rows()
    for k, (start, stop) in enumerate([(0, 90), (90, 100), (100, 500)], start=8):
        part = {name: values[start:stop] for name, values in columns.items()}
        parquet.write_table(pa.table(part), tmp_path / f"part-{k}.parquet", row_group_size=64)
    return tmp_path


@pytest.fixture
def texts(tmp_path_factory):
    """The same rows as CSV: a part in many blocks, with a line end in a quoted cell, and one that is compressed."""
    folder = tmp_path_factory.mktemp("csv")
    columns = rows()
    columns["word"] = [f'"{word}\nat sea"' for word in columns["word"]]
    columns["money"] = [f'"{text}"' for text in columns["money"]]
    for name, packed, start, stop in [("1.csv", bytes, 0, 450), ("2.csv.gz", gzip.compress, 450, 500)]:
        lines = [
            ",".join(map(str, row)) for row in zip(*(values[start:stop] for values in columns.values()), strict=True)
        ]
        (folder / name).write_bytes(packed("\n".join([",".join(columns), *lines]).encode()))
    return folder


def prepared(monkeypatch, source, hosts, **settings):
    """What each of some hosts prepares."""
    links = threading.local()
    monkeypatch.setattr(host_rows, "link_of", lambda hosts: getattr(links, "link", ALONE))

    def run(link):
        links.link = link if hosts > 1 else ALONE
        made = TableSettings(shards=4, hidden=4, batch_size=32, **settings)
        return prepare(as_source(source), ["y"], made, seed=0)

    return on_hosts(hosts, run)


@pytest.mark.parametrize(
    "settings", [{}, {"weight": "w", "class_weight": "balanced", "test_every": 7}, {"validation": 0.0}]
)
@pytest.mark.parametrize(("kind", "hosts"), [("parts", 2), ("parts", 4), ("texts", 2)])
def test_each_host_has_its_rows_of_what_one_host_has(monkeypatch, request, kind, hosts, settings):
    monkeypatch.setattr(row_blocks, "BLOCK_BYTES", 2000)
    source = request.getfixturevalue(kind)
    (whole,) = prepared(monkeypatch, source, 1, **settings)
    every = prepared(monkeypatch, source, hosts, **settings)
    for one in every:
        assert str(one.encoder.transforms) == str(whole.encoder.transforms)
        assert np.array_equal(one.rows.T, whole.rows.T)
        assert (one.rows.weight is None) == (whole.rows.weight is None)
        assert whole.rows.weight is None or np.array_equal(one.rows.weight, whole.rows.weight)
        assert np.array_equal(one.rows.X.local, whole.rows.X[one.rows.X.own])
        assert (one.held_out is None) == (whole.held_out is None)
    assert sum(len(one.rows.X.local) for one in every) == len(whole.rows.X)
    if whole.held_out is not None:
        assert np.array_equal(every[0].held_out.X, whole.held_out.X)
        assert len(every[1].held_out.X.local) == 0
        assert len(every[1].held_out.X) == len(whole.held_out.X)
    if whole.test is not None:
        assert all(np.array_equal(mine, its) for mine, its in zip(every[0].test, whole.test, strict=True))


def test_a_host_opens_only_the_parts_and_row_groups_that_it_needs(monkeypatch, parts):
    read = []
    original = parquet.ParquetFile.iter_batches

    def watched(self, size, row_groups, columns):
        read.append((threading.current_thread(), self.metadata.num_rows, tuple(row_groups), tuple(columns or ())))
        return original(self, size, row_groups=row_groups, columns=columns)

    monkeypatch.setattr(parquet.ParquetFile, "iter_batches", watched)
    prepared(monkeypatch, parts, 4, validation=0.0)
    encodings = [entry for entry in read if len(entry[3]) > 4]  # all inputs together
    of_last_part = [entry[2] for entry in encodings if entry[1] == 400]
    assert len(encodings) < 9
    assert max(len(groups) for groups in of_last_part) <= 3
    assert all((set(entry[3]) <= set(rows(1)) and "y" not in entry[3]) or entry[3] == ("y",) for entry in read)


def test_the_targets_of_a_part_are_read_by_one_host(monkeypatch, texts, parts):
    read, part = collections.defaultdict(list), FolderSource.part

    def watched(self, number, names):
        read[tuple(names)].append(number)
        return part(self, number, names)

    monkeypatch.setattr(FolderSource, "part", watched)
    for k in range(3, 6):
        (texts / f"{k}.csv").write_bytes((texts / "1.csv").read_bytes())
    every = prepared(monkeypatch, texts, 2, validation=0.0, weight="w")
    assert sorted(read.pop(("y", "w"))) == [0, 1, 2, 3, 4]
    assert sum(len(one.rows.X.local) for one in every) == len(every[0].rows.T)
    prepared(monkeypatch, parts, 2, validation=0.0)
    assert not read  # of Parquet each host reads its columns


def test_a_host_encodes_from_the_bytes_of_its_rows(monkeypatch, texts):
    monkeypatch.setattr(row_blocks, "BLOCK_BYTES", 2000)
    read, row_block, encode = collections.defaultdict(int), delimited.row_block, preparation._encoded

    def watched(text, *where):
        read[threading.current_thread()] += len(text)
        return row_block(text, *where)

    def encoded(*some):
        read[threading.current_thread()] = 0
        return encode(*some)

    monkeypatch.setattr(delimited, "row_block", watched)
    monkeypatch.setattr(preparation, "_encoded", encoded)
    size = (texts / "1.csv").stat().st_size
    every = prepared(monkeypatch, texts, 4, validation=0.0)
    assert len(read) == 4
    assert all(0 < count < size / 4 + 2 * 2500 for count in read.values())
    assert sum(len(one.rows.X.local) for one in every) == 500


def test_local_rows_are_examples_like_all_rows():
    X, T, weight = np.arange(24.0).reshape(8, 3), np.arange(8.0)[:, None], np.array([1.0, 2, 1, 1, 3, 1, 1, 2])
    net = cr.Network([3, 1], output="identity")
    whole = as_examples(net.architecture, X, T, weight, net.dtype)
    local = as_examples(net.architecture, LocalRows(X[3:6], 3, 8), T, weight, net.dtype)
    assert (local.total, len(local.rows)) == (whole.total, 8)
    assert np.array_equal(local.weight, whole.weight)
    own_X, own_T, own_weight, places = local.located(np.array([0, 4, 3, 7]))
    assert places.tolist() == [0, 1, 0, 0]
    assert np.array_equal(own_X, X[3:6])
    assert np.array_equal(own_T, T[3:6])
    assert np.array_equal(own_weight, whole.weight[3:6])
    taken = LocalRows(X[3:6], 3, 8).take(np.array([0, 3, 5, 7]))
    assert (taken.first, len(taken), taken.local.tolist()) == (1, 4, X[[3, 5]].tolist())
    with pytest.raises(cr.ChainruleError, match="numbers must be finite"):
        as_examples(net.architecture, LocalRows(np.full((2, 3), np.nan), 0, 8), T, None, net.dtype)


def test_profiles_of_another_kind_are_refused():
    import pickle

    from chainrule.errors import DataError
    from chainrule.tables.profile.sending import unpacked

    for harmful in (print, pickle.loads, np.load):
        with pytest.raises(DataError, match=r"another host sent .*, which is not a profile"):
            unpacked(pickle.dumps([harmful]))
