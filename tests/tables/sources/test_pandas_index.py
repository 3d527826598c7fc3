"""The index that pandas stores is not a column: in frames, tables and files alike."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.tables.reading import read_table

import chainrule as cr
from chainrule.model import TableSettings, TableTraining
from chainrule.tables.sources import as_source

N = 150
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({"x": RNG.normal(size=N), "y": np.arange(N) / 50 + RNG.normal(size=N)})
SHUFFLED = FRAME.sample(frac=1, random_state=0)
NAMED = SHUFFLED.set_index(pd.Index(SHUFFLED.index, name="day"))
LEVELS = SHUFFLED.set_index(pd.MultiIndex.from_arrays([SHUFFLED.index, SHUFFLED.index], names=["a", None]))


def stored(frame, path):
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        table = pa.Table.from_pandas(frame)
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    return path


@pytest.mark.parametrize("frame", [FRAME, SHUFFLED, NAMED, LEVELS], ids=["range", "shuffled", "named", "levels"])
def test_an_index_is_no_input_in_any_form(frame, tmp_path):
    files = [stored(frame, tmp_path / name) for name in ("t.parquet", "t.arrow", "t.feather")]
    (tmp_path / "parts").mkdir()
    for k in range(2):
        stored(frame[k::2], tmp_path / "parts" / f"{k}.parquet")
    for form in (frame, pa.Table.from_pandas(frame), *files, tmp_path / "parts"):
        assert as_source(form).names == ["x", "y"]
        assert sorted(read_table(form)["y"].to_pylist()) == sorted(frame["y"])
    models = [cr.train_table(form, "y", epochs=1, hidden=(4,), test_every=5) for form in (frame, files[0])]
    assert models[0].encoder.columns == models[1].encoder.columns == ["x"]
    np.testing.assert_array_equal(models[0].network.theta, models[1].network.theta)
    assert models[1].predict({"x": [0.5]}).shape == (1,)


def notes_on(source):
    notes = TableTraining(source, "y", TableSettings(epochs=1, hidden=(4,))).notes
    return [note for note in notes if "the index of a pandas frame" in note]


def test_a_note_names_what_is_left_out(tmp_path):
    assert notes_on(FRAME) == notes_on(SHUFFLED) == notes_on(stored(FRAME, tmp_path / "t.parquet")) == []
    path = stored(NAMED, tmp_path / "t.parquet")
    for form in (NAMED, path, pa.Table.from_pandas(NAMED)):
        assert [note.rpartition(": ")[2] for note in notes_on(form)] == ["'day'"]
    assert notes_on(stored(SHUFFLED, tmp_path / "t.parquet"))[0].endswith(": '__index_level_0__'")
    (tmp_path / "parts").mkdir()
    stored(NAMED, tmp_path / "parts" / "1.parquet")
    assert len(notes_on(tmp_path / "parts")) == 1


@pytest.mark.parametrize(
    "document", [b"{", b"[]", b"null", b'{"index_columns": 3}', b'{"index_columns": [1, {}, "z"]}', b"\xff"]
)
def test_metadata_that_are_damaged_name_no_index(document):
    table = pa.table({"x": [1, 2]}).replace_schema_metadata({"pandas": document})
    assert as_source(table).names == ["x"]


def test_an_index_in_a_csv_is_no_input(tmp_path):
    path = tmp_path / "t.csv"
    SHUFFLED.to_csv(path)
    assert as_source(path).names == ["x", "y"]
    pd.read_csv(path).to_csv(tmp_path / "again.csv", index=False)  # its name is now "Unnamed: 0"
    for form in (path, tmp_path / "again.csv", pd.read_csv(path)):
        assert cr.train_table(form, "y", epochs=1, hidden=(4,)).encoder.columns == ["x"]
