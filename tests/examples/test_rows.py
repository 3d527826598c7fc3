"""Rows by one protocol: dense rows are used as they are, sparse rows become the same array part by part."""

import numpy as np
import pytest
from scipy import sparse

from chainrule.examples import Examples
from chainrule.examples import sparse as module
from chainrule.examples.rows import DenseRows, rows_of
from chainrule.examples.sparse import SparseRows

X = np.where(np.arange(21).reshape(7, 3) % 4 == 0, np.arange(21.0).reshape(7, 3), 0.0)
T, WEIGHT = np.arange(14.0).reshape(7, 2), np.arange(7.0)


@pytest.fixture(params=["array", "memory map", "sparse"])
def rows(request, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PART", 2 * 3 * 8)
    if request.param == "sparse":
        return SparseRows(sparse.csr_array(X), X.dtype)
    if request.param == "array":
        return DenseRows(X)
    np.save(tmp_path / "x.npy", X)
    return DenseRows(np.load(tmp_path / "x.npy", mmap_mode="r"))


def test_rows_are_those_of_the_array(rows):
    assert (len(rows), rows.shape, rows.dtype) == (7, (7, 3), np.float64)
    order = np.array([5, 0, 3])
    assert rows[order].tolist() == rows_of(rows.take(order))[:].tolist() == X[order].tolist()
    found, places = rows.located(order)
    assert found[places].tolist() == X[order].tolist()
    assert np.concatenate([part for _, part in rows.parts()]).tolist() == X.tolist()
    assert rows.mapped(lambda part: part + 1).tolist() == (X + 1).tolist()
    assert rows.mean(lambda place, part: float((part.sum(axis=1) * WEIGHT[place]).mean())) == pytest.approx(
        (X.sum(axis=1) * WEIGHT).mean(), rel=1e-15
    )


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_dense_examples_go_to_an_engine_as_they_are(weight):
    examples, order = Examples(X, T, weight, np.arange(7), 7.0), np.array([2, 6])
    found = examples.located(order)
    assert all(a is b for a, b in zip(found, (X, T, weight, order), strict=True))
    assert examples.rows_at_once > 2**60
    examples.outputs(lambda X_: _same(X_, X))
    assert examples.cost(lambda X_, T_, weight_: float(X_ is X and np.shares_memory(T_, T))) == 1.0


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_sparse_examples_go_to_an_engine_as_an_array_of_the_rows_that_it_needs(weight, monkeypatch):
    monkeypatch.setattr(module, "PART", 2 * 3 * 8)
    examples = Examples(SparseRows(sparse.csr_array(X), X.dtype), T, weight, np.arange(7), 7.0)
    order = np.array([2, 6])
    X_, T_, weight_, places = examples.located(order)
    assert (X_.tolist(), T_.tolist(), places.tolist()) == (X[order].tolist(), T[order].tolist(), [0, 1])
    assert weight_ is None if weight is None else weight_.tolist() == weight[order].tolist()
    assert examples.rows_at_once == 2


def _same(a, b):
    assert a is b
    return a
