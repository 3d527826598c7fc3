"""Predictions from inputs so large that numbers overflow: what exp gives, and a warning; copies of a predictor."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines import available


@pytest.mark.parametrize("engine", available())
@pytest.mark.parametrize("x", [1e38, 3.3e38])
def test_exp_of_what_is_too_large_is_infinite_and_is_said(engine, x):
    net = cr.Network([2, 1], output="exp", cost="poisson", initializer=([[[1], [2]]], [[0.5]]))
    X = [[0.0, 0.0], [x, x], [x, x]]
    for predict in (lambda X: net.predict(X, engine=engine), net.predictor(engine=engine)):
        with pytest.warns(
            cr.ChainruleWarning, match="the outputs of 2 rows are infinite or NaN, such as of row 1: "
        ) as said:
            assert predict(X)[1:].tolist() == [[np.inf], [np.inf]]
        assert len(said) == 1
        assert said[0].filename == __file__
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert np.allclose(predict(X[:1]), np.exp(0.5))
            assert predict([[-x, -x]]) == 0


def test_the_same_for_what_is_nan():
    net = cr.Network([2, 3, 1], "exp", "exp", cost="poisson")
    with pytest.warns(cr.ChainruleWarning, match="the outputs of 1 row are infinite or NaN"):
        assert np.isnan(net.predict([[1e38, 1e38]])).all()


@pytest.mark.parametrize("engine", [*available(), "auto"])
@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda predict: pickle.loads(pickle.dumps(predict))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_predictor_can_be_copied_and_pickled(engine, copied):
    net = cr.Network([3, 5, 2], "tanh", "softmax", "cross_entropy", seed=4)
    predict, X = net.predictor(engine=engine), np.random.default_rng(0).normal(size=(7, 3)).astype("float32")
    expected = net.predict(X, engine=engine)
    predict(X[0])
    other = copied(predict)
    net.theta = 0 * net.theta
    assert other(X).tobytes() == predict(X).tobytes() == expected.tobytes()
    assert other(X[0]).tobytes() == predict(X[0]).tobytes() == expected[0].tobytes()
