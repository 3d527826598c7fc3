"""Rows for a frozen network of the core: the bits of a prediction, without a check in Python where none is needed."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines import Frozen, available, choose
from chainrule.errors import DataError

pytestmark = pytest.mark.skipif("native" not in available(), reason="the core is not built here")


@pytest.fixture(params=["float32", "float64"])
def net(request: pytest.FixtureRequest) -> cr.Network:
    return cr.Network([3, 4, 2], dtype=request.param, seed=1)


def frozen(net: cr.Network) -> Frozen:
    return choose("native", net.architecture).freeze(net.architecture, net.theta)


@pytest.mark.parametrize("row", [np.array([0.1, -2.0, 3.4028235677973362e38]), np.array([3.0, 0.1, 7.0])[::-1]])
def test_a_row_in_float64_has_the_bits_of_a_prediction(net: cr.Network, row: np.ndarray) -> None:
    answer = frozen(net).quick(row)
    assert answer.dtype == net.dtype
    assert answer.tobytes() == net.predict(row[None])[0].tobytes()


@pytest.mark.parametrize("value", [np.nan, -np.inf, 1e300, -3.4028235677973366e38])
def test_a_row_beyond_float32_is_not_answered(value: float) -> None:
    net = cr.Network([3, 4, 2], dtype="float32")
    assert frozen(net).quick(np.array([value, 0.0, 0.0])) is None
    with pytest.raises(DataError, match="must be finite in float32"):
        net.predictor()(np.array([value, 0.0, 0.0]))


@pytest.mark.parametrize(
    "row",
    [
        *([1.0, 2.0, 3.0], np.array([1, 2, 3]), np.zeros(3, ">f8"), np.zeros(4)),
        *(np.zeros((1, 3, 1)), np.zeros((1, 4)), np.zeros((0, 3)), np.ma.zeros((1, 3))),
    ],
)
def test_other_rows_are_left_to_the_general_way(net: cr.Network, row: object) -> None:
    assert frozen(net).quick(row) is None
