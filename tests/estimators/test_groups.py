"""fit(groups=): rows of a group stay together wherever an estimator holds rows out."""

import numpy as np
import pandas as pd
import pytest
import sklearn

import chainrule as cr
from chainrule.errors import DataError, SettingError
from chainrule.estimators.row_scores import fold_of

GROUPS = np.repeat(np.arange(30), 4)
LEVEL = np.random.default_rng(1).normal(size=30)[GROUPS]
X = np.eye(30)[GROUPS]  # gives the group, and so y, away
NAMES = np.array([f"g{g}" for g in GROUPS])


def stopped(**more):
    mlp = cr.MLPRegressor(
        hidden_layer_sizes=(), solver="adam", learning_rate_init=0.1, early_stopping=True, validation_fraction=0.25
    )
    mlp.set_params(max_iter=150, n_iter_no_change=150, random_state=0)
    with pytest.warns(Warning, match="max_iter"):
        mlp.fit(X, LEVEL, **more)
    return max(mlp.validation_scores_)


def test_early_stopping_sees_no_row_of_a_group_that_was_trained_on():
    assert stopped() > 0.8
    assert stopped(groups=NAMES) < 0.1


def test_members_leave_out_whole_groups_and_suspicious_rows_are_scored_by_them():
    rows = {"x": X.argmax(1).astype(float), "z": np.random.default_rng(0).normal(size=120)}
    frame = pd.DataFrame(rows)
    mlp = cr.MLPRegressor(preset="tabular", max_iter=3, random_state=0).fit(frame, LEVEL, groups=NAMES)
    numbers = np.unique(NAMES, return_inverse=True)[1]
    fold = fold_of(mlp, mlp._targets.encode(LEVEL), numbers)
    assert len({*zip(GROUPS.tolist(), fold.tolist(), strict=True)}) == 30
    assert mlp.suspicious(frame, LEVEL, groups=NAMES)["method"] == "out-of-fold cost of 8 members"
    assert mlp.suspicious(frame, LEVEL)["method"] == "cost"
    few = cr.MLPRegressor(preset="tabular", max_iter=1, random_state=0).fit(frame, LEVEL, groups=GROUPS % 3)
    assert few._ensemble.count == 3


def test_weights_of_0_and_partial_fit_keep_the_groups_of_the_rows():
    weight = np.arange(120) % 2
    fitted = {"early_stopping": True, "validation_fraction": 0.3, "random_state": 1}
    one = cr.MLPRegressor(hidden_layer_sizes=4, **fitted).partial_fit(X, LEVEL, weight, groups=NAMES)
    odd = weight > 0
    other = cr.MLPRegressor(hidden_layer_sizes=4, **fitted).partial_fit(X[odd], LEVEL[odd], groups=NAMES[odd])
    assert np.array_equal(one.network_.theta, other.network_.theta)


@pytest.mark.parametrize(
    ("groups", "error", "line"),
    [
        (NAMES[:5], DataError, r"groups has shape \(5,\), but there are 120 rows: give one for each"),
        ([None, "a"] * 60, DataError, "groups must be words or numbers of one type"),
        (["a"] * 120, DataError, "all rows to train on are of one group"),
    ],
)
def test_refusals(groups, error, line):
    with pytest.raises(error, match=line):
        cr.MLPRegressor(hidden_layer_sizes=4, early_stopping=True, random_state=0).fit(X, LEVEL, groups=groups)


def test_a_later_call_with_too_few_groups_is_refused():
    frame = pd.DataFrame({"x": LEVEL, "z": LEVEL + 1})
    mlp = cr.MLPRegressor(preset="tabular", warm_start=True, max_iter=1, random_state=0)
    mlp.fit(frame, LEVEL, groups=NAMES)
    with pytest.raises(SettingError, match="8 parts to make of 5 groups"):
        mlp.fit(frame, LEVEL, groups=GROUPS % 5)


def test_groups_are_routed():
    with sklearn.config_context(enable_metadata_routing=True):
        mlp = cr.MLPRegressor().set_fit_request(groups=True)
        assert mlp.get_metadata_routing().fit.requests["groups"] is True
