"""Which module of torch and of Keras is which activation: the tables, which need neither."""

import dataclasses

import pytest

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.errors import ArchitectureError
from chainrule.exchange.keras.twins import TWINS as KERAS
from chainrule.exchange.keras.twins import USUAL
from chainrule.exchange.pytorch.twins import TWINS, twin_of
from chainrule.exchange.twins import find


@pytest.mark.parametrize("name", ACTIVATIONS.names())
def test_every_registered_activation_has_one_twin_with_all_its_parameters(name):
    sigma = ACTIVATIONS.get(name)
    assert [twin.name for twin in TWINS].count(name) == 1
    assert twin_of(sigma).name == name
    assert set(twin_of(sigma).parameters) == {field.name for field in dataclasses.fields(sigma)}


def test_every_twin_is_a_registered_activation_and_its_modules_are_all_different():
    assert {twin.name for twin in TWINS} == set(ACTIVATIONS.names())
    assert len({twin.module for twin in TWINS}) == len(TWINS)


def test_an_activation_without_a_twin_is_refused_in_one_line(monkeypatch):
    @dataclasses.dataclass(frozen=True)
    class Swoosh(Activation):
        name = "swoosh"

    monkeypatch.setitem(ACTIVATIONS._classes, "swoosh", Swoosh)
    with pytest.raises(ArchitectureError, match=r"^activation 'swoosh' has no counterpart in torch: [^\n]*, softmax$"):
        twin_of(Swoosh())


def test_a_function_of_your_own_has_no_twin():
    with pytest.raises(ArchitectureError, match=r"^activation .* is your own NumPy function, [^\n]*$"):
        twin_of(ACTIVATIONS.get(lambda z: z / (1 + z * z)))


def test_twins_in_keras_are_registered_activations_and_all_different():
    names = [twin.name for twin in KERAS]
    assert set(names) <= set(ACTIVATIONS.names())
    assert len(set(names)) == len({twin.module for twin in KERAS}) == len(KERAS)
    for twin in KERAS:
        parameters = {field.name for field in dataclasses.fields(ACTIVATIONS.get(twin.name))}
        assert set(twin.parameters) | set(twin.tensors) == parameters
    assert {ACTIVATIONS.get(document).name for document in USUAL.values()} <= set(names)


def test_an_activation_without_a_twin_in_a_library_is_refused_in_one_line():
    with pytest.raises(ArchitectureError, match=r"^activation 'sine' has no counterpart in Keras: [^\n]*, softmax$"):
        find(ACTIVATIONS.get("sine"), KERAS, "Keras")
