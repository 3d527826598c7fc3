"""The OpenAPI description: valid, and true of what the server takes and answers."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from chainrule.serve.served import columns_of
from chainrule.tables.inputs import Encoder
from chainrule.tables.inputs.transforms import Valued

from .conftest import TABLE

NAMES = ["model", "two", "numbers", "classifier", "labels", "outputs", "regressor", "tabular", "network"]


def described(client: Any) -> Any:
    response = client.get("/openapi.json")
    assert response.status_code == 200
    return response.json()


def validator(description: Any, schema: Any) -> Any:
    """A validator of a schema that may refer to those of the description."""
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    return jsonschema.Draft202012Validator({**schema, "components": description["components"]})


@pytest.mark.parametrize("name", NAMES)
def test_the_description_is_valid(name: str, client_of: Callable[..., Any]) -> None:
    openapi = pytest.importorskip("openapi_spec_validator", reason="openapi-spec-validator is not installed")
    description = described(client_of(name))
    openapi.OpenAPIV31SpecValidator(description).validate()
    broken = json.loads(json.dumps(description))
    broken["paths"]["/predict"]["post"]["responses"]["200"].pop("description")
    with pytest.raises(Exception, match="description"):
        openapi.OpenAPIV31SpecValidator(broken).validate()


@pytest.mark.parametrize("name", NAMES)
def test_requests_and_answers_are_what_the_description_says(name: str, client_of: Callable[..., Any]) -> None:
    client = client_of(name)
    description = described(client)
    operation = description["paths"]["/predict"]["post"]
    content = operation["requestBody"]["content"]["application/json"]
    response = client.post("/predict", json=content["example"])
    asked, answered = (
        validator(description, schema)
        for schema in (content["schema"], operation["responses"]["200"]["content"]["application/json"]["schema"])
    )
    asked.validate(content["example"])
    asked.validate(content["example"][0])
    asked.validate([list(content["example"][0].values())])
    answered.validate(response.json())
    assert not answered.is_valid({"predictions": [{"label": "of none"}]})
    for wrong in ([{}], [], "x", [[{}]]):
        assert not asked.is_valid(wrong)
        assert client.post("/predict", json=wrong).status_code in (400, 422)


def test_every_status_that_is_answered_is_described(client: Any) -> None:
    description = described(client)
    operation = description["paths"]["/predict"]["post"]
    error = validator(description, {"$ref": "#/components/schemas/Error"})
    responses = [
        client.post("/predict", content="x", headers={"Content-Type": "application/json"}),
        client.post("/predict", content="x"),
        client.post("/predict", json={"a": 1}),
        client.post("/predict", json=[[0]] * 10_001),
        client.post("/predict", json=[], headers={"Host": "example.org"}),
    ]
    assert [response.status_code for response in responses] == [400, 415, 422, 413, 421]
    for response in responses:
        assert str(response.status_code) in operation["responses"]
        error.validate(response.json())


def test_columns_and_classes_are_those_of_the_model(client: Any) -> None:
    schemas = described(client)["components"]["schemas"]
    assert list(schemas["Row"]["properties"]) == schemas["Row"]["required"]
    assert set(schemas["Row"]["required"]) == set(TABLE)
    assert schemas["Prediction"]["properties"]["label"]["enum"] == ["no", "yes"]
    assert list(schemas["Prediction"]["properties"]["probabilities"]["properties"]) == ["no", "yes"]


def test_the_example_of_a_number_that_is_learned_by_its_values_is_one_of_them() -> None:
    column = Valued("code", True, 1735.02, 435.6, False, edges=(0.0, 1e4), values=(0.1 + 0.2, 1700.123, 1800.0))
    assert columns_of(Encoder((column,)))[0].example == 1700.123
