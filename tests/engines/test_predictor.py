"""A predictor answers with the bits of predict, refuses what it refuses, and serves many threads at once."""

import threading

import numpy as np
import pytest

from chainrule.engines import available, why_absent
from chainrule.errors import ChainruleWarning, DataError
from chainrule.network import Network

from .conformance import bits

pytestmark = pytest.mark.skipif(why_absent("native") is not None, reason="the native core is not built")
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


@pytest.mark.parametrize("engine", available())
@dtypes
@pytest.mark.parametrize("sizes", [(784, 30, 10), (30, 64, 2), (1, 1)], ids=str)
def test_a_predictor_has_the_bits_of_predict_and_keeps_its_weights(engine, sizes, dtype):
    net = Network(sizes, "relu", "sigmoid", dtype=dtype)
    X = np.random.default_rng(0).normal(size=(20, sizes[0])).astype(dtype)
    expected, predict = net.predict(X, engine=engine), net.predictor(engine=engine)
    net.theta[...] = 0
    found = [predict(x) for x in X]
    assert bits(np.array(found)) == bits(predict(X)) == bits(expected)
    assert found[0].shape == (sizes[-1],)
    first = found[0].copy()
    predict(X[1])
    assert bits(found[0]) == bits(first)
    assert bits(predict(X[3].tolist())) == bits(expected[3])
    wide = np.repeat(X, 3, axis=1)[:, ::3]
    assert bits(predict(wide[4])) == bits(expected[4])
    other = "float64" if dtype == "float32" else "float32"
    assert bits(predict(X[5].astype(other).astype(dtype).astype(other))) == bits(
        predict(X[5].astype(other).astype(dtype))
    )


@dtypes
@pytest.mark.parametrize("hidden", ["relu", "tanh", "softmax"])
@pytest.mark.parametrize("sizes", [(8, 16, 1), (3, 5, 2), (40, 20, 3), (9, 33, 17, 1), (8, 1), (600, 7, 2)], ids=str)
def test_rows_together_have_the_bits_of_each_alone_however_they_lie(sizes, hidden, dtype):
    net = Network(sizes, hidden, "sigmoid", dtype=dtype, seed=2)
    predict = net.predictor(engine="native")
    X = np.random.default_rng(1).normal(size=(101, sizes[0])).astype(dtype)
    alone = np.array([predict(x) for x in X])
    for rows in (1, 2, 3, 7, 8, 9, 16, 17, 47, 48, 49, 96, 101):
        assert bits(predict(X[:rows])) == bits(alone[:rows])
        assert bits(net.predict(X[:rows], engine="native")) == bits(alone[:rows])
    wide = np.repeat(np.repeat(X, 2, axis=1), 2, axis=0)
    odd = np.frombuffer(b"0" + X.tobytes(), np.uint8)[1:].view(dtype).reshape(X.shape)
    for same in (np.asfortranarray(X), wide[::2, ::2], wide[::2, ::2].T.copy().T, X[::-1].copy()[::-1], odd):
        assert bits(predict(same)) == bits(net.predict(same, engine="native")) == bits(alone)
    narrow = X.astype("float32")
    assert bits(predict(narrow)) == bits(predict(narrow.astype("float64"))) == bits(predict(narrow.tolist()))


@pytest.mark.parametrize("rows", [1, 100, 20_000])
def test_rows_of_two_dimensions_take_the_quick_way_and_leave_it_where_a_value_is_not_finite(rows, monkeypatch):
    net = Network([3, 4, 2])
    predict, X = net.predictor(engine="native"), np.zeros((rows, 3), np.float32)
    expected = net.predict(X)
    with monkeypatch.context() as patched:
        patched.setattr(predict, "_checked", None)
        assert bits(predict(X)) == bits(expected)
        assert bits(predict(X.astype("float64"))) == bits(expected)
    X[-1, 1] = np.nan
    with pytest.raises(DataError, match=rf"X has nan in row {rows - 1}, column 1"):
        predict(X)


@pytest.mark.parametrize("engine", available())
def test_infinite_outputs_are_said_for_a_row_as_for_rows(engine):
    net = Network([2, 1], output="exp", cost="poisson", initializer=([[[1], [2]]], [[0.5]]))
    predict = net.predictor(engine=engine)
    for x in (np.full(2, 1e38, "float32"), np.full((1, 2), 1e38, "float32"), np.full((5000, 2), 1e38)):
        with pytest.warns(ChainruleWarning, match="infinite or NaN, such as of row 0"):
            assert (predict(x) == np.inf).all()


@pytest.mark.parametrize("engine", available())
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_predictor_refuses_what_predict_refuses(engine, value):
    predict = Network([3, 2]).predictor(engine=engine)
    x = np.array([1, value, 2], dtype=np.float32)
    for X in (x, x.astype(np.float64), x[None], np.ones(2, np.float32), np.ones((2, 4)), np.ones((0, 3)), "abc"):
        with pytest.raises(DataError):
            predict(X)
    assert predict(np.ones(3, np.float32)).shape == (2,)


def test_one_predictor_serves_many_threads_at_once():
    net = Network([50, 64, 3], "tanh")
    X = np.random.default_rng(0).normal(size=(200, 50)).astype(np.float32)
    expected, predict, wrong = net.predict(X, engine="native"), net.predictor(engine="native"), []

    def serve(seed):
        for k in np.random.default_rng(seed).permutation(np.tile(np.arange(200), 20)):
            if predict(X[k]).tobytes() != expected[k].tobytes():
                wrong.append(k)

    threads = [threading.Thread(target=serve, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
