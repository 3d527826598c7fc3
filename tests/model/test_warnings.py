"""Python is told what the command line is told: rows and columns left out, leaks, a slower engine."""

import warnings
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import ChainruleWarning
from chainrule.engines import available

RNG = np.random.Generator(np.random.PCG64(3))
X = RNG.normal(size=(60, 2))
Y = (X[:, 0] + X[:, 1]).tolist()
TABLE: dict[str, Any] = {"a": X[:, 0].tolist(), "b": X[:, 1].tolist(), "y": Y}
FALL = "engine native has no activation 'custom', so the reference engine computes"


def own(z: Any) -> Any:
    return z / (1 + z * z)


def lines(call: Any) -> list[str]:
    """The lines that a call warns of, each of them at this place."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", ChainruleWarning)
        call()
    assert all(each.filename == __file__ for each in caught)
    return [str(each.message) for each in caught]


def trained(table: Any, **settings: Any) -> tuple[cr.Model, list[str]]:
    found: list[cr.Model] = []
    told = lines(lambda: found.append(cr.train_table(table, "y", **{"epochs": 1, "hidden": 2, **settings})))
    return found[0], told


def test_columns_and_rows_that_are_left_out() -> None:
    model, told = trained(TABLE | {"y": [None, *Y[1:]], "same": [1] * 60})
    assert told == [
        "1 row lacks a target and is left out",
        "left out, because every value is the same: 'same'",
    ]
    assert model.summary["warnings"] == told


def test_a_leak() -> None:
    answers = RNG.integers(2, size=60)
    model, told = trained(TABLE | {"paid": np.array(["no", "paid"])[answers].tolist(), "y": answers.tolist()})
    assert len(told) == 1
    assert told[0].startswith("paid alone predicts y in 100.0% of the rows")
    assert model.summary["warnings"] == told


def test_the_fall_to_another_engine() -> None:
    if "native" not in available():
        pytest.skip("the native engine is not installed here, so there is no fall")
    model, told = trained(TABLE, activation=own)
    assert told == [FALL]
    assert model.summary["warnings"] == told
    net = cr.Network([2, 3, 1], own, output="identity")
    assert lines(lambda: cr.fit(net, X, np.array(Y)[:, None], epochs=1)) == [FALL]
    assert lines(lambda: cr.train(net, X, np.array(Y)[:, None], epochs=1)) == [FALL]
    assert lines(lambda: cr.MLPRegressor(hidden_layer_sizes=2, activation=own, max_iter=1).fit(X, Y)) == [FALL]
    assert not lines(lambda: cr.fit(net, X, np.array(Y)[:, None], epochs=1, engine="reference"))


def test_what_a_user_has_asked_for_is_no_warning() -> None:
    weights = [0.0] + [1.0] * 59
    model, told = trained(TABLE | {"w": weights, "same": [1] * 60}, drop="same", weight="w")
    assert not told
    assert "warnings" not in model.summary


def test_the_warnings_come_back_from_a_file(tmp_path: Any) -> None:
    model, told = trained(TABLE | {"same": [1] * 60})
    cr.save(model, tmp_path / "m")
    assert cr.load(tmp_path / "m").summary["warnings"] == told


def test_they_can_be_silenced_and_raised() -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=ChainruleWarning)
        cr.train_table(TABLE | {"same": [1] * 60}, "y", epochs=1, hidden=2)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", category=ChainruleWarning)
        with pytest.raises(ChainruleWarning, match="'same'"):
            cr.train_table(TABLE | {"same": [1] * 60}, "y", epochs=1, hidden=2)


def test_the_columns_of_an_estimator_are_told_once() -> None:
    table = {"a": TABLE["a"], "b": TABLE["b"], "same": [1] * 60}
    mlp = cr.MLPRegressor(hidden_layer_sizes=3, preset="tabular", max_iter=1, warm_start=True)
    assert lines(lambda: mlp.fit(table, Y)) == ["left out, because every value is the same: 'same'"]
    assert not lines(lambda: mlp.fit(table, Y))


def test_a_leak_in_the_table_of_an_estimator() -> None:
    answers = RNG.integers(2, size=60)
    table = {"a": TABLE["a"], "b": TABLE["b"], "paid": np.array(["no", "paid"])[answers].tolist()}
    told = lines(lambda: cr.MLPClassifier((3,), preset="tabular", max_iter=1).fit(table, answers))
    assert len(told) == 1
    assert told[0].startswith("paid alone predicts y")
