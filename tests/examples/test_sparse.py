"""Sparse inputs: the bits of the array that they stand for, a part at a time, whatever the parts are."""

import numpy as np
import pytest
from scipy import sparse

from chainrule.engines import available
from chainrule.errors import DataError
from chainrule.examples import sparse as module
from chainrule.examples.sparse import SparseRows
from chainrule.network import Network
from chainrule.optimizers import LBFGS, Adam, RProp
from chainrule.training import fit, train
from chainrule.training.events import EpochEnd

RNG = np.random.default_rng(8)
X = np.where(RNG.uniform(size=(53, 7)) < 0.3, RNG.normal(size=(53, 7)), 0.0)
T = RNG.uniform(size=(53, 2))
WEIGHT = RNG.integers(0, 3, size=53).astype(float)
FORMATS = [sparse.csr_matrix, sparse.csc_array, sparse.coo_array, sparse.csr_array]


@pytest.fixture(params=[1, 4 * 7 * 8, 2**25], ids=["a row", "four rows", "all"])
def _parts(request, monkeypatch):
    """So many bytes at once."""
    monkeypatch.setattr(module, "PART", request.param)


def net():
    return Network([7, 5, 2], "tanh", dtype="float64", seed=2)


@pytest.mark.usefixtures("_parts")
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weighted"])
@pytest.mark.parametrize("optimizer", [Adam(0.05), RProp(0.01), LBFGS()], ids=lambda rule: rule.name)
def test_training_has_the_bits_of_the_array(optimizer, weight):
    dense, rows = net(), net()
    settings = {"optimizer": optimizer, "epochs": 4, "sample_weight": weight, "alpha": 0.1}
    settings["batch_size"] = "auto" if optimizer.full_batch else 6
    a, b = fit(dense, X, T, **settings), fit(rows, sparse.csr_matrix(X), T, **settings)
    assert rows.theta.tolist() == dense.theta.tolist()
    assert a.cost == b.cost


@pytest.mark.usefixtures("_parts")
def test_a_sparse_validation_set_is_the_array():
    dense, rows = net(), net()
    settings = {"epochs": 5, "metrics": {"mae": lambda A, T: abs(A - T).mean()}, "batch_size": 8}
    a = fit(dense, X, T, validation=(X[:20], T[:20], WEIGHT[:20]), **settings)
    b = fit(rows, X, T, validation=(sparse.csr_array(X[:20]), T[:20], WEIGHT[:20]), **settings)
    np.testing.assert_allclose(b.validation, a.validation, rtol=1e-14)
    np.testing.assert_allclose(b.metrics["mae"], a.metrics["mae"], rtol=1e-14)
    assert rows.theta.tolist() == dense.theta.tolist()


@pytest.mark.usefixtures("_parts")
@pytest.mark.parametrize("kind", FORMATS)
def test_predictions_and_costs_are_those_of_the_array(kind):
    network, rows = net(), kind(X)
    assert network.predict(rows).tolist() == network.predict(X).tolist()
    assert network.cost(rows, T) == network.cost(X, T)
    assert network.gradient(rows, T).tolist() == network.gradient(X, T).tolist()


@pytest.fixture
def asked(monkeypatch):
    """The numbers of rows that become an array together, of which at most 13 may, in the order of the calls."""
    monkeypatch.setattr(module, "PART", 12 * 7 * 8)
    monkeypatch.setattr("chainrule.training.probe.LEAST", 4)
    monkeypatch.setattr("chainrule.training.probe.ROWS", 4)
    asked: list[int] = []
    whole = SparseRows.__getitem__

    def seen(self, rows):
        found = whole(self, rows)
        asked.append(len(found))
        return found

    monkeypatch.setattr(SparseRows, "__getitem__", seen)
    return asked


@pytest.mark.parametrize("engine", available())
@pytest.mark.parametrize("optimizer", [RProp(0.01), LBFGS()], ids=lambda rule: rule.name)
def test_updates_from_all_rows_read_the_entries_or_make_one_array(asked, engine, optimizer):
    training = train(net(), sparse.csr_array(X), T, optimizer=optimizer, epochs=4, engine=engine)
    assert isinstance(training.problem.examples.X, SparseRows)
    assert len(list(training)) > 4
    assert asked.count(53) == (engine != "native")


def test_an_array_that_does_not_fit_is_refused_in_one_line():
    rows = sparse.csr_array((np.ones(1), np.array([7]), np.array([0, 1] + [1] * 99_999)), shape=(100_000, 2**31 - 1))
    with pytest.raises(DataError, match=r"X of 100,000 x 2,147,483,647 .* 1,600,000.0 GiB"):
        SparseRows(rows, np.dtype("float64")).together()


@pytest.mark.parametrize("engine", available())
def test_only_a_part_is_dense_at_a_time(asked, engine):
    network, rows = net(), sparse.csr_array(X)
    for event in train(network, rows, T, batch_size=5, epochs=3, validation=(rows, T), engine=engine):
        if isinstance(event, EpochEnd):
            network.predict(rows, engine=engine)
    assert max(asked) <= 53 // 4
    assert (sum(asked) > 3 * 53) == (engine == "reference")  # the native engine reads the entries


def test_a_sparse_and_a_dense_table_are_the_same_data_to_a_checkpoint(tmp_path):
    path = tmp_path / "run.checkpoint"
    fit(net(), sparse.csr_matrix(X), T, epochs=2, checkpoint=path)
    from chainrule.training import Checkpoint

    resumed, straight = net(), net()
    fit(resumed, X, T, epochs=5, checkpoint=Checkpoint(path, resume=True))
    fit(straight, X, T, epochs=5)
    assert resumed.theta.tolist() == straight.theta.tolist()


def test_float32_and_whole_numbers_are_taken():
    network = Network([7, 2], seed=0)
    for rows in (X.astype(np.float32), (X > 0).astype(int), X > 0):
        assert network.predict(sparse.csr_array(rows)).tolist() == network.predict(rows.astype(np.float32)).tolist()


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_numbers_that_are_not_finite_are_refused_in_one_line(value):
    wrong = X.copy()
    wrong[3, 2] = value
    with pytest.raises(
        DataError, match=r"^X has NaN or infinity among its entries: numbers must be finite in float32$"
    ):
        Network([7, 2]).predict(sparse.csr_array(wrong))
    with pytest.raises(DataError, match=r"^X has shape \(53, 7\), but the network takes \(rows, 3\)[^\n]*$"):
        fit(Network([3, 2]), sparse.csr_array(X), T)
