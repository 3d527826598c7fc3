"""A file with answers out of fold, members apart, a threshold and every kind of output: written again byte for byte."""

from pathlib import Path

import numpy as np

import chainrule as cr
from chainrule.model.members import Members
from chainrule.model.out_of_fold import OutOfFold
from chainrule.tables.inputs import Encoder
from chainrule.tables.inputs.transforms import Numbers
from chainrule.tables.targets import Classes, NormalNumbers, Quantiles, Targets

GOLDEN = Path(__file__).parent / "golden" / "how-sure.safetensors"
TABLE = {"x": [0.0, 1.0, 3.0]}
EXPECTED_KIND = ["a", "a", "a"]
EXPECTED_PRICE = [[26.04095, 35.97428], [24.74672, 34.89637], [22.53171, 34.15846]]
EXPECTED_DOSE = [[-2.72071, 0.27554], [-3.39334, -0.18936], [-4.53224, -1.11899]]
EXPECTED_SPREAD = [4.966666, 5.074822, 5.054019]
EXPECTED_SETS = [[True, True], [True, True], [True, True]]


def how_sure() -> cr.Model:
    encoder = Encoder((Numbers("x", False, 1.0, 2.0),))
    targets = Targets(
        (
            Classes("kind", "text", ("a", "b"), 0.25, of_first=True),
            Quantiles("price", 31.0, 8.0, levels=("0.1", "0.9")),
            NormalNumbers("dose", -2.0, 3.0),
        )
    )
    blocks = [("softmax", 2), ("identity", 1), ("identity", 1), ("identity", 2)]
    costs = ["cross_entropy", {"name": "quantile", "q": 0.1}, {"name": "quantile", "q": 0.9}, "gaussian"]
    theta = (np.arange(44) * 37 % 64 - 31) / 64
    model = cr.Model(
        encoder, targets, cr.Network([1, 4, 6], "tanh", blocks, costs, initializer=theta[:38]), {"epochs": 3}
    )
    draw = ((np.arange(20 * 6) * 29 % 64 - 31) / 32).reshape(20, 6)
    draw[:, :2] = np.stack([np.arange(20) / 32, 1 - np.arange(20) / 32], axis=1)
    t = np.stack([np.arange(20) % 2, draw[:, 2], draw[:, 4]], axis=1).astype(np.float64)
    members = Members(((np.arange(12) - 6) / 8).reshape(2, 6).astype(np.float32))
    weight = 1 + np.arange(20) % 3 / 2
    model.out_of_fold = OutOfFold(draw.astype(np.float32), t, np.arange(20) // 10, weight, members)
    return model


def test_the_golden_file_is_written_again_byte_for_byte(tmp_path: Path) -> None:
    how_sure().save(tmp_path / "m.safetensors")
    assert (tmp_path / "m.safetensors").read_bytes() == GOLDEN.read_bytes()


def test_the_golden_file_still_loads_and_says_how_sure_it_is() -> None:
    model = cr.load(GOLDEN)
    assert model.targets == how_sure().targets
    assert model.predict(TABLE)["kind"].tolist() == EXPECTED_KIND
    ends = model.predict_interval(TABLE, coverage=0.8)
    np.testing.assert_allclose(ends["price"], EXPECTED_PRICE, atol=1e-5)
    np.testing.assert_allclose(ends["dose"], EXPECTED_DOSE, atol=1e-5)
    np.testing.assert_allclose(model.spread(TABLE)["price"], EXPECTED_SPREAD, atol=1e-5)
    assert model.predict_set(TABLE, coverage=0.8).tolist() == EXPECTED_SETS
