"""A file with labels, texts, orders and what training saw of its columns: written again byte for byte, for ever."""

from pathlib import Path

import numpy as np
import pytest
from tests.files.test_golden_tables import LATER as COLUMNS

import chainrule as cr
from chainrule.errors import ModelFileError
from chainrule.files.container import read, write
from chainrule.tables.inputs import Encoder
from chainrule.tables.inputs.drift import ColumnSeen, Seen
from chainrule.tables.targets import LabelTarget, OrderedClasses, Targets

GOLDEN = Path(__file__).parent / "golden" / "labels.safetensors"

SEEN = Seen(
    40,
    {
        "tags": ColumnSeen(3, other=1),
        "note": ColumnSeen(0),
        "day": ColumnSeen(2, 17000.25, 19000.0),
        "size": ColumnSeen(0, 0.1, 5.0),
    },
)
TABLE = {
    "tags": ["new; old", "Rome", None],
    "note": ["The FOG", "größe", ""],
    "day": [20191224, None, 20200229],
    "size": [1.0, 2.5, 4.0],
}


def labels() -> cr.Model:
    targets = Targets(
        (OrderedClasses("rank", "ordered", ("low", "mid", "top")), LabelTarget("topics", "|", ("a", "b")))
    )
    encoder = Encoder(COLUMNS)
    sizes = [encoder.width, 4, targets.width]
    count = cr.Architecture.of(sizes).parameter_count
    network = cr.Network(
        sizes,
        "tanh",
        [("sigmoid", 2), ("sigmoid", 2)],
        ["binary_cross_entropy"] * 2,
        initializer=(np.arange(count) * 11 % 64 - 31) / 32,
    )
    return cr.Model(encoder, targets, network, {"epochs": 3}, seen=SEEN)


def test_the_golden_file_is_written_again_byte_for_byte(tmp_path: Path) -> None:
    labels().save(tmp_path / "m.safetensors")
    assert (tmp_path / "m.safetensors").read_bytes() == GOLDEN.read_bytes()


def test_the_golden_file_still_loads_and_answers() -> None:
    model = cr.load(GOLDEN)
    assert model.encoder.transforms == COLUMNS
    assert model.seen == SEEN
    answers = model.predict(TABLE)
    assert answers["rank"].tolist() == ANSWERS["rank"]
    assert answers["topics"].tolist() == ANSWERS["topics"]
    np.testing.assert_allclose(model.probabilities(TABLE)["rank=mid"], ANSWERS["mid"], rtol=1e-5)


@pytest.mark.parametrize("wrong", [{}, {"rows": -1}, {"missing": [1]}, {"low": ["x"] * 4}, {"other": None}, []])
def test_what_training_saw_is_checked(tmp_path: Path, wrong: object) -> None:
    container = read(GOLDEN)
    seen = {**container.document["seen"], **wrong} if isinstance(wrong, dict) and wrong else wrong
    write(tmp_path / "m.safetensors", {**container.document, "seen": seen}, container.tensors)
    with pytest.raises(ModelFileError, match="in training"):
        cr.load(tmp_path / "m.safetensors")


ANSWERS = {"rank": ["mid", "low", "low"], "topics": ["", "a", "a"], "mid": [0.4474449, 0.03904173, 0.0]}
