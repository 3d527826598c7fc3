"""What is computed on the validation set, and which value is monitored."""

import numpy as np
import pytest
from tests.training.common import HELD, events, mae, net

from chainrule.errors import SettingError
from chainrule.training import Monitor


@pytest.mark.parametrize("name", ["cost", "training"])
def test_a_metric_cannot_have_the_name_of_a_cost(name):
    with pytest.raises(SettingError, match=f"metrics is '{name}', but must be named otherwise"):
        events(net(), validation=HELD, metrics={name: mae})


@pytest.mark.parametrize(
    ("name", "mode", "expected"),
    [("cost", None, "min"), ("training", "min", "min"), ("m", None, "max"), ("m", "min", "min")],
)
def test_greater_is_better_for_a_metric_and_lower_for_a_cost_unless_mode_says_otherwise(name, mode, expected):
    assert Monitor({"m": mae}, name, mode).mode == expected


def test_scores_are_the_metrics_by_name_as_python_numbers():
    A, T = np.array([[1.0], [3.0]], dtype="float32"), np.zeros((2, 1), dtype="float32")
    scores = Monitor({"mae": mae, "rows": lambda A, T: len(A)}).scores(A, T)
    assert scores == {"mae": 2.0, "rows": 2.0}
    assert {type(value) for value in scores.values()} == {float}
