"""Whether a number becomes several inputs, where linear models decide: where the user says how long to train."""

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.model import TableSettings, TableTraining
from chainrule.model.choose_inputs import LEAST_ROWS
from chainrule.tables.sources import as_source

FORMS = {
    "plane": lambda X: X @ [1.0, -2.0, 0.5],
    "bowl": lambda X: (X**2).sum(axis=1),
    "cube": lambda X: X[:, 0] ** 3,
    "product": lambda X: X[:, 0] * X[:, 1] * X[:, 2],
}


def table(form: str, rows: int = 200, classes: bool = False) -> dict[str, object]:
    draw = np.random.default_rng(0)
    X = draw.normal(size=(rows, 3))
    y = FORMS[form](X) + (1.0 if classes else 0.3) * draw.normal(size=rows)
    return dict(zip("abc", X.T, strict=True)) | {"y": np.where(y > np.median(y), "high", "low") if classes else y}


def kinds(rows: dict[str, object], **settings: object) -> set[str]:
    training = TableTraining(rows, "y", TableSettings(epochs=1, **settings))
    X, width = training.rows.X, training.model.encoder.width
    assert X.shape[1] == width == training.network.sizes[0]
    if not settings and len(X) == len(rows["y"]):
        np.testing.assert_array_equal(training.model.encoder.encode(as_source(rows).table()), X)
    return {transform.kind for transform in training.model.encoder.transforms}


@pytest.mark.parametrize("classes", [False, True])
@pytest.mark.parametrize(("form", "kind"), [("plane", "scaled"), ("bowl", "curved"), ("product", "scaled")])
def test_square_and_cube_stay_if_they_explain_more_than_the_numbers_alone(form, kind, classes) -> None:
    assert kinds(table(form, classes=classes)) == {kind}


def test_bins_stay_likewise() -> None:
    assert kinds(table("bowl", 6000)) == {"binned"}
    assert kinds(table("plane", 6000)) == {"scaled"}


@pytest.mark.parametrize(("form", "kind"), [("plane", "scaled"), ("bowl", "curved")])
def test_details_of_times_stay_likewise_whatever_numbers_become(form, kind) -> None:
    rows, day = table(form), np.datetime64("2020-01-01") + 3 * np.arange(200)
    assert kinds(rows | {"day": day}) == {kind, "times"}
    weekday = np.array([3.0, -1, 4, 1, -5, 9, 2])[pd.DatetimeIndex(day).day_of_week]
    assert kinds(rows | {"day": day, "y": rows["y"] + weekday}) == {kind, "detailed times"}


def test_few_rows_do_not_tell() -> None:
    assert kinds(table("bowl", LEAST_ROWS - 1)) == {"scaled"}


def test_rows_of_the_test_do_not_decide() -> None:
    rows = table("plane", 300)
    bowl, tested = table("bowl", 300)["y"], np.arange(300) % 2 == 0
    assert kinds(rows | {"y": np.where(tested, 100 * bowl, rows["y"])}, test_every=2) == {"scaled"}
    assert kinds(rows | {"y": np.where(tested, rows["y"], bowl)}, test_every=2) == {"curved"}


def test_estimators_decide_alike() -> None:
    for form, width in {"plane": 3, "bowl": 9}.items():
        rows = table(form)
        X = np.stack([rows[name] for name in "abc"], axis=1)
        mlp = cr.MLPRegressor(preset="tabular", max_iter=1, random_state=0).fit(X, rows["y"])
        assert len(mlp.input_names_) == width
