"""Models and networks through files: the same bits back, the same bytes again, a file of each schema for ever."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.activations.entries import Identity
from chainrule.errors import ModelFileError, SettingError
from chainrule.files.container import read, write
from chainrule.tables.inputs import Encoder
from chainrule.tables.inputs.transforms import Categories, Dropped, Numbers, Scaled
from chainrule.tables.targets import Targets

GOLDEN = Path(__file__).parent / "golden"

TABLE = {
    "size": [1.0, 2.5, None, 4.0, 0.5, 3.0],
    "colour": ["red", "blue", "red", None, "blue", "red"],
    "same": [7, 7, 7, 7, 7, 7],
    "kind": ["a", "b", "a", "c", "b", "c"],
    "price": [10.0, 25.5, 31.0, 44.0, 5.0, 30.0],
}


def golden_model() -> cr.Model:
    """A model of everything that a file of schema 1 could hold at first, from numbers that no library computes."""
    size = Encoder.fit(TABLE, ["kind", "price"]).transforms[0]
    assert isinstance(size, Scaled)
    numbers = Numbers("size", size.missing, size.mean, size.scale)
    colour, same = Categories("colour", ("red", "blue"), True), Dropped("same", "every value is the same")
    encoder, targets = Encoder((numbers, colour, same)), Targets.fit(TABLE, ["kind", "price"])
    sizes = [encoder.width, 3, targets.width]
    mask = np.ones((encoder.width, 3))
    mask[0, 1] = 0
    network = cr.Network(
        sizes,
        {"name": "elu", "alpha": 0.5},
        [("softmax", 3), ("identity", 1)],
        ["cross_entropy", {"name": "huber", "delta": 1.5}],
        initializer=np.arange(cr.Architecture.of(sizes).parameter_count) / 64 - 0.25,
        masks=[mask, None],
    )
    return cr.Model(encoder, targets, network, {"epochs": 3, "seed": 2**63, "stopped": ""})


def test_the_golden_file_is_written_again_byte_for_byte(tmp_path: Path) -> None:
    golden_model().save(tmp_path / "m.safetensors")
    assert (tmp_path / "m.safetensors").read_bytes() == (GOLDEN / "schema-1.safetensors").read_bytes()


def test_the_golden_file_still_loads_and_answers() -> None:
    model = cr.load(GOLDEN / "schema-1.safetensors")
    assert isinstance(model, cr.Model)
    found = model.predict(TABLE)
    assert found["kind"].tolist() == ["c"] * 6
    expected = [27.947614, 27.440716, 27.004655, 27.163902, 28.487597, 27.196907]
    np.testing.assert_allclose(found["price"], expected, rtol=1e-6)
    assert model.summary == {"epochs": 3, "seed": 2**63, "stopped": ""}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_comes_back_with_the_same_bits(dtype: str, tmp_path: Path) -> None:
    net = cr.Network([3, 5, 4], ["silu"], [("softmax", 2), ("sigmoid", 2)], "binary_cross_entropy", dtype=dtype, seed=9)
    cr.save(net, tmp_path / "n.safetensors")
    again = cr.load(tmp_path / "n.safetensors")
    assert again.theta.dtype == net.theta.dtype
    assert again.theta.tobytes() == net.theta.tobytes()
    assert again.architecture.document() == net.architecture.document()
    assert again.theta.flags.writeable


def test_masks_come_back(tmp_path: Path) -> None:
    mask = np.array([[1, 0], [0, 1]])
    cr.save(cr.Network([2, 2], masks=[mask]), tmp_path / "n.safetensors")
    found = cr.load(tmp_path / "n.safetensors").architecture.masks[0]
    assert found.tolist() == [[True, False], [False, True]]


def test_theta_is_one_slice_of_the_file(tmp_path: Path) -> None:
    net = cr.Network([3, 11, 2], seed=4)
    cr.save(net, tmp_path / "n.safetensors")
    assert net.theta.tobytes() in (tmp_path / "n.safetensors").read_bytes()


def test_a_function_of_your_own_is_not_saved_and_nothing_is_written(tmp_path: Path) -> None:
    net = cr.Network([2, 2, 1], activation=np.sin)
    with pytest.raises(SettingError, match="your own function"):
        cr.save(net, tmp_path / "n.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_only_models_and_networks_are_saved(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be saved"):
        cr.save({"W": 1}, tmp_path / "n.safetensors")


def change(document: dict[str, Any], path: list[Any], value: Any) -> dict[str, Any]:
    at: Any = document
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return document


LIES = [
    (["kind"], "estimator-of-tomorrow"),
    (["kind"], []),
    (["kind"], "network.os.system"),
    (["architecture"], None),
    (["architecture"], []),
    (["architecture", "sizes"], [5, 3]),
    (["architecture", "sizes"], [2**62, 3, 4]),
    (["architecture", "sizes"], "abc"),
    (["architecture", "sizes"], [5, -3, 4]),
    (["architecture", "hidden"], []),
    (["architecture", "hidden"], [{"name": "os.system"}]),
    (["architecture", "hidden"], [{"name": "elu", "alpha": "1"}]),
    (["architecture", "hidden"], [{"name": "elu", "alpha": 1.0, "evil": 1}]),
    (["architecture", "hidden"], [{"name": ["elu"]}]),
    (["architecture", "hidden"], [17]),
    (["architecture", "blocks"], {}),
    (["architecture", "blocks", 0, "width"], 2.5),
    (["architecture", "blocks", 0, "width"], 10**9),
    (["architecture", "blocks", 0, "cost"], {"name": "poisson_"}),
    (["architecture", "blocks", 1, "cost"], {"name": "cross_entropy"}),
    (["encoder"], 3),
    (["targets"], None),
    (["summary"], "trained well"),
]


@pytest.mark.parametrize(("path", "value"), LIES)
def test_a_well_formed_file_that_lies_is_refused_in_one_line(path: list[Any], value: Any, tmp_path: Path) -> None:
    document, tensors = golden_model().document()
    lie = change({"schema": 1, "kind": "model", **document}, path, value)
    write(tmp_path / "m.safetensors", lie, tensors)
    with pytest.raises(ModelFileError) as caught:
        cr.load(tmp_path / "m.safetensors")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", ["layers.2.W", "layers.3.b", "encoder.mean", "target.scale"])
def test_a_missing_or_misshapen_tensor_is_refused(name: str, tmp_path: Path) -> None:
    document, tensors = golden_model().document()
    without = {key: value for key, value in tensors.items() if key != name}
    wrong = [np.zeros((2, 2, 2)), np.full_like(tensors[name], np.nan)]
    for lie in (without, *({**tensors, name: value} for value in wrong)):
        write(tmp_path / "m.safetensors", {"schema": 1, "kind": "model", **document}, lie)
        with pytest.raises(ModelFileError):
            cr.load(tmp_path / "m.safetensors")


def test_loading_imports_nothing_that_the_file_names(tmp_path: Path) -> None:
    document, tensors = golden_model().document()
    write(tmp_path / "m.safetensors", {"schema": 1, "kind": "antigravity", **document}, tensors)
    with pytest.raises(ModelFileError, match="antigravity"):
        cr.load(tmp_path / "m.safetensors")


def test_the_bytes_do_not_depend_on_the_order_of_dictionaries(tmp_path: Path) -> None:
    model = golden_model()
    model.save(tmp_path / "a.safetensors")
    model.summary = dict(reversed(model.summary.items()))
    model.save(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    first = list(read(tmp_path / "a.safetensors").tensors)[:4]
    assert first == ["layers.2.W", "layers.2.b", "layers.3.W", "layers.3.b"]


def test_weights_that_could_not_be_loaded_are_not_saved(tmp_path: Path) -> None:
    net = cr.Network([2, 1])
    net.W[0][0] = np.nan
    with pytest.raises(SettingError, match="not finite"):
        cr.save(net, tmp_path / "n.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_class_that_only_has_the_name_is_not_saved_and_a_subclass_is(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be saved"):
        cr.save(type("Model", (), {"document": lambda self: ({}, {})})(), tmp_path / "m.safetensors")

    class Wider(cr.Network):
        pass

    cr.save(Wider([2, 1]), tmp_path / "n.safetensors")
    assert cr.load(tmp_path / "n.safetensors").sizes == (2, 1)


def test_an_entry_that_is_not_registered_is_not_saved(tmp_path: Path) -> None:
    class Cube(Identity):
        name = "cube"

    with pytest.raises(SettingError, match="not registered"):
        cr.save(cr.Network([2, 2, 1], activation=Cube()), tmp_path / "n.safetensors")


@pytest.mark.parametrize("activation", [{"name": "identity"}, {"name": "tanh"}])
def test_outputs_that_do_not_fit_the_targets_are_refused(activation: dict[str, str], tmp_path: Path) -> None:
    document, tensors = golden_model().document()
    document["architecture"]["blocks"][0] |= {"activation": activation, "cost": {"name": "quadratic"}}
    write(tmp_path / "m.safetensors", {"schema": 1, "kind": "model", **document}, tensors)
    with pytest.raises(ModelFileError, match="does not suit the classes"):
        cr.load(tmp_path / "m.safetensors")
