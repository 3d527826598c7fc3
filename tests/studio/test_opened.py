"""What a page shows of a model whose columns have many inputs each."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.model import Model
from chainrule.studio.opened import MOST_GRADIENTS, what_if, what_if_arrays
from chainrule.tables.inputs.encoder import Encoder
from chainrule.tables.inputs.transforms import Scaled, Valued
from chainrule.tables.sources import as_source
from chainrule.tables.targets import Quantity, Targets

VALUES = tuple(float(k) for k in range(0, 400, 10))


@pytest.fixture
def model() -> Model:
    """A number that was learned by its 40 values before one that was not, and a network of random weights."""
    code = Valued("code", True, 200.0, 100.0, False, edges=(0.0, 400.0), values=VALUES)
    encoder = Encoder((code, Scaled("age", True, 40.0, 9.0, False)))
    net = cr.Network([encoder.width, 3, 1], output="identity", seed=1)
    return Model(encoder, Targets((Quantity("y", 0.0, 1.0),)), net, {})


def test_a_number_learned_by_its_values_moves_from_one_to_the_next(model: Model) -> None:
    code, age = what_if(model, None)["sliders"]
    assert (code["value"], code["steps"]) == (200.0, list(VALUES))
    assert "steps" not in age
    code, _ = what_if(model, None, {"code": 15.5, "age": 3})["sliders"]  # its own cell is one of the steps
    assert (code["value"], code["steps"]) == (15.5, sorted((*VALUES, 15.5)))
    assert what_if(model, None, {"code": None})["sliders"][0]["steps"] == list(VALUES)


def test_a_column_of_many_inputs_hides_no_other(model: Model) -> None:
    answer = what_if(model, None)
    names = [move["name"] for move in answer["gradients"]]
    assert (len(names), answer["inputs"], names[-1]) == (MOST_GRADIENTS, model.encoder.width, "age missing")
    assert names[-2] == "age"
    table = as_source({"code": [200.0], "age": [40.0]}).table()
    of_code = np.abs(model.network.input_gradients(model.encoder.encode(table, model.network.dtype))[0, 0, :-2])
    shown = [abs(move["gradient"]) for move in answer["gradients"][:-2]]
    assert sorted(shown) == pytest.approx(np.sort(of_code)[-len(shown) :].tolist())


def test_of_many_inputs_the_strongest_are_shown_in_their_order() -> None:
    W = np.arange(-50.0, 50.0)[:, None] * (-1.0) ** np.arange(100)[:, None]
    net = cr.Network([100, 1], output="identity", initializer=([W], [[0.0]]))
    ranges = np.stack([np.zeros(100), np.ones(100), np.zeros(100)])
    answer = what_if_arrays(net, [f"x{i}" for i in range(100)], ["y"], ranges, None)
    names = [move["name"] for move in answer["gradients"]]
    assert names == [f"x{i}" for i in (*range(16), *range(86, 100))]
    assert answer["inputs"] == 100
