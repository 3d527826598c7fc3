"""Thresholds and temperatures: chosen as loops choose them, on answers out of fold alone, and kept in a model."""

import json
import math

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ChainruleWarning, SettingError
from chainrule.model.metrics import log_loss
from chainrule.model.temperature import cooled, temperature_of
from chainrule.model.threshold import Rule, choose

DRAW = np.random.default_rng(0)
P = DRAW.random(60).astype(np.float32).round(2)
YES = DRAW.random(60) < P
WEIGHT = DRAW.uniform(0.5, 2, 60)


def at(least, weight):
    """Precision, recall, rate and the numbers of mistakes at a threshold, by loops."""
    over = [p >= np.float32(least) for p in P]
    hits = sum(w for o, y, w in zip(over, YES, weight, strict=True) if o and y)
    said, total = (sum(w for o, w in zip(part, weight, strict=True) if o) for part in (over, YES))
    return hits / said if said else math.nan, hits / total, said / sum(weight), total - hits, said - hits, said + total


SCORES = {
    "f1": lambda precision, recall, rate, missed, alarms, both: 2 * (both - missed - alarms) / 2 / both,
    "cost=5:1": lambda precision, recall, rate, missed, alarms, both: -(5 * missed + alarms),
    "cost=1:20": lambda precision, recall, rate, missed, alarms, both: -(missed + 20 * alarms),
    "precision=0.8": lambda precision, recall, rate, *_: recall if precision >= 0.8 else -1,
    "recall=0.9": lambda precision, recall, rate, *_: precision if recall >= 0.9 else -1,
    "rate=0.25": lambda precision, recall, rate, *_: rate if rate <= 0.25 else -1,
}


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["alike", "weighted"])
@pytest.mark.parametrize("rule", SCORES)
def test_a_rule_chooses_the_best_threshold_of_all(rule, weight):
    choice = choose(Rule.of(rule), P, YES, weight)
    weights = np.ones(60) if weight is None else weight
    best = max(np.nan_to_num(SCORES[rule](*at(least, weights)), nan=-1) for least in [*np.unique(P)[1:], 0.001, 1.0])
    assert np.nan_to_num(SCORES[rule](*at(choice.least, weights)), nan=-1) == pytest.approx(best, abs=1e-12)
    np.testing.assert_allclose((choice.precision, choice.recall, choice.rate), at(choice.least, weights)[:3])
    assert choice.reached
    assert float(np.float32(choice.least)) == choice.least


def test_a_threshold_lies_between_the_probabilities_that_it_parts():
    p, yes = np.array([0.1, 0.1, 0.6, 0.9], np.float32), np.array([False, False, True, True])
    assert choose(Rule.of("f1"), p, yes).least == pytest.approx(0.35)
    near = np.array([0.5, np.nextafter(np.float32(0.5), np.float32(1))], np.float32)
    assert choose(Rule.of("f1"), near, np.array([False, True])).least == near[1]


def test_a_precision_that_is_never_reached_is_said():
    p, yes = np.array([0.2, 0.4, 0.9, 0.8]), np.array([True, True, False, True])
    choice = choose(Rule.of("precision=0.9"), p, yes)
    assert (choice.reached, choice.precision) == (False, 0.75)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("0.3", Rule("number", (0.3,))),
        (0.25, Rule("number", (0.25,))),
        ("1e-3", Rule("number", (1e-3,))),
        ("yes=0.3", Rule("number", (0.3,), "yes")),
        ("a=b=recall=0.9", Rule("recall", (0.9,), "a=b")),
        ("cost=2.5:1", Rule("cost", (2.5, 1.0))),
        ("precision=0.9", Rule("precision", (0.9,))),
        ("f1=0.9", Rule("number", (0.9,), "f1")),
        ("cost=1", Rule("number", (1.0,), "cost")),
    ],
)
def test_rules_as_they_are_written(text, rule):
    assert Rule.of(text) == rule


@pytest.mark.parametrize(
    "text", ["", "f2", "=f1", "0", 0, 1.5, "precision=1.1", "cost=0:0", "cost=:1", None, "nan", True]
)
def test_what_is_no_rule_is_refused_in_one_line(text):
    with pytest.raises(
        SettingError, match=r"threshold is .*, but must be a probability above 0, f1, balanced_accuracy"
    ):
        Rule.of(text)


# --- models ----------------------------------------------------------------------------------------------------------

N = 200
X = DRAW.uniform(-2, 2, N)
TABLE = {"x": X, "y": np.where(X + DRAW.normal(size=N) > 1, "yes", "no")}
QUICK = {"epochs": 10, "seed": 0}


@pytest.fixture(scope="module")
def model():
    return cr.train_table(TABLE, "y", threshold="recall=0.9", calibrate=True, **QUICK)


def test_a_model_answers_by_its_threshold_everywhere(model, tmp_path):
    summary = model.summary["threshold"]
    assert (summary["target"], summary["class"], summary["rule"], summary["recall"] >= 0.9) == (
        "y",
        "yes",
        "recall=0.9",
        True,
    )
    chance = model.probabilities(TABLE)["y=yes"]
    expected = np.where(chance >= np.float32(summary["least"]), "yes", "no").tolist()
    assert expected != np.where(chance > 0.5, "yes", "no").tolist()
    assert model.predict(TABLE).tolist() == expected
    predict = model.predictor()
    assert [predict({"x": x}) for x in X.tolist()] == expected
    model.save(tmp_path / "m.safetensors")
    again = cr.load(tmp_path / "m.safetensors")
    assert again.predict(TABLE).tolist() == expected
    assert again.evaluate(TABLE)["targets"]["y"]["accuracy"] == np.mean(TABLE["y"] == np.array(expected))
    json.dumps(again.summary, allow_nan=False)


def test_the_threshold_is_that_of_answers_out_of_fold(model):
    kept = model.out_of_fold
    choice = choose(Rule.of("recall=0.9"), kept.A[:, 1], kept.t[:, 0] == 1)
    assert choice.least == model.summary["threshold"]["least"]
    other = model.with_threshold("no=precision=0.95")
    assert other.summary["threshold"]["class"] == "no"
    assert other.targets.columns[0].of_first
    chance = other.probabilities(TABLE)["y=no"]
    least = np.float32(other.summary["threshold"]["least"])
    assert other.predict(TABLE).tolist() == np.where(chance >= least, "no", "yes").tolist()
    assert model.summary["threshold"]["class"] == "yes"  # the model itself stays as it was


def test_the_temperature_makes_answers_out_of_fold_likelier_and_leaves_them_as_they_are(model):
    plain = cr.train_table(TABLE, "y", **QUICK)
    t = model.summary["temperature"]["y"]
    T, P = np.eye(2)[plain.out_of_fold.t[:, 0].astype(int)], plain.out_of_fold.A
    assert log_loss(T, model.out_of_fold.A) <= log_loss(T, P)
    np.testing.assert_allclose(model.out_of_fold.A, cooled(P, t), rtol=1e-4, atol=1e-6)
    z = [np.log(np.stack(list(m.probabilities(TABLE).values()))) for m in (plain, model)]
    np.testing.assert_allclose((z[1][1] - z[1][0]) * t, z[0][1] - z[0][0], rtol=1e-3, atol=1e-4)
    nearby = [log_loss(T, cooled(P.astype(np.float64), t * factor)) for factor in (1, 0.97, 1.03)]
    assert nearby[0] == min(nearby)


def test_a_temperature_by_hand():
    p = np.array([[0.9, 0.1]] * 10)
    codes = np.array([0] * 7 + [1] * 3)  # 0.7 is right: 9^(1/t) = 7/3
    assert temperature_of(p, codes) == pytest.approx(math.log(9) / math.log(7 / 3), rel=1e-4)
    assert temperature_of(p, codes, np.r_[np.ones(7), np.full(3, 7 / 27)]) == pytest.approx(1.0, rel=1e-3)


def test_a_rule_that_cannot_be_kept_is_warned_of():
    noise = {"x": np.arange(N) % 2, "y": np.where(DRAW.random(N) < 0.5, "yes", "no")}
    model = cr.train_table(noise, "y", **QUICK)
    with pytest.warns(ChainruleWarning, match="no threshold keeps 'precision=1' on answers out of fold"):
        model.with_threshold("precision=1")


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"threshold": "f3"}, "threshold is 'f3', but must be a probability above 0"),
        ({"threshold": "maybe=f1"}, "threshold is for class 'maybe', but the classes are 'no', 'yes'"),
        ({"threshold": "f1", "validation": 0.0}, "threshold needs rows that no network is trained on"),
        ({"calibrate": True, "output": "sigmoid"}, "calibrate is for classes with output 'softmax', but 'y' has other"),
    ],
)
def test_settings_that_cannot_be_kept_are_refused_before_training(settings, line):
    with pytest.raises(SettingError, match=line):
        cr.train_table(TABLE, "y", **QUICK, **settings)


def test_a_threshold_is_for_one_target_of_two_classes():
    for y in (X, np.digitize(X, [-1, 0, 1]).astype(str)):
        with pytest.raises(SettingError, match=r"threshold is for one target with two classes, but .* is not one"):
            cr.train_table({"x": X, "y": y}, "y", threshold="f1", **QUICK)
