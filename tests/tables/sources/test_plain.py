"""Tables of every type that Arrow has: what a column means, in whatever layout it comes."""

import io
import subprocess
import sys
import uuid

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather, parquet
from tests.tables.reading import column_as_words, read_table

import chainrule as cr
from chainrule.errors import DataError
from chainrule.tables.inputs import Encoder
from chainrule.tables.sources import as_source
from chainrule.tables.sources.base import BLOCK_BYTES
from chainrule.tables.targets import Targets

N = 120


def repeated(cells, kind):
    return pa.array([cells[k % len(cells)] for k in range(N)], kind)


def extension(kind, storage):
    return pa.ExtensionArray.from_storage(kind, storage)


def runs(values):
    return pa.RunEndEncodedArray.from_arrays([40, 80, N], values)


def with_column(column):
    x = np.random.default_rng(0).normal(size=N)
    return pa.table({"x": x, "c": column, "y": 2 * x})


def stored(table, path):
    """The file that holds the table, as its suffix says."""
    if path.suffix == ".parquet":
        parquet.write_table(table, path)
    else:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    return path


def as_input(table):
    return [(kind, detail) for name, kind, detail in Encoder.fit(table, "y").describe() if name == "c"]


WORDS = repeated(["u", "v", None], pa.string())
SLOW_WORDS = pa.array(["u"] * 40 + ["v"] * 40 + [None] * 40)
NUMBERS = pa.array([1] * 40 + [2] * 40 + [None] * 40)
SAME = {
    "string_view": (repeated(["u", "v", None], pa.string_view()), WORDS),
    "large_string": (repeated(["u", "v", None], pa.large_string()), WORDS),
    "run-end encoded": (runs(pa.array(["u", "v", None])), SLOW_WORDS),
    "run-end encoded numbers": (runs(pa.array([1, 2, None])), NUMBERS),
    "run-end encoded views": (runs(pa.array(["u", "v", None], pa.string_view())), SLOW_WORDS),
    "a slice of runs": (
        pa.RunEndEncodedArray.from_arrays([7, 47, 87, 130], pa.array(["w", "u", "v", None]))[7:127],
        SLOW_WORDS,
    ),
    "run-end encoded categories": (
        runs(pa.array(["u", "v", None]).dictionary_encode()),
        SLOW_WORDS.dictionary_encode(),
    ),
    "categories of views": (
        pa.DictionaryArray.from_arrays(repeated([0, 1, None], pa.int32()), pa.array(["u", "v"], pa.string_view())),
        WORDS.dictionary_encode(),
    ),
    "json": (extension(pa.json_(), repeated(["{}", "[]"], pa.string())), repeated(["{}", "[]"], pa.string())),
    "bool8": (
        extension(pa.bool8(), repeated([1, 0, None, 2], pa.int8())),
        repeated([True, False, None, True], pa.bool_()),
    ),
    "uuid": (
        extension(pa.uuid(), repeated([uuid.UUID(int=7).bytes, None, uuid.UUID(int=2**127).bytes], pa.binary(16))),
        repeated([str(uuid.UUID(int=7)), None, str(uuid.UUID(int=2**127))], pa.string()),
    ),
    "decimal32": (repeated(["1.50", "2.00"], pa.string()).cast(pa.decimal32(5, 2)), repeated([1.5, 2.0], pa.float64())),
    "durations near the range of int64": (
        repeated([2**62, -(2**63) + 1, None], pa.duration("ns")),
        repeated([2.0**62 / 86400e9, -(2.0**63) / 86400e9, None], pa.float64()),
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_a_layout_changes_nothing(name, tmp_path):
    column, plain = SAME[name]
    expected = as_input(with_column(plain))
    assert as_input(with_column(column)) == expected
    assert as_input(with_column(pa.chunked_array([column[:50], column[50:50], column[50:]]))) == expected
    assert as_input(stored(with_column(column), tmp_path / "t.arrow")) == expected
    assert as_input({"x": np.arange(N), "c": column, "y": np.arange(N)}) == expected
    for form in (column[3:], pa.chunked_array([column])):
        words = read_table({"c": form})["c"]
        assert column_as_words(words)[0].tolist() == column_as_words(plain)[0].tolist()[-len(form) :]


def test_a_model_takes_text_in_every_layout(tmp_path):
    plain, views = (with_column(SAME["string_view"][k]) for k in (1, 0))
    model = cr.train_table(plain, "y", epochs=2, hidden=(4,), members=1)
    for form in (views, stored(views, tmp_path / "t.arrow")):
        again = cr.train_table(form, "y", epochs=2, hidden=(4,), members=1)
        np.testing.assert_array_equal(again.network.theta, model.network.theta)
        assert model.evaluate(form) == model.evaluate(plain)
        np.testing.assert_array_equal(model.predict(form), model.predict(plain))
    preset = cr.MLPRegressor(preset="tabular", max_iter=2, random_state=0)
    weights = [0.0, 1.0] * (N // 2)
    inputs = [table.select(["x", "c"]) for table in (plain, views)]
    answers = [preset.fit(X, plain["y"].to_numpy(), sample_weight=weights).predict(X) for X in inputs]
    np.testing.assert_array_equal(*answers)


def test_frames_of_polars_are_tables():
    polars = pytest.importorskip("polars", reason="polars is not installed")
    frame = polars.from_arrow(with_column(WORDS)).with_columns(
        e=polars.col("c").cast(polars.Categorical), o=polars.col("c").cast(polars.Enum(["v", "u"]))
    )
    table = read_table(frame)
    assert column_as_words(table["c"])[0].tolist() == column_as_words(WORDS)[0].tolist()
    kinds = {name: (kind, detail) for name, kind, detail in Encoder.fit(frame, "y").describe()}
    assert kinds["c"] == kinds["e"] == ("categories", "2 words: u | v; missing cells flagged")
    assert kinds["o"] == ("ordered", "2 words: v < u; missing cells flagged")


PERIODS = ["D", "W-SUN", "W-THU", "M", "2M", "Q-DEC", "Q-MAR", "Y-DEC", "Y-JUN", "h", "15min", "s", "ms", "us", "ns"]


@pytest.mark.parametrize("freq", PERIODS)
def test_periods_are_what_pandas_writes(freq):
    periods = pd.Series(pd.PeriodIndex.from_ordinals([-40, 0, 1, 361, 1570], freq=freq))
    periods[5] = pd.NaT
    written = io.StringIO()
    pd.DataFrame({"p": periods.astype(object)}).to_csv(written, index=False)
    cells = [cell or None for cell in written.getvalue().replace('""', "").split("\n")[1:-1]]
    short = [cell and cell.rstrip("0").rstrip(".") if "." in cell else cell for cell in map(str, cells)]
    table = read_table(pd.DataFrame({"p": periods}).iloc[1:])
    words = column_as_words(table["p"])[0].tolist()
    assert [None if cell == "None" else cell for cell in short[1:]] == [
        word and (word.rstrip("0").rstrip(".") if "." in word else word) for word in words
    ]


WITHOUT_PANDAS = """
import sys
class Finder:
    def find_spec(name, *rest):
        if name == "pandas":
            raise ImportError(name)
sys.meta_path.insert(0, Finder)
from chainrule.tables.sources import as_source"""


def test_months_are_times_and_classes(tmp_path):
    months = pd.period_range("2000-01", periods=4, freq="M")
    frame = pd.DataFrame({"x": np.arange(N), "c": list(months) * 30, "y": np.arange(N)})
    frame.to_parquet(tmp_path / "t.parquet", index=False)
    for form in (frame, tmp_path / "t.parquet", {"c": list(months) * 30, "y": np.arange(N)}):
        assert as_input(form)[0][1].startswith("year-month around 2000-02")
        assert Targets.fit(form, "c").columns[0].words == ("2000-01", "2000-02", "2000-03", "2000-04")
    code = f"{WITHOUT_PANDAS}; print(as_source({str(tmp_path / 't.parquet')!r}).table()['c'][2].as_py())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "2000-03\n"  # pandas registers the type, if it is there


def test_intervals_are_ordered_words():
    frame = pd.DataFrame({"x": np.arange(8.0)})
    for right in (True, False):
        cut = pd.cut(frame["x"], 2, right=right)
        order = [str(category) for category in cut.cat.categories]
        column = read_table(frame.assign(c=cut).iloc[1:])["c"]
        assert column_as_words(column)[0].tolist() == [str(cell) for cell in cut[1:]]
        assert column.chunk(0).dictionary.to_pylist() == order


def unknown(name, storage):
    """A column of a type that is not registered: its name stands in the metadata."""
    about = {"ARROW:extension:name": name, "ARROW:extension:metadata": ""}
    field = pa.field("c", storage.type, metadata=about)
    return pa.table([storage, pa.array(range(N))], pa.schema([field, pa.field("y", pa.int64())]))


def test_an_unknown_type_is_taken_by_a_storage_that_has_a_meaning_and_refused_by_its_name_else(tmp_path):
    assert as_input(unknown("geo.name", WORDS)) == as_input(with_column(WORDS))
    assert as_input(unknown("google:sqlType:datetime", repeated([0, 9**6], pa.timestamp("s"))))[0][0] == "times"
    money = repeated([1, 2], pa.int64())
    for table in (unknown("my.money", money), stored(unknown("my.money", money), tmp_path / "t.parquet")):
        with pytest.raises(DataError, match=r"column 'c' holds the type 'my\.money', which is not known"):
            as_input(table)
        assert Encoder.fit(with_column(money).append_column("z", money), ["y", "c"]).columns == ["x", "z"]
    for column in (extension(pa.opaque(pa.int32(), "geometry", "postgis"), money.cast("int32")), money):
        table = with_column(column) if column is not money else unknown("arrow.bool8", money)
        with pytest.raises(DataError, match=r"'geometry'|'arrow\.bool8'"):
            as_input(table)


REFUSED = {
    "list": repeated([[1], [2]], pa.list_(pa.int8())),
    "list of views": repeated([["a"], ["b"], None], pa.list_(pa.string_view())),
    "struct": repeated([{"a": 1}], pa.struct({"a": pa.int8()})),
    "map": repeated([[("a", 1)]], pa.map_(pa.string(), pa.int8())),
    "binary": repeated([b"a"], pa.binary()),
    "large_binary": repeated([b"a"], pa.large_binary()),
    "binary_view": repeated([b"a"], pa.binary_view()),
    "fixed_size_binary": repeated([b"a"], pa.binary(1)),
    "month_day_nano_interval": repeated([(1, 2, 3)], pa.month_day_nano_interval()),
    "timestamp": repeated([2**62], pa.timestamp("s")),
    "time64": repeated([10**15], pa.time64("ns")),
    "date32": repeated([2**30], pa.date32()),
    "tensor": extension(pa.fixed_shape_tensor(pa.int8(), [1]), repeated([[1]], pa.list_(pa.int8(), 1))),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_cell_is_refused_by_the_name_of_its_column_unless_it_is_dropped(name):
    table = with_column(REFUSED[name])
    for target in ("y", "c"):
        with pytest.raises(DataError, match="column 'c'") as caught:
            cr.train_table(table, target, epochs=1, test_every=3)
        assert "\n" not in str(caught.value)
    assert cr.train_table(table, "y", epochs=1, drop=["c"], hidden=(2,), test_every=3).encoder.columns == ["x"]


def test_one_number_has_one_word_as_a_decimal_too():
    cells = ["1.50", "2.00", "-0.25", "100", "0.000001"]
    decimals = pa.array(cells).cast(pa.decimal128(20, 8))
    floats = pa.array([float(cell) for cell in cells])
    assert column_as_words(decimals)[0].tolist() == column_as_words(floats)[0].tolist()


# blocks and damage ---------------------------------------------------------------------------------------------------


def long_words(rows):
    words = [f"{k:03}" * 3000 for k in range(50)]
    return pa.array(np.arange(rows) % 50), words


@pytest.mark.parametrize("name", ["t.parquet", "plain.parquet", "t.arrow", "table", "runs"])
def test_blocks_are_bounded_by_the_words_that_a_dictionary_stands_for(name, tmp_path):
    rows = 20_000
    places, words = long_words(rows)
    column = pa.DictionaryArray.from_arrays(places, words)
    if name == "runs":
        column = pa.RunEndEncodedArray.from_arrays(np.arange(400, rows + 1, 400), words)
    table = pa.table({"w": column, "x": np.arange(rows)})
    if name == "plain.parquet":
        parquet.write_table(table, tmp_path / name, store_schema=False, dictionary_pagesize_limit=1 << 24)
    elif name not in ("table", "runs"):
        stored(table, tmp_path / name)
    source = as_source(table if name in ("table", "runs") else tmp_path / name)
    sizes, x = [], []
    for block in source.blocks():
        sizes.append(sum(map(len, column_as_words(block["w"])[0].tolist())))
        x += block["x"].to_pylist()
    assert max(sizes) <= 1.1 * BLOCK_BYTES
    assert sum(sizes) == 9000 * rows
    assert x == list(range(rows))
    categories = name in ("t.parquet", "t.arrow", "table")
    assert pa.types.is_dictionary(block.schema.field("w").type) == categories
    assert source.schema is None or source.schema.field("w").type == block.schema.field("w").type


def read_or_refused(path):
    """The line in which a file is refused; "" if it is read."""
    try:
        for column in read_table(path).columns:
            column_as_words(column)
    except DataError as error:
        return str(error)
    return ""


def test_every_changed_byte_of_an_arrow_file_is_read_or_refused_in_one_line(tmp_path):
    table = with_column(WORDS).append_column("v", repeated(["ab" * 9, None, "c"], pa.string_view()))
    table = table.append_column("d", WORDS.dictionary_encode()).slice(0, 9)
    path, random = tmp_path / "t.arrow", np.random.default_rng(0)
    content = stored(table, path).read_bytes()
    for _ in range(200):
        changed = np.frombuffer(content, np.uint8).copy()
        changed[random.integers(len(changed), size=2)] = random.choice([0, 1, 127, 128, 255], 2)
        path.write_bytes(changed.tobytes())
        assert "\n" not in read_or_refused(path)


def test_text_whose_offsets_leave_its_data_is_refused(tmp_path):
    path = tmp_path / "t.feather"
    feather.write_feather(pa.table({"w": ["aa", "bb", "cc"] * 3}), path, compression="uncompressed")
    content = path.read_bytes()
    offsets = np.arange(0, 20, 2, dtype=np.int32)
    assert content.count(offsets.tobytes()) == 1
    offsets[-1] = 2**30
    path.write_bytes(content.replace(np.arange(0, 20, 2, dtype=np.int32).tobytes(), offsets.tobytes()))
    with pytest.raises(DataError, match=r"column 'w' of '.*t\.feather' is damaged"):
        read_table(path)
