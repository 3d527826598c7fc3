"""Metrics of tables: which suit which targets, which chooses the best epoch, and functions of the user's own."""

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as peer

import chainrule as cr
from chainrule.cli.evaluate import show_scores
from chainrule.errors import SettingError
from chainrule.model.scores import METRICS


def table(n: int = 200) -> dict[str, Any]:
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((2, n))
    words = np.where(x + y + 0.3 * rng.standard_normal(n) > 0.5, "plus", "minus")
    return {"x": x, "y": y, "sign": words, "total": 3 * x + y + 4}


def test_evaluate_agrees_with_scikit_learn() -> None:
    rows = table()
    model = cr.train_table(rows, "sign", drop=("total",), epochs=20)
    found = model.evaluate(rows)["targets"]["sign"]
    true, said = rows["sign"], model.predict(rows)
    chance = model.probabilities(rows)["sign=plus"]
    assert list(found) == ["accuracy", "balanced_accuracy", "f1", "auc", "log_loss", "brier", "ece"]
    assert found["brier"] == pytest.approx(peer.brier_score_loss(true == "plus", chance), rel=1e-6)
    assert found["balanced_accuracy"] == pytest.approx(peer.balanced_accuracy_score(true, said), rel=1e-12)
    assert found["f1"] == pytest.approx(peer.f1_score(true, said, average="macro"), rel=1e-12)
    assert found["auc"] == pytest.approx(peer.roc_auc_score(true == "plus", chance), rel=1e-12)
    model = cr.train_table(rows, "total", drop=("sign",), epochs=5)
    found = model.evaluate(rows)["targets"]["total"]
    assert list(found) == ["rmse", "mae", "median_absolute_error", "r2"]
    expected = peer.median_absolute_error(rows["total"], model.predict(rows))
    assert found["median_absolute_error"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("true", [[7.5], [7.5, 7.5, 7.5]], ids=str)
def test_r2_of_one_true_value_is_left_out(true: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    rows = table()
    model = cr.train_table(rows, ["total", "y"], drop=("sign",), epochs=2)
    n = len(true)
    scores = model.evaluate({"x": [0.5] * n, "total": true, "y": np.arange(float(n))})
    assert np.isnan(scores["targets"]["total"]["r2"])
    assert np.isnan(scores["overall"]["r2"])
    assert np.isnan(scores["targets"]["y"]["r2"]) == (n == 1)
    show_scores(scores)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == ("1 row" if n == 1 else "3 rows")
    assert [line for line in lines if line.startswith(("total: ", "overall: ")) and "r2" in line] == []
    tested = cr.train_table(rows, "total", drop=("sign",), epochs=2, test_every=200).summary["test"]
    assert (tested["rows"], "r2" in tested["targets"]["total"]) == (1, False)


def test_every_metric_is_better_for_better_answers() -> None:
    true = {"classes": np.eye(3)[[0, 1, 2, 0, 1, 2]], "numbers": np.array([1.0, 2.0, 4.0, 8.0])}
    close = {"classes": (true["classes"] + 0.1) / 1.3, "numbers": true["numbers"] + 0.1}
    far = {"classes": close["classes"][::-1], "numbers": true["numbers"][::-1]}
    for parts in (true, close, far):
        parts |= {"ordered": parts["classes"], "labels": parts["classes"]}
    for name, metric in METRICS.items():
        y, near, off = (part[metric.kind] for part in (true, close, far))
        if metric.takes == "classes":
            y, near, off = (part.argmax(axis=1) for part in (y, near, off))
        good, bad = metric.function(y, near), metric.function(y, off)
        assert metric.mode == ("max" if good > bad else "min"), name


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_chooses_the_best_epoch_by_its_own_direction(name: str) -> None:
    target, other = ("total", "sign") if METRICS[name].kind == "numbers" else ("sign", "total")
    kinds = {"ordered": {"sign": "ordered:minus<plus"}, "labels": {"sign": "labels"}}.get(METRICS[name].kind, {})
    settings: dict[str, Any] = {"epochs": 15, "learning_rate": 0.01, "kinds": kinds, "members": 2}
    rows = table()
    rows["total"] += 20  # so that no prediction is below -1, where rmsle ends
    model = cr.train_table(rows, target, drop=(other,), metric=name, **settings)
    history = model.history
    assert history is not None
    values = history.metrics[name]
    assert (history.monitor, history.mode) == (name, METRICS[name].mode)
    assert values[history.best_epoch] == (max if METRICS[name].mode == "max" else min)(values)
    assert model.summary["metric"] == name
    assert model.summary["at_best_epoch"][name] == values[history.best_epoch]


def test_a_function_of_your_own_sees_answers_in_their_own_words() -> None:
    seen: list[set[str]] = []

    def hits(y_true: Any, y_pred: Any) -> float:
        seen.append({*y_true, *y_pred})
        return float(np.mean(y_true == y_pred))

    model = cr.train_table(table(), "sign", drop=("total",), metric=hits, mode="max", epochs=5)
    assert set.union(*seen) == {"plus", "minus"}
    assert model.history is not None
    assert model.history.metrics["hits"] == model.history.metrics["accuracy"]


def test_a_function_of_three_sees_the_probabilities_of_classes_too() -> None:
    shapes: list[Any] = []

    def own_auc(y_true: Any, y_pred: Any, probabilities: Any) -> float:
        shapes.append(probabilities.shape)
        return float(peer.roc_auc_score(y_true == "plus", probabilities[:, 1]))

    rows = table()
    settings = {"drop": ("total",), "epochs": 5, "mode": "max"}
    history = cr.train_table(rows, "sign", metric=[own_auc, "auc"], **settings).history
    assert history is not None
    assert history.metrics["own_auc"] == pytest.approx(history.metrics["auc"], rel=1e-12)
    assert history.monitor == "own_auc"
    assert set(shapes) == {(200, 2)}
    both = cr.train_table(rows, ["sign", "total"], metric=own_auc, mode="max", epochs=2)
    assert both.history is not None
    assert len(both.history.metrics["own_auc"]) == 2
    with pytest.raises(
        SettingError, match="metric own_auc is for classes, but no target has classes: choose from rmse"
    ):
        cr.train_table(rows, "total", metric=own_auc, mode="max", epochs=2)


def test_of_several_metrics_the_first_chooses_and_all_are_recorded() -> None:
    def spread(y_true: Any, y_pred: Any) -> float:
        return float(np.std(y_pred))

    model = cr.train_table(table(), "total", drop=("sign",), metric=("mae", "max_error", spread), epochs=6)
    history = model.history
    assert history is not None
    assert list(history.metrics) == ["r2", "mae", "max_error", "spread"]
    assert (history.monitor, history.mode) == ("mae", "min")
    assert history.best_epoch == int(np.argmin(history.metrics["mae"]))
    assert {"mae", "max_error", "spread"} <= model.summary["at_best_epoch"].keys()
    assert model.summary["metric"] == "mae"
    alone = cr.train_table(table(), "total", drop=("sign",), metric="mae", epochs=6)
    assert np.array_equal(alone.network.theta, model.network.theta)


def test_of_several_targets_the_mean_is_watched() -> None:
    rows = table()
    rows["other"] = np.where(rows["x"] > 0, "left", "right")
    model = cr.train_table(rows, ["sign", "other", "total"], metric="accuracy", epochs=4)
    assert model.history is not None
    found = model.history.metrics
    assert set(found) == {"accuracy sign", "accuracy other", "r2 total", "accuracy"}
    both = np.mean([found["accuracy sign"], found["accuracy other"]], axis=0)
    np.testing.assert_allclose(found["accuracy"], both, rtol=1e-12)


def test_patience_counts_the_metric() -> None:
    model = cr.train_table(table(), "sign", drop=("total",), metric="accuracy", patience=3, epochs=500)
    history = model.history
    assert history is not None
    assert history.stopped == "patience"
    assert history.epochs == history.metrics["accuracy"].index(max(history.metrics["accuracy"])) + 4


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"metric": "acuracy"}, "metric is 'acuracy'"),
        ({"metric": "rmse"}, "is for numbers, but no target has numbers: choose from accuracy"),
        ({"metric": "accuracy", "mode": "min"}, "mode of metric accuracy"),
        ({"metric": max}, "mode of metric max is None"),
        ({"metric": 3}, "metric is 3"),
        ({"metric": []}, "metric is \\[\\]"),
        ({"metric": ["auc", "f1", "auc"]}, r"metrics with names of their own, but \['auc'\] comes twice"),
        ({"metric": ["auc", "rmse"]}, "metric rmse is for numbers, but no target has numbers"),
        ({"metric": [max, "auc"]}, "mode of metric max is None"),
        ({"metric": ["auc", max], "mode": "min"}, "mode of metric auc is 'min'"),
        ({"metric": lambda a, b, c, d: 0.0, "mode": "min"}, "metric takes"),
        ({"metric": "auc", "validation": 0}, "held out, and there are none"),
        ({"mode": "best"}, "mode is 'best'"),
    ],
)
def test_metrics_that_make_no_sense_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        cr.train_table(table(), "sign", drop=("total",), **settings)
