"""Columns that a network is better without: what their cells say about rows, and which rows choose them."""

import numpy as np
import pytest

from chainrule.architecture import Architecture
from chainrule.examples import RowArrays
from chainrule.model.blend import Tried
from chainrule.model.choose_columns import PASSES, REPEATS, Rises, rises_of
from chainrule.model.ensemble import Ensemble
from chainrule.random import Purpose, permutation
from chainrule.tables.inputs import Encoder
from chainrule.tables.sources import as_source

DRAW = np.random.default_rng(0)
TABLE = {"a": DRAW.normal(size=60), "word": np.array(["u", "v", "w"] * 20), "b": DRAW.normal(size=60)}


def tried(encoder: Encoder, places=None, count: int = 2) -> tuple[Tried, RowArrays]:
    """Members that answer w · a for number `a`, with weights w of their own, and the rows: T = a, of four folds."""
    X = encoder.encode(as_source(TABLE).table(), "float64")
    one = Architecture.of([X.shape[1] if places is None else len(places), 1], output="identity")
    ensemble = Ensemble(one, count, np.arange(60) % 4)
    network = ensemble.network("zeros", 0, "float64")
    network.W[0][0] = [1.0, 0.5][:count]
    return Tried(ensemble, network, places, 1.0), RowArrays(X, X[:, :1], None)


def test_the_cost_of_a_row_rises_by_the_cells_of_another_row_of_its_fold() -> None:
    encoder = Encoder.fit(as_source(TABLE).table())
    members, rows = tried(encoder)
    rises = rises_of(members, encoder, rows, seed=3)
    assert rises.columns == ["a", "word", "b"]
    assert (rises.fold == np.repeat([0, 1], 15)).all(), "the rows of the members' folds, in turn"
    expected = []
    for k, w in enumerate([1.0, 0.5]):
        a = rows.T[k::4, 0]
        after = [(w * a[permutation(3, Purpose.PERMUTED, r, 15)] - a) ** 2 / 2 for r in range(REPEATS)]
        expected.append(np.mean(after, axis=0) - (w * a - a) ** 2 / 2)
    assert rises.by_row[0] == pytest.approx(np.concatenate(expected))
    assert not rises.by_row[1:].any(), "what has no weight raises nothing, all inputs of words together"
    assert rises.below(1.0) == ["word", "b"]
    assert rises_of(members, encoder, rows, seed=3, named=["b"]).below(100.0, apart_from=0) == ["a", "word"]


def test_places_among_all_inputs_are_those_of_the_members() -> None:
    encoder = Encoder.fit(as_source(TABLE).table())
    places = np.array([0, encoder.width - 1])
    members, rows = tried(encoder, places)
    some = encoder.without(["word"], "said")
    assert some.columns == ["a", "b"]
    assert some.describe()[1] == ("word", "dropped", "said")
    rises = rises_of(members, some, rows, seed=3)
    whole = rises_of(tried(encoder)[0], encoder, rows, seed=3)
    assert rises.columns == ["a", "b"]
    assert (rises.by_row == whole.by_row[[0, 2]]).all()


def test_many_columns_are_permuted_once_each(monkeypatch) -> None:
    table = {f"x{k}": DRAW.normal(size=60) for k in range(PASSES // 2 + 1)}
    encoder, drawn = Encoder.fit(as_source(table).table()), []
    X = encoder.encode(as_source(table).table(), "float64")
    ensemble = Ensemble(Architecture.of([X.shape[1], 1], output="identity"), 2, np.arange(60) % 4)
    members = Tried(ensemble, ensemble.network("zeros", 0, "float64"), None, 1.0)

    def order(seed, purpose, index, n):
        drawn.append(index)
        return np.arange(n)

    monkeypatch.setattr("chainrule.model.choose_columns.permutation", order)
    rises_of(members, encoder, RowArrays(X, X[:, :1], None), seed=0)
    assert set(drawn) == {0}


def test_a_column_is_left_out_by_the_folds_apart_from_one() -> None:
    """`b` helps the rows of fold 1 alone, so only these keep it."""
    by_row = np.array([[1.0, 1.1, 1.0, 1.1], [-0.1, 0.1, 1.0, 1.1], [0.0, 0.0, 0.0, 0.0]])
    rises = Rises(["a", "b", "c"], by_row, np.array([0, 0, 1, 1]))
    assert rises.below(1.0) == ["c"]
    assert rises.below(2.0) == ["b", "c"]
    assert rises.below(1.0, apart_from=0) == ["c"]
    assert rises.below(1.0, apart_from=1) == ["b", "c"]
