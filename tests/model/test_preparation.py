"""From a table to arrays: targets are parsed in the first pass, with the bits and errors of reading them again."""

import numpy as np
import pyarrow as pa
import pytest
from tests.tables.cutting import Cut, random_cuts

from chainrule.errors import DataError
from chainrule.model import TableSettings, preparation
from chainrule.model.notes import notes_on
from chainrule.model.preparation import prepare
from chainrule.tables.profile import TargetCells

N = 300
RNG = np.random.default_rng(3)
X = RNG.normal(size=N).tolist()
TARGETS = {
    "words": [f"{'abc'[k % 3]} " for k in range(N)],
    "numbers": [f"{k * 1.5:.2f}" for k in range(N)],
    "floats": [k / 7 - 9 for k in range(N)],
    "decades": [10.0 ** (k / 43) for k in range(N)],
    "integers": [str(k % 4) for k in range(N)],
    "booleans": ["True" if k % 3 else "False" for k in range(N)],
    "flags": [k % 3 == 0 for k in range(N)],
    "halves": [k % 3 / 2 for k in range(N)],
    "gaps": [None if k % 11 == 0 else k % 2 for k in range(N)],
    "codes": pa.array([k % 4 for k in range(N)]).dictionary_encode(),
    "words late": [str(k % 3) for k in range(N - 30)] + ["x", "y", "z"] * 10,
    "large": [2**53 + k % 3 for k in range(N)],
}
REREAD = {"words late", "large"}
WEIGHT = [float(k % 5) for k in range(N)]


def prepared(source, names, **settings):
    """The arrays of a table that is prepared, as bytes, and its encoder and targets."""
    found = prepare(source if isinstance(source, Cut) else Cut(source, []), names, TableSettings(**settings), 0)
    arrays = [array for part in (found.rows, found.held_out or (), found.test or ()) for array in part]
    return [(a.dtype, a.shape, a.tobytes()) for a in arrays if a is not None], repr((found.encoder, found.targets))


def without_cells(monkeypatch):
    """Have every target read again, as if no cell had been kept."""
    monkeypatch.setattr(TargetCells, "finish", lambda self, present: None)


SETTINGS = [{}, {"test_every": 7, "weight": "w"}, {"task": "classification"}]
PRODUCT = [
    pytest.param(settings, name, seed, marks=[pytest.mark.full] if seed != (j + k) % 3 else [])
    for j, settings in enumerate(SETTINGS)
    for k, name in enumerate(TARGETS)
    for seed in range(3)
]


@pytest.mark.parametrize(("settings", "name", "seed"), PRODUCT, ids=str)
def test_kept_cells_give_the_bits_of_reading_the_target_again(monkeypatch, name, settings, seed):
    table = Cut({"x": X, name: TARGETS[name], "w": WEIGHT}, random_cuts(N, seed))
    settings = {"drop": [] if "weight" in settings else ["w"], **settings}
    kept = prepared(table, [name], **settings)
    without_cells(monkeypatch)
    assert prepared(table, [name], **settings) == kept


def test_later_passes_do_not_read_the_targets(monkeypatch):
    reads, whole = [], preparation.chunks_of

    def count(source, names, chosen):
        reads.append(names)
        return whole(source, names, chosen)

    monkeypatch.setattr(preparation, "chunks_of", count)
    for name, cells in TARGETS.items():
        reads.clear()
        prepared(Cut({"x": X, name: cells}, [50, 200]), [name], test_every=7)
        assert [name in columns for columns in reads] == [False, name in REREAD], name
        assert all("x" in columns for columns in reads)


BAD = {  # in the row of a test, which is in no profile
    "a word among numbers": ("numbers", "oops", "holds numbers, but 'oops' came in row 41: fix it"),
    "an infinite number": ("numbers", "1e999", "row 41 of column 'numbers' is 1e999, which is not a finite number"),
}
NEW = {  # what a row of the test has that no row to train on has, and its true value
    "a class": ("words", "new", 0.0),
    "a number of a class": ("integers", "9", 0.0),
    "a word among classes": ("integers", "many", 0.0),
    "a number among booleans": ("booleans", "1", 0.0),
    "a number far away": ("numbers", "1e300", 1e300),
    "no logarithm": ("decades", -1.0, -1.0),
}


@pytest.mark.parametrize("cuts", [[], [3, 40, 41]], ids=str)
@pytest.mark.parametrize("case", BAD)
def test_errors_are_those_of_reading_the_target_again(monkeypatch, case, cuts):
    name, value, message = BAD[case]
    cells = list(TARGETS[name])
    cells[40], cells[8] = value, ""  # a row without a target before it does not shift the number
    cells = [None if cell == "" else cell for cell in cells] if name == "decades" else cells
    table = Cut({"x": X, name: cells}, cuts)
    errors = []
    for _ in range(2):
        with pytest.raises(DataError) as caught:
            prepared(table, [name], test_every=20)
        errors.append(str(caught.value))
        without_cells(monkeypatch)
    assert errors[0] == errors[1]
    assert message in errors[0]


@pytest.mark.parametrize("cuts", [[], [3, 40, 41]], ids=str)
@pytest.mark.parametrize("case", NEW)
def test_true_values_that_training_never_had_are_compared_with(monkeypatch, case, cuts):
    name, value, truth = NEW[case]
    cells = list(TARGETS[name])
    cells[40] = value
    source = Cut({"x": X, name: cells}, cuts)
    for _ in range(2):
        table = prepare(source, [name], TableSettings(test_every=20), 0)
        T = table.test[1]
        assert set(T[2]) == {truth}
        assert len(T) == 15
        said = any(
            "1 row for the test with a class that training does not have" in note for note in notes_on(table, None, [])
        )
        assert said == (truth == 0)
        without_cells(monkeypatch)


def test_a_table_to_validate_with_leaves_out_what_training_never_had(monkeypatch):
    own = {"x": [0.5, 1.0, 2.0], "words": ["a", "new", "b"]}
    plain = prepared(
        {"x": X, "words": TARGETS["words"]}, ["words"], validation=Cut({k: v[::2] for k, v in own.items()}, [])
    )
    assert prepared({"x": X, "words": TARGETS["words"]}, ["words"], validation=Cut(own, [])) == plain
    table = {"x": [1.0, 2.0, 3.0], "decades": [0.0, 5.0, -1.0]}
    found = prepare(
        Cut({"x": X, "decades": TARGETS["decades"]}, []), ["decades"], TableSettings(validation=Cut(table, [1])), 0
    )
    assert len(found.held_out.X) == 1
    assert "2 rows for validation with a target that training does not have, left out" in notes_on(found, None, [])
    with pytest.raises(
        DataError, match=r"^no row of [^\n]* has a target that training has too: give other rows to [^\n]*$"
    ):
        prepare(
            Cut({"x": X, "words": TARGETS["words"]}, []),
            ["words"],
            TableSettings(validation={"x": [1.0], "words": ["z"]}),
            0,
        )


def test_a_table_to_validate_with_may_write_the_targets_in_its_own_way(monkeypatch):
    own = {
        "words": ["a", "b", "c"] * 5,
        "numbers": list(range(15)),
        "integers": [0.0, 1.0, 3.0] * 5,
        "booleans": [True, False, True] * 5,
        "flags": ["false", "true", "true"] * 5,
        "codes": ["0", "1", "2"] * 5,
        "words late": ["1", "x", "2"] * 5,
    }
    for name, cells in own.items():
        table = {"x": X, name: TARGETS[name]}
        kept = prepared(table, [name], validation={"x": X[:15], name: cells})
        with monkeypatch.context() as patch:
            without_cells(patch)
            assert prepared(table, [name], validation={"x": X[:15], name: cells}) == kept
