"""The profile of a column: the same however the rows are cut into blocks, whole columns before any decision."""

import functools

import numpy as np
import pyarrow as pa
import pytest
from tests.tables.cutting import Cut, random_cuts, seeds

from chainrule.errors import DataError
from chainrule.tables import columns
from chainrule.tables.chunks import chunks_of
from chainrule.tables.inputs import Encoder
from chainrule.tables.profile import ColumnProfile, TargetProfile, profile_columns, word_counts
from chainrule.tables.profile import column as column_module
from chainrule.tables.profile.moments import BLOCK, Running
from chainrule.tables.profile.word_counts import Counts
from chainrule.tables.targets import Targets

ROWS = 2 * BLOCK + 1234


@functools.cache
def mixed():
    rng = np.random.default_rng(5)
    numbers = rng.lognormal(size=ROWS)
    text = [None if gap else f"{v:.3f}" for v, gap in zip(rng.normal(size=ROWS), rng.random(ROWS) < 0.1, strict=True)]
    late = ["1", "2", "3"] * (ROWS // 3 + 1)
    late = late[:ROWS]
    late[ROWS - 900 :] = ["x", "y"] * 450  # words that come only at the end
    return {
        "numbers": np.where(rng.random(ROWS) < 0.1, np.nan, numbers),
        "text": text,
        "late": ["b" if k > ROWS // 3 else v for k, v in enumerate(late)],
        "words": rng.choice([*"abcdefgh", ""], ROWS).tolist(),
        "names": [f"n{k}" for k in range(ROWS)],
        "truth": rng.choice(["True", "False"], ROWS).tolist(),
        "whole": rng.integers(0, 5, ROWS),
        "big": pa.array([2**53 + k % 3 for k in range(ROWS)]),
        "codes": pa.array(rng.integers(0, 4, ROWS)).dictionary_encode(),
    }


CHOSEN = np.random.default_rng(0).random(ROWS) < 0.8
NAMES = ["words", "truth", "whole", "numbers", "big", "codes", "late"]


def fitted(source):
    """Encoders of all and of the chosen rows, and targets, with and without a task."""
    encoders = [Encoder.fit(source, "big", choice) for choice in (None, CHOSEN)]
    return *encoders, Targets.fit(source, NAMES), Targets.fit(source, ["big"], "classification")


@functools.cache
def fitted_to_the_whole():
    return fitted(Cut(mixed(), []))


@pytest.mark.parametrize("seed", seeds(3, 6))
def test_encoder_and_targets_are_the_same_bits_however_the_rows_are_cut(seed):
    found = fitted(Cut(mixed(), random_cuts(ROWS, seed)))
    assert found == fitted_to_the_whole()
    assert [c.kind for c in found[2].columns] == ["classes"] * 3 + ["numbers"] + ["classes"] * 3
    assert found[3].columns[0].type == "text"


def test_a_fit_is_that_of_the_chosen_rows_alone():
    table = mixed()
    chosen = np.random.default_rng(0).random(ROWS) < 0.7
    alone = Cut(Cut(table, [])._table.filter(pa.array(chosen)), [99])
    assert Encoder.fit(Cut(table, [4000, 4001]), chosen=chosen) == Encoder.fit(alone)


def test_one_pass_is_enough_unless_a_columns_first_word_comes_late():
    table = {"a": ["1", "2"] * 50, "b": ["x", "y"] * 50, "c": [""] * 60 + ["u", "v"] * 20}
    source = Cut(table, [30, 60])
    Encoder.fit(source)
    assert source.passes == 1
    source = Cut({**table, "d": ["1", "2"] * 40 + ["p"] * 20}, [30, 60])
    assert Encoder.fit(source, exclude=["a", "b", "c"]).feature_names == ["d=1", "d=2", "d=p"]
    assert source.passes == 2


@pytest.mark.parametrize("cuts", [[], [1], [3], [50], [1, 2, 3, 50, 98]])
def test_truth_values_among_numbers_make_a_column_of_words_wherever_they_come(cuts):
    cells = ["true"] * 3 + ["1", "2"] * 46 + ["false"] * 5
    profile = ColumnProfile("a")
    profile_columns(lambda: chunks_of(Cut({"a": cells}, cuts), ["a"]), [profile])
    assert not profile.numeric
    assert profile.first_word == (0, "true")
    assert dict(profile.counts.words()) == {"true": 3, "1": 46, "2": 46, "false": 5}


@pytest.mark.parametrize("cuts", [[], [1, 2, 3], [40]])
def test_errors_name_the_row_of_the_whole_table(cuts):
    numbers = [str(k) for k in range(50)]
    with pytest.raises(DataError, match="'oops' came in row 42"):
        Encoder.fit(Cut({"a": [*numbers[:41], "oops", *numbers[42:]]}, cuts))
    with pytest.raises(DataError, match="row 42 of column 'a' is inf"):
        Encoder.fit(Cut({"a": [*numbers[:41], "inf", *numbers[42:]]}, cuts))
    with pytest.raises(DataError, match="'oops' came in row 42"):
        Targets.fit(Cut({"a": [*numbers[:41], "oops", *numbers[42:]]}, cuts), "a", "regression")


def test_an_infinite_cell_among_words_is_a_word():
    assert Encoder.fit(Cut({"a": ["inf"] * 5 + ["x"] * 5}, [5])).feature_names == ["a=inf", "a=x"]


@pytest.mark.parametrize("seed", range(4))
def test_running_moments_are_those_of_all_rows_at_once(seed):
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(ROWS) < 0.2, np.nan, rng.standard_cauchy(ROWS))
    running = Running()
    for part in np.split(values, random_cuts(ROWS, seed)):
        running.add(part)
    whole = Running()
    whole.add(values)
    assert running.standard() == whole.standard()


def test_counts_are_merged_and_bounded(monkeypatch):
    monkeypatch.setattr(word_counts, "_AT_ONCE", 3)
    words = pa.array([f"w{k % 11}" for k in range(200)] + ["7", None, "w1"], pa.large_string())
    for most, many in ((13, False), (12, False), (11, True)):
        monkeypatch.setattr(word_counts, "MOST_DISTINCT", most)
        for size in (1, 2, 50, 300):
            counts = Counts()
            for start in range(0, len(words), size):
                counts.add(words.slice(start, size))
            assert counts.too_many == many
            assert counts.numeric == 1
            assert counts.distinct() == (0 if many else 12)
            assert counts.words(19)[:2] == ([] if many else [("w1", 20), ("w0", 19)])


def test_columns_of_too_many_words_are_left_out_and_no_target(monkeypatch):
    monkeypatch.setattr(word_counts, "MOST_TEXT", 100)
    table = {"id": [f"name{k % 40}" for k in range(400)], "x": [0.5, 1.5] * 200}
    encoder = Encoder.fit(Cut(table, [7, 300]))
    assert encoder.describe()[0][1:] == ("dropped", "it holds more than 1,048,576 different words, or 128 MiB of them")
    with pytest.raises(DataError, match="different words in 400 rows"):
        Targets.fit(Cut(table, [7]), "id", "classification")


def test_numbers_too_many_for_classes_are_refused(monkeypatch):
    monkeypatch.setattr(column_module, "MOST_DISTINCT", 30)
    source = Cut({"y": [0.5 * k for k in range(40)]}, [9])
    assert Targets.fit(source, "y").columns[0].kind == "numbers"
    with pytest.raises(DataError, match="different numbers, too many for classes"):
        Targets.fit(source, "y", "classification")


def test_categories_of_numbers_keep_their_numbers_as_targets():
    profile = TargetProfile("a")
    profile_columns(lambda: chunks_of(Cut({"a": pa.array([3, 1, 3]).dictionary_encode()}, [1]), ["a"]), [profile])
    assert profile.categorical
    assert profile.values.tolist() == [1, 3]


def test_many_columns_of_few_rows_are_read_together_with_the_same_bits(monkeypatch):
    rng = np.random.default_rng(3)
    table = {f"c{k}": [repr(float(v)) for v in rng.normal(size=20)] for k in range(80)}
    table |= {"w": ["x", "y"] * 10, "t": ["true", "false"] * 10, "i": ["1", "2", "?", " 3 "] * 5, "m": [""] * 20}
    together = Encoder.fit(Cut(table, [7]))
    X = together.encode(Cut(table, [])._table)
    monkeypatch.setattr(columns, "_FEW_ROWS", 0)
    alone = Encoder.fit(Cut(table, [7]))
    assert together == alone
    assert X.tobytes() == alone.encode(Cut(table, [])._table).tobytes()
    monkeypatch.undo()
    for bad in ("inf", "1e999", "oops"):
        table["c5"][11] = bad
        with pytest.raises(DataError, match="row 12"):
            Encoder.fit(Cut(table, [7]))
        with pytest.raises(DataError, match="row 12"):
            together.encode(Cut(table, [])._table)
