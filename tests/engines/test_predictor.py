"""A predictor answers with the bits of predict, refuses what it refuses, and serves many threads at once."""

import threading

import numpy as np
import pytest

from chainrule.engines import available, why_absent
from chainrule.errors import DataError
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
