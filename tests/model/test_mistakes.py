"""Where answers go wrong, compared with scikit-learn and with a plain sort."""

import json

import numpy as np
import pytest
from sklearn import metrics
from tests.tables.reading import read_table

import chainrule as cr
from chainrule.cli.evaluate import show_scores
from chainrule.errors import DataError
from chainrule.model.mistakes import mistakes_of
from chainrule.tables.targets import Targets

RNG = np.random.default_rng(8)


def classes(k, n, seldom=()):
    """Targets of k classes, one-hot T and outputs A that are right in about half of n rows; some are never said."""
    names = [f"c{j:02}" for j in range(k)]
    true = RNG.integers(0, k, n)
    said = np.where(RNG.random(n) < 0.5, true, RNG.integers(0, k, n))
    said[np.isin(said, seldom)] = k - 1
    table = read_table({"y": [names[j] for j in true]})
    targets = Targets.fit(read_table({"y": names * 2}), "y")
    return targets, np.eye(k)[said], targets.encode(table, "float64"), true, said, names


@pytest.mark.parametrize(("k", "seldom"), [(2, ()), (5, (1,)), (20, ()), (30, (0, 3))])
def test_classes_are_scikit_learns(k, seldom):
    targets, A, T, true, said, names = classes(k, 400, seldom)
    found = mistakes_of(targets, A, T, np.arange(400))["y"]
    matrix = metrics.confusion_matrix(true, said, labels=range(k))
    precision, recall, _, rows = metrics.precision_recall_fscore_support(
        true, said, labels=range(k), zero_division=np.nan
    )
    assert [each["class"] for each in found["classes"]] == names
    for name, expected in {"precision": precision, "recall": recall, "rows": rows, "said": matrix.sum(axis=0)}.items():
        values = [np.nan if each[name] is None else each[name] for each in found["classes"]]
        np.testing.assert_array_equal(values, expected)
    assert found.get("confusion") == (matrix.tolist() if k <= 20 else None)
    wrong = sorted((-matrix[i, j], i, j) for i in range(k) for j in range(k) if i != j and matrix[i, j])[:20]
    assert found["confused"] == [{"true": names[i], "said": names[j], "rows": -n} for n, i, j in wrong]
    json.dumps(found, allow_nan=False)


def test_no_mistake_is_no_pair():
    targets, _, T, *_ = classes(3, 30)
    found = mistakes_of(targets, T, T, np.arange(30))["y"]
    assert found["confused"] == []
    assert [each["recall"] for each in found["classes"]] == [1.0] * 3


def test_errors_of_numbers_are_in_the_targets_units_and_worst_rows_have_their_numbers():
    y, error = RNG.normal(100, 20, 50), RNG.normal(1, 3, 50)
    targets = Targets.fit(read_table({"y": y}), "y", "regression")
    T, A = (of.encode(read_table({"y": v}), "float64") for of, v in ((targets.truth, y), (targets, y + error)))
    found = mistakes_of(targets, A, T, 2 * np.arange(50) + 7)["y"]
    assert found["bias"] == pytest.approx(error.mean())
    assert found["quantiles"].keys() == {"0.05", "0.25", "0.5", "0.75", "0.95"}
    assert list(found["quantiles"].values()) == pytest.approx(np.quantile(error, [0.05, 0.25, 0.5, 0.75, 0.95]))
    order = sorted(range(50), key=lambda i: -abs(error[i]))[:5]
    assert [w["row"] for w in found["worst"]] == [2 * i + 7 for i in order]
    assert [w["answer"] - w["true"] for w in found["worst"]] == pytest.approx([error[i] for i in order])


def test_evaluate_names_the_rows_of_the_table_and_what_is_shown_counts_from_1(capsys):
    x = np.linspace(-1, 1, 60)
    y = 3.0 * x
    model = cr.train_table({"x": x, "y": y}, "y", epochs=60)
    y = y.astype(object)
    y[3] = None
    y[41] = 99.0
    scores = model.evaluate({"x": x, "y": y.tolist()})
    assert scores["mistakes"]["y"]["worst"][0]["row"] == 41
    show_scores(scores)
    shown = capsys.readouterr().out.splitlines()
    assert any(line.split()[:2] == ["42", "99"] for line in shown)
    assert any(line.startswith("y, answer minus true value: mean -") for line in shown)


@pytest.mark.parametrize("k", [3, 30])
def test_what_is_shown_can_be_read(k, capsys):
    targets, A, T, true, said, _ = classes(k, 900, seldom=(1,))
    mistakes = mistakes_of(targets, A, T, np.arange(900))
    show_scores({"rows": 900, "without_target": 0, "targets": {"y": {"accuracy": 0.5}}, "mistakes": mistakes})
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) < 40
    if k == 3:
        matrix = metrics.confusion_matrix(true, said, labels=range(3))
        row = next(line.split() for line in shown if line.startswith("c00"))
        assert row[1:4] == [str(n) if n else "." for n in matrix[0]]
        assert next(line.split()[2] for line in shown if line.startswith("precision")) == "-"
    else:
        assert any(line.startswith("c01") and " 0.000 " in line and line.endswith("-") for line in shown)
        assert any(line.split() == ["y", "mistaken", "for", "rows"] for line in shown)


def test_a_class_that_training_never_had_is_a_wrong_answer_and_no_error(capsys):
    x = np.linspace(-1, 1, 60)
    model = cr.train_table({"x": x, "y": np.where(x > 0, "a", "b")}, "y", epochs=30)
    true = np.where(x > 0, "a", "b").astype(object)
    known = model.evaluate({"x": x, "y": true})
    true[[7, 40]] = "new", "newer"
    scores = model.evaluate({"x": x, "y": true})
    answers = model.predict({"x": x})
    assert scores["targets"]["y"]["accuracy"] == np.mean(answers == true) < known["targets"]["y"]["accuracy"]
    true[[7, 40]] = "other"  # they count as one class
    assert scores["targets"]["y"]["balanced_accuracy"] == metrics.recall_score(
        true, answers, average="macro", zero_division=0
    )
    assert scores["targets"]["y"]["f1"] == metrics.f1_score(true, answers, average="macro", zero_division=0)
    assert np.isnan(scores["targets"]["y"]["log_loss"])
    details = scores["mistakes"]["y"]
    assert details["unknown"] == {"rows": 2, "first": 7}
    assert "unknown" not in known["mistakes"]["y"]
    assert sum(each["rows"] for each in details["classes"]) == np.sum(details["confusion"]) == 58
    assert sum(each["said"] for each in details["classes"]) == 60
    show_scores(scores)
    shown = capsys.readouterr().out
    assert "training did not have the class of 2 rows, wrong in any case; the first is row 8\n" in shown
    assert "log loss" not in shown


@pytest.mark.parametrize(
    ("classes", "true", "unknown"),
    [([0, 1], [0, 1, 2], 1), ([0, 1], ["1.0", "0", "no"], 1), ([True, False], ["true", "False", "maybe"], 1)],
    ids=str,
)
def test_true_values_of_any_type_are_compared_with_classes(classes, true, unknown):
    x = np.arange(40.0)
    model = cr.train_table({"x": x, "y": classes * 20}, "y", epochs=1)
    assert model.evaluate({"x": [1.0, 2.0, 3.0], "y": true})["mistakes"]["y"]["unknown"]["rows"] == unknown


def test_true_values_that_are_all_new_are_refused_in_one_line():
    x = np.arange(40.0)
    model = cr.train_table({"x": x, "y": x > 20}, "y", epochs=1)
    with pytest.raises(DataError, match=r"^no row of the mapping has a class of target 'y' that training had: [^\n]*$"):
        model.evaluate({"x": [1.0, 2.0], "y": ["no", "yes"]})


def test_a_number_without_a_logarithm_is_compared_in_its_own_unit():
    x = np.linspace(-5, 5, 80)
    model = cr.train_table({"x": x, "y": np.exp(2 * x)}, "y", epochs=5)
    true = np.exp(2 * x)
    true[[3, 4]] = 0.0, -1.0
    scores, answers = model.evaluate({"x": x, "y": true})["targets"]["y"], model.predict({"x": x})
    assert scores["mae"] == pytest.approx(metrics.mean_absolute_error(true, answers))
    assert scores["r2"] == pytest.approx(metrics.r2_score(true, answers))
