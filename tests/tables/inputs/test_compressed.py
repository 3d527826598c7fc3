"""Encoded rows without the inputs that are 0: the same inputs, and predictions with the same bits."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines import why_absent
from chainrule.errors import DataError
from chainrule.examples import Compressed
from chainrule.model import model as module
from chainrule.tables.inputs import Encoder
from chainrule.tables.sources import as_source

RNG = np.random.default_rng(0)
N = 200
TABLE = {
    "number": np.where(RNG.random(N) < 0.1, np.nan, RNG.normal(size=N)),
    "cities": [f"city {k}" for k in RNG.integers(0, 40, N)],
    "often missing": [None if RNG.random() < 0.8 else "there" for _ in range(N)],
    "grade": RNG.choice(["low", "medium", "high"], N).tolist(),
    "day": [f"2024-{1 + k % 12:02}-{1 + k % 28:02}T{k % 24:02}:30" for k in range(N)],
    "y": RNG.choice(["a", "b"], N).tolist(),
}


def dense(X: Compressed) -> np.ndarray:
    whole = np.zeros(X.shape, X.dtype)
    rows = np.repeat(np.arange(X.shape[0]), np.diff(X.offsets))
    whole[rows, X.places] = X.values
    return whole


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_compressed_rows_are_the_encoded_rows(dtype: str, rows: int) -> None:
    encoder = Encoder.fit(TABLE, "y")
    new = {**TABLE, "cities": [f"city {k % 60}" for k in range(N)]}
    for table in (as_source(TABLE).table(), as_source(new).table()):
        parts = list(encoder.compressed_parts(table, dtype, rows))
        assert (np.concatenate([dense(part) for part in parts]) == encoder.encode(table, dtype)).all()
        for part in parts:
            places = part.places.reshape(part.shape[0], -1)
            assert (np.diff(places, axis=1) > 0).all()
            assert part.values.dtype == dtype


@pytest.mark.skipif(why_absent("native") is not None, reason="the native core is not built")
def test_tables_are_predicted_with_the_same_bits_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    model = cr.train_table(TABLE, target="y", hidden=8, epochs=2, seed=1)
    assert module.SPARSE * len(model.encoder.entries) > model.encoder.width
    before = model.outputs(TABLE)
    monkeypatch.setattr(module, "SPARSE", 0)
    monkeypatch.setattr(module, "ROWS", 33)
    monkeypatch.setattr(Encoder, "encode_parts", None)
    assert model.outputs(TABLE).tolist() == before.tolist()
    with pytest.raises(DataError, match=r"^column 'number' holds numbers, but 'x' came in row 80: "):
        model.outputs({**TABLE, "number": ["x" if k == 79 else "1" for k in range(N)]})


def test_a_wrong_cell_among_many_that_repeat_is_named_by_its_row() -> None:
    cells = ["1", "2", "3", ""] * 2000
    encoder = Encoder.fit({"x": cells, "y": ["a", "b"] * 4000}, "y")
    again = as_source({"x": cells}).table()
    assert (encoder.encode(again)[::4] == encoder.encode(again)[0]).all()
    cells[5003] = "four"
    with pytest.raises(DataError, match=r"^column 'x' holds numbers, but 'four' came in row 5004: "):
        encoder.encode(as_source({"x": cells}).table())
