"""The ledger of a model: the rows of a table that have targets, by the names of its columns and classes."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.backprop import Ledger

N = 90
RNG = np.random.Generator(np.random.PCG64(3))
TABLE = {
    "size": [None if k % 13 == 5 else round(v, 3) for k, v in enumerate(RNG.normal(size=N).tolist())],
    "colour": (["red", "blue", "green"] * N)[:N],
    "kind": (["a", "b"] * N)[:N],
    "price": [None if k % 10 == 4 else float(k % 17) for k in range(N)],
}
PRESENT = [k for k in range(N) if k % 10 != 4]


@pytest.fixture(scope="module")
def model():
    return cr.train_table(TABLE, target=["kind", "price"], hidden=(3,), epochs=2, validation=0.0, seed=0)


def encoded(model, rows):
    import pyarrow as pa

    table = pa.table(TABLE).take(rows)
    dtype = model.network.dtype
    return model.encoder.encode(table, dtype), model.targets.encode(table, dtype)


def test_it_has_the_bits_of_the_network_for_the_rows_with_every_target(model):
    ledger = model.backprop(TABLE)
    X, T = encoded(model, PRESENT)
    assert isinstance(ledger, Ledger)
    assert ledger.rows.tolist() == PRESENT
    assert (ledger.gradient == model.network.gradient(X, T)).all()
    assert (ledger.A[-1] == model.network.predict(X)).all()


def test_inputs_are_called_by_column_and_cell_and_outputs_by_class(model):
    ledger = model.backprop(TABLE)
    assert list(ledger.names.outputs) == ["kind=a", "kind=b", "price"]
    assert list(ledger.names.inputs) == model.encoder.feature_names
    for row in (5, 6):
        one = ledger.example(row)
        for i, name in enumerate(model.encoder.feature_names, 1):
            column = name.partition("=")[0].partition(" ")[0]
            cell = "missing" if TABLE[column][row] is None else str(TABLE[column][row])
            assert one.weight(2, i, 1).note == f"a_{i}¹ is {name}; the cell is {cell!r}"
    assert ledger.weight(2, 1, 1).note == f"a_1¹ is {model.encoder.feature_names[0]}"
    assert ledger.example(0).neuron(3, 3).title == "neuron 3 of layer 3: price"
    with pytest.raises(cr.ChainruleError, match="example is 4, but must be a row from 0 to 89 whose weight is not 0"):
        ledger.example(4)


def test_weights_are_those_of_the_rows_of_the_table(model):
    s = np.arange(N) % 3
    ledger = model.backprop(TABLE, s)
    X, T = encoded(model, PRESENT)
    assert ledger.rows.tolist() == [k for k in PRESENT if k % 3]
    assert (ledger.gradient == model.network.gradient(X, T, s[PRESENT])).all()
    assert ledger.example(5).weight(2, 1, 1).note.endswith("'missing'")
    with pytest.raises(cr.ChainruleError, match=r"sample_weight has shape \(3,\), but row 90 is there"):
        model.backprop(TABLE, [1, 2, 3])


def test_what_has_no_cost_is_refused(model):
    with pytest.raises(cr.ChainruleError, match="no row has a value for every target"):
        model.backprop({name: [values[4]] for name, values in TABLE.items()})
    with pytest.raises(cr.ChainruleError, match="'price'"):
        model.backprop({name: values for name, values in TABLE.items() if name != "price"})


def test_too_many_rows_are_refused_before_all_of_them_are_read(model, monkeypatch):
    monkeypatch.setattr("chainrule.backprop.MOST_BYTES", 1000)
    with pytest.raises(cr.ChainruleError, match=r"more than 1: take fewer rows, \d+ at most"):
        model.backprop(TABLE)
