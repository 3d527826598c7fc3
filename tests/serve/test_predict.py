"""POST /predict: the predictions of `model.predict` and `chainrule predict`, to the bit, from every form of rows."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.cli import run
from chainrule.serve.answers import written
from chainrule.serve.served import Prediction

from .conftest import TABLE, X

ROWS = [dict(zip(TABLE, row, strict=True)) for row in zip(*TABLE.values(), strict=True)]
LISTS = [list(row.values()) for row in ROWS]
BACKWARDS = {"columns": ["more", *reversed(TABLE)], "rows": [[1, *reversed(row)] for row in LISTS]}
JSON, CSV = {"Content-Type": "application/json"}, {"Content-Type": "text/csv"}


def answers(response: Any) -> list[Any]:
    assert response.status_code == 200, response.text
    return response.json()["predictions"]


def of_model(model: Any) -> list[Any]:
    """What must come, by Python."""
    chances = {name.removeprefix("answer="): part for name, part in model.probabilities(TABLE).items()}
    return [
        {"label": label, "probabilities": {text: float(part[k]) for text, part in chances.items()}}
        for k, label in enumerate(model.predict(TABLE).tolist())
    ]


@pytest.mark.parametrize(
    "body",
    [ROWS, [row | {"more": {"deep": [1]}} for row in ROWS], BACKWARDS, {"rows": ROWS}],
    ids=["objects", "more", "columns", "rows"],
)
def test_every_form_of_rows_has_the_predictions_of_the_model(body: Any, client: Any, made: dict[str, Any]) -> None:
    assert answers(client.post("/predict", json=body)) == of_model(made["model"])


def test_lists_alone_are_in_the_order_of_the_columns_that_the_server_names(client: Any, made: dict[str, Any]) -> None:
    names = [column["name"] for column in client.get("/").json()["columns"]]
    lists = [[row[name] for name in names] for row in ROWS]
    assert answers(client.post("/predict", json=lists)) == of_model(made["model"])
    assert answers(client.post("/predict", json={"rows": lists})) == of_model(made["model"])


def test_one_row_as_an_object_has_the_bits_that_it_has_among_others(client: Any, made: dict[str, Any]) -> None:
    expected = of_model(made["model"])
    for k in (0, 3, 17, 59):
        assert answers(client.post("/predict", json=ROWS[k])) == [expected[k]]


def test_csv_in_and_out_are_those_of_the_command_line(
    client_of: Callable[..., Any], folder: Path, capfdbinary: Any
) -> None:
    for name, table in (("model", "t.csv"), ("two", "t.csv"), ("numbers", "t.csv"), ("labels", "x.csv")):
        content = (folder / table).read_bytes()
        response = client_of(name).post("/predict", content=content, headers=CSV | {"Accept": "text/csv"})
        assert response.headers["content-type"] == "text/csv; charset=utf-8"
        assert run(["predict", str(folder / name), str(folder / table)]) == 0
        assert response.content == capfdbinary.readouterr().out


def test_csv_is_read_in_any_dialect_and_encoding(client: Any, made: dict[str, Any]) -> None:
    lines = [";".join(TABLE), *(";".join("" if cell is None else str(cell) for cell in row) for row in LISTS)]
    for encoding in ("utf-8-sig", "utf-16"):
        response = client.post("/predict", content="\r\n".join(lines).encode(encoding), headers=CSV)
        assert answers(response) == of_model(made["model"])


def test_several_targets_are_answered_by_name(client_of: Callable[..., Any], made: dict[str, Any]) -> None:
    predictions, chances = made["two"].predict(TABLE), made["two"].probabilities(TABLE)
    rows = answers(client_of("two").post("/predict", json=ROWS))
    assert [row["answer"]["label"] for row in rows] == predictions["answer"].tolist()
    assert [row["answer"]["probabilities"]["no"] for row in rows] == chances["answer=no"].tolist()
    assert [row["size"] for row in rows] == [{"value": value} for value in predictions["size"].tolist()]


def test_numbers_are_values(client_of: Callable[..., Any], made: dict[str, Any]) -> None:
    rows = answers(client_of("numbers").post("/predict", json=ROWS))
    assert rows == [{"value": value} for value in made["numbers"].predict(TABLE).tolist()]


@pytest.mark.parametrize("name", ["classifier", "labels", "outputs", "regressor", "network"])
def test_estimators_and_networks_answer_as_the_command_line_does(
    name: str, client_of: Callable[..., Any], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(["predict", str(folder / name), str(folder / "x.csv"), "--json"]) == 0
    expected = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    objects = [{"x2": row[1], "x1": row[0]} for row in X.tolist()]
    for body in (X.tolist(), {"columns": ["p", "q"], "rows": X.tolist()}, objects):
        rows = answers(client_of(name).post("/predict", json=body))
        assert [flat(row) for row in rows] == expected


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """A prediction as `chainrule predict --json` writes it."""
    targets = {"y": row} if {"label", "value"} & set(row) else row
    values = {name: part.get("label", part.get("value")) for name, part in targets.items()}
    chances = {name: part.get("probabilities", {}) for name, part in targets.items()}
    return values | {f"{name}={text}": p for name, own in chances.items() for text, p in own.items()}


def test_an_estimator_of_a_table(client_of: Callable[..., Any], made: dict[str, Any]) -> None:
    frame = {name: TABLE[name] for name in ("colour", "a")}
    rows = answers(client_of("tabular").post("/predict", json=ROWS))
    assert [row["label"] for row in rows] == made["tabular"].predict(frame).tolist()
    assert [row["probabilities"]["yes"] for row in rows] == made["tabular"].predict_proba(frame)[:, 1].tolist()


@pytest.mark.parametrize("name", ["model", "two", "numbers", "classifier", "labels", "outputs", "tabular", "network"])
def test_the_example_of_a_server_is_answered(name: str, client_of: Callable[..., Any]) -> None:
    client = client_of(name)
    about = client.get("/").json()
    assert len(answers(client.post("/predict", json=about["predict"]["example"]))) == 1


def test_cells_may_be_written_in_other_types(client: Any, made: dict[str, Any]) -> None:
    texts = [{name: None if cell is None else str(cell) for name, cell in row.items()} for row in ROWS]
    assert answers(client.post("/predict", json=texts)) == of_model(made["model"])
    whole = [row | {"a": 3, "wide": True, "price": 1000} for row in ROWS]
    table = {name: [row[name] for row in whole] for name in TABLE}
    labels = [answer["label"] for answer in answers(client.post("/predict", json=whole))]
    assert labels == made["model"].predict(table).tolist()


def test_drift_is_that_of_the_rows_since_the_start(client: Any) -> None:
    before = client.get("/drift").json()
    assert set(before) == {"rows", "columns", "line"}
    assert client.post("/predict", json=ROWS).status_code == 200
    assert client.get("/drift").json()["rows"] == before["rows"] + len(ROWS)
    assert client.post("/drift").status_code == 405


def test_health_description_and_head(client: Any) -> None:
    assert client.get("/health").json()["status"] == "ready"
    assert client.get("/health").json()["model"] == "d1gest"
    about = client.get("/").json()
    kinds = {column["name"]: column["kind"] for column in about["columns"]}
    assert kinds == {
        "a": "number",
        "wide": "number",
        "price": "number",
        "colour": "word",
        "day": "time",
        "clock": "time",
        "note": "presence",
    }
    assert about["targets"] == [{"name": "answer", "kind": "classes", "classes": ["no", "yes"]}]
    assert client.head("/health").status_code == 200


def test_an_output_that_is_not_finite_is_null() -> None:
    prediction = Prediction("y", np.array([np.nan, np.inf, 1.0]), None)
    assert json.loads(written([prediction], False)) == {"predictions": [{"value": None}, {"value": None}, {"value": 1}]}


@pytest.mark.parametrize(
    ("accept", "csv"),
    [
        ("text/csv", True),
        ("text/csv, */*;q=0.1", True),
        ("application/json, text/csv", False),
        ("application/json;q=0.5, text/csv;q=0.9", True),
        ("text/csv;q=0.1, */*", False),
        ("text/csv;q=nonsense", False),
        ("*/*", False),
        ("image/png", False),
    ],
)
def test_accept_chooses_the_form_of_the_answer(accept: str, csv: bool, client: Any) -> None:
    response = client.post("/predict", json=ROWS[:1], headers={"Accept": accept})
    assert response.headers["content-type"].startswith("text/csv" if csv else "application/json")
    assert response.status_code == 200
