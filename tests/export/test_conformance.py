"""Every export format gives the answers of the library, for every operation, target, activation and type."""

import dataclasses
import itertools

import numpy as np
import pytest
from tests.export import programs

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.errors import SettingError
from chainrule.export import FORMATS, Answer, compare, export
from chainrule.tables.inputs.operations import INPUTS, READINGS, STEPS, Curve
from chainrule.tables.inputs.transforms import KINDS
from chainrule.tables.targets.kinds import KINDS as TARGETS

TYPES = ["float32", "float64"]
FORMATS_AND_TYPES = list(itertools.product(FORMATS, TYPES))


def conforms(format_name, case, path):
    """Write a case in a format, run it, and compare; skip where nothing here can run it."""
    chosen = FORMATS[format_name]
    file = path / f"model{chosen.ending}"
    try:
        export(case.program, file)
        run = chosen.runner(file, case.program)
    except SettingError as error:
        if any(words in str(error) for words in ("install", "float32")):
            pytest.skip(str(error))
        raise
    differences = compare(case.program, case.answers, run(case.rows))
    assert all(each.ok for each in differences), "\n".join(map(str, differences))


def test_the_table_has_every_transform_operation_and_target():
    used = programs.ENCODER.transforms
    parts = [part for transform in used for part in transform.inputs]
    assert {type(transform) for transform in used} == set(KINDS.values())
    assert {type(transform.reading) for transform in used} == set(READINGS)
    assert {type(part) for part in parts} == set(INPUTS)
    assert {type(step) for part in parts if isinstance(part, Curve) for step in part.steps} == set(STEPS)
    assert {type(column) for column in programs.TARGETS.columns} == set(TARGETS.values())


@pytest.mark.parametrize(("name", "dtype"), FORMATS_AND_TYPES)
def test_tables(name, dtype, tmp_path):
    conforms(name, programs.table_case(dtype), tmp_path)
    conforms(name, programs.certain_case(dtype), tmp_path)


@pytest.mark.parametrize(("name", "dtype"), FORMATS_AND_TYPES)
def test_a_network_with_every_activation_masks_and_blocks(name, dtype, tmp_path):
    conforms(name, programs.network_case(dtype), tmp_path)


@pytest.mark.parametrize(("name", "activation", "dtype"), list(itertools.product(FORMATS, ACTIVATIONS.names(), TYPES)))
def test_activations(name, activation, dtype, tmp_path):
    conforms(name, programs.activation_case(activation, dtype), tmp_path)


@pytest.mark.parametrize(("name", "kind"), list(itertools.product(FORMATS, programs.ESTIMATORS)))
def test_estimators(name, kind, tmp_path):
    conforms(name, programs.estimator_case(kind), tmp_path)


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_program_gives_the_same_bytes(name):
    program = programs.table_case().program
    try:
        assert FORMATS[name].written(program) == FORMATS[name].written(dataclasses.replace(program))
    except SettingError as error:
        pytest.skip(str(error))


def test_a_single_class_leads_without_a_second():
    X = np.zeros((5, 2))
    mlp = cr.MLPClassifier(hidden_layer_sizes=(2,), random_state=0).partial_fit(X, ["only"] * 5, classes=["only"])
    answers = {"y": Answer(mlp.predict(X), mlp.predict_proba(X))}
    (same,) = compare(mlp.program, answers, answers)
    assert same.ok
    (other,) = compare(mlp.program, answers, {"y": dataclasses.replace(answers["y"], values=np.array(["x"] * 5))})
    assert (other.labels, other.doubtful) == (5, 0)


def test_the_comparison_refuses_what_rounding_does_not_explain():
    case = programs.table_case()

    def differences(target, **changes):
        changed = {**case.answers, target: dataclasses.replace(case.answers[target], **changes)}
        return [each.target for each in compare(case.program, case.answers, changed) if not each.ok]

    kind, price = case.answers["kind"], case.answers["price"]
    assert differences("kind") == []
    assert differences("kind", values=np.roll(kind.values, 1)) == ["kind"]
    assert differences("kind", probabilities=kind.probabilities + 2e-5) == ["kind"]
    assert differences("price", values=price.values + 1e-3) == ["price"]
    assert differences("price", values=np.where(np.arange(len(price.values)) == 7, np.nan, price.values)) == ["price"]
    assert isinstance(kind, Answer)
