"""Fields of settings: each kind with its edge values and its error in one line; records, presets, docstrings."""

import dataclasses
import inspect
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import fields
from chainrule.errors import ChainruleError, SettingError
from chainrule.fields import (
    ByLayer,
    Choice,
    Choices,
    Flag,
    Folder,
    Function,
    Instance,
    Kind,
    Names,
    Number,
    Numbers,
    Record,
    Seconds,
    Setting,
    Sizes,
    Special,
    Text,
    Whole,
    Word,
    by_preset,
    documented,
    setting,
    settings_of,
    signature_with,
)
from chainrule.hosts import Hosts
from chainrule.hosts.record import HostsChoice
from chainrule.model.kinds import ClassWeights, ColumnKinds, Dtype, Levels, MetricChoice, ShareOrTable, ThresholdRule
from chainrule.optimizers import OPTIMIZERS, SGD, Adam, Clip
from chainrule.settings import TrainingSettings

NONE, ALL = Special("none", None), Special("all", None, "all rows")

TAKEN: list[tuple[Kind, Any, Any]] = [  # a kind, a value, and what it becomes
    (Number(0), 0, 0.0),
    (Number(0, 1), 1, 1.0),
    (Number(0, 1, below=True), np.float32(0.5), 0.5),
    (Number(), -1e308, -1e308),
    (Number(0, specials=(NONE,)), None, None),
    (HostsChoice(), Hosts("a:1", host=0, hosts=2), Hosts("a:1", host=0, hosts=2)),
    (HostsChoice(specials=(NONE,)), None, None),
    (Seconds(0, above=True), 1, 1.0),
    (Numbers(0, 1), 0.5, 0.5),
    (Numbers(0, 1), [0, 1], (0.0, 1.0)),
    (Numbers(0, 1), (), ()),
    (ByLayer(0), {"3": 0.5, 2: 0}, {"2": 0.0, "3": 0.5}),
    (ByLayer(0), {}, {}),
    (ByLayer(0, specials=(NONE,)), None, None),
    (ColumnKinds(), {"zip": "category", "size": "ordered:S<M"}, {"zip": "category", "size": "ordered:S<M"}),
    (ColumnKinds(), (), {}),
    (Levels(), [0.1, 0.9], (0.1, 0.9)),
    (Levels(), 0.5, (0.5,)),
    (ThresholdRule(), "recall=0.9", "recall=0.9"),
    (ThresholdRule(), np.float32(0.5), 0.5),
    (Whole(1), 1, 1),
    (Whole(1), np.int64(3), 3),
    (Whole(1, specials=(ALL,)), None, None),
    (Whole(1, specials=(Special("auto", "auto"),)), "auto", "auto"),
    (Sizes(), 8, (8,)),
    (Sizes(), [8, np.int32(4)], (8, 4)),
    (Sizes(), np.array([8, 4]), (8, 4)),
    (Sizes(), (), ()),
    (Flag(), False, False),
    (Flag(), np.bool_(True), True),
    (Text("a name"), "", ""),
    (Folder(), Path("a"), "a"),
    (Folder(), "a", "a"),
    (Word(("min", "max")), "max", "max"),
    (Names(), "a, b", ("a, b",)),
    (Names(), ["a", "b"], ("a", "b")),
    (Names(), np.array(["a"]), ("a",)),
    (Choice(OPTIMIZERS), "sgd", SGD()),
    (Choice(OPTIMIZERS), {"name": "sgd", "momentum": 0.5}, SGD(momentum=0.5)),
    (Choice(OPTIMIZERS), Adam(), Adam()),
    (Choices(OPTIMIZERS), "sgd", SGD()),
    (Choices(OPTIMIZERS), ("sgd", Adam()), [SGD(), Adam()]),
    (Instance(Clip, "a Clip"), Clip(1.0), Clip(1.0)),
    (Function(2, "a function of (A, T)"), max, max),
    (Function(0, "a function"), list, list),
    (Whole(1), 2**53, 2**53),
    (Dtype(("float32", "float64")), np.float64, "float64"),
    (MetricChoice(("auc",)), "auc", "auc"),
    (MetricChoice(("auc",)), max, max),
    (ShareOrTable(), 0, 0.0),
    (ShareOrTable(), np.float64(0.5), 0.5),
    (ShareOrTable(), "rows.csv", "rows.csv"),
    (ClassWeights(), "balanced", "balanced"),
    (ClassWeights(), {"yes": 2}, {"yes": 2}),
]

REFUSED: list[tuple[Kind, Any, str]] = [  # a kind, a value, and what the error says
    (Number(0), -1e-9, "s is -1e-09, but must be a number from 0"),
    (HostsChoice(), 2, "s is 2, but must be a Hosts"),
    (Number(0), 10**400, f"s is 1{'0' * 195} ..., but must be a number from 0"),
    (Number(0), np.timedelta64(1, "s"), "s is np.timedelta64(1,'s'), but must be a number from 0"),
    (Whole(1), 2**63, "s is 9223372036854775808, but must be at most 2^53"),
    (Sizes(), [4, 2**62], "s is [4, 4611686018427387904], but must be at most 2^53"),
    (Function(0, "a function without arguments"), 3, "s is 3, but must be a function without arguments"),
    (Function(0, "no arguments"), lambda event: True, "s takes (event), but must be no arguments"),
    (Function(2, "a function of (A, T)"), lambda A: 0.0, "s takes (A), but must be a function of (A, T)"),
    (Number(0), True, "s is True, but must be a number from 0"),
    (Number(0), "1", "s is '1', but must be a number from 0"),
    (Number(), math.nan, "s is nan, but must be a number"),
    (Number(), math.inf, "s is inf, but must be a number"),
    (Number(0, 1, below=True), 1, "s is 1, but must be a number from 0 to below 1"),
    (Number(0, above=True, specials=(NONE,)), 0, "s is 0, but must be a number above 0, or None"),
    (Seconds(0, above=True), 0, "s is 0, but must be a number of seconds above 0"),
    (Numbers(0, 1), [0.5, 2], "s is 2, but must be a number from 0 to 1, a list of these"),
    (ByLayer(0), 0.5, "s is 0.5, but must be a mapping from numbers of layers to numbers from 0"),
    (ByLayer(0), {"1": 1}, "a layer of s is '1', but must be its number, from 2"),
    (ByLayer(0), {"two": 1}, "a layer of s is 'two', but must be its number, from 2"),
    (ByLayer(0), {2: -1}, "s of layer 2 is -1, but must be a mapping from numbers of layers to numbers from 0"),
    (Whole(1), 0, "s is 0, but must be a whole number from 1"),
    (Whole(1), 1.0, "s is 1.0, but must be a whole number from 1"),
    (Whole(1), True, "s is True, but must be a whole number from 1"),
    (Whole(1, specials=(ALL,)), "all", "s is 'all', but must be a whole number from 1, or None for all rows"),
    (Sizes(), 0, "s is 0, but must be whole numbers from 1"),
    (Sizes(), [3, 0], "s is [3, 0], but must be whole numbers from 1"),
    (Sizes(), "33", "s is '33', but must be whole numbers from 1"),
    (Sizes(), np.array(3), "s is array(3), but must be whole numbers from 1"),
    (Flag(), 1, "s is 1, but must be True or False"),
    (Text("a name"), 3, "s is 3, but must be a name"),
    (Folder(), 3, "s is 3, but must be the path of a folder"),
    (Word(("min", "max")), "mid", "s is 'mid', but must be one of min, max"),
    (Word(("min", "max"), specials=(NONE,)), 1, "s is 1, but must be one of min, max, or None"),
    (Names(), 3, "s is 3, but must be names of columns"),
    (Names(), ["a", 1], "s is ['a', 1], but must be names of columns"),
    (Names(), np.array("a"), "s is array('a', dtype='<U1'), but must be names of columns"),
    (Choice(OPTIMIZERS), "zgd", "there is no optimizer 'zgd': did you mean 'sgd'?"),
    (Choice(OPTIMIZERS), {"name": "sgd", "speed": 1}, "optimizer 'sgd' has no parameter 'speed'"),
    (Choices(OPTIMIZERS), ["sgd", "zgd"], "there is no optimizer 'zgd': did you mean 'sgd'?"),
    (Instance(Clip, "a Clip"), 1.0, "s is 1.0, but must be a Clip"),
    (Dtype(("float32", "float64")), "float16", "networks compute in one of float32, float64"),
    (MetricChoice(("auc",)), "acc", "s is 'acc', but must be one of auc, a function of (y_true, y_pred)"),
    (ShareOrTable(), 1, "s is 1, but must be a share from 0 to below 1, a table of other rows"),
    (ShareOrTable(), True, "s is True, but must be a share from 0 to below 1"),
    (ShareOrTable(), math.nan, "s is nan, but must be a share from 0 to below 1"),
    (ClassWeights(), "even", "s is 'even', but must be 'balanced', weights of classes"),
    (ColumnKinds(), "zip", "s is 'zip', but must be a mapping such as {'zip': 'category'}"),
    (Levels(), [0.9, 0.1], "s is [0.9, 0.1], but must be rising numbers between 0 and 1"),
    (Levels(), 1, "s is 1, but must be rising numbers between 0 and 1"),
    (ThresholdRule(), "best", "threshold is 'best', but must be a probability"),
    (ClassWeights(), 2, "s is 2, but must be 'balanced', weights of classes"),
]


def kinds(base: type[Kind] = Kind) -> set[type[Kind]]:
    """The public kinds, wherever they are defined."""
    found = {base} | {kind for cls in base.__subclasses__() for kind in kinds(cls)}
    return {kind for kind in found if not inspect.isabstract(kind) and not kind.__name__.startswith("_")}


def test_every_kind_is_tested() -> None:
    assert kinds() == {type(kind) for kind, *_ in TAKEN} == {type(kind) for kind, *_ in REFUSED}
    assert {kind.__name__ for kind in kinds() if kind.__module__.startswith("chainrule.fields")} <= set(fields.__all__)


@pytest.mark.parametrize(
    ("kind", "value", "expected"), TAKEN, ids=lambda value: repr(value)[:40].partition(" at 0x")[0]
)
def test_a_kind_takes_a_value_as_its_own_type(kind: Kind, value: Any, expected: Any) -> None:
    taken = kind.clean("s", value)
    assert (taken, type(taken)) == (expected, type(expected))


@pytest.mark.parametrize(("kind", "value", "text"), REFUSED, ids=lambda value: repr(value)[:40].partition(" at 0x")[0])
def test_a_kind_refuses_a_value_in_one_line(kind: Kind, value: Any, text: str) -> None:
    with pytest.raises(ChainruleError) as caught:
        kind.clean("s", value)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


@documented
@dataclasses.dataclass(frozen=True)
class Base(Record):
    """A record.

    {settings}
    """

    rows: Any = setting(2, Whole(1, specials=(Special("auto", "auto", "two"), ALL)), "Rows of a step. Few are enough.")
    rate: float = setting(0.5, Number(0, above=True), "Length of a step.", bits=False, group="Steps")


@documented
@dataclasses.dataclass(frozen=True)
class Chosen(Base):
    """A record whose `rows` a preset chooses.

    {settings}
    """

    rows: Any = by_preset(Base, "rows")


def test_a_record_converts_its_fields_and_refuses_other_names() -> None:
    record = Base.of(rows=np.int64(3), rate=1)
    assert (type(record.rows), type(record.rate)) == (int, float)
    with pytest.raises(SettingError, match=r"^rate is 0, but must be a number above 0$"):
        dataclasses.replace(record, rate=0)
    with pytest.raises(SettingError, match=r"^there is no setting 'row': choose from rows, rate$"):
        Base.of(row=3)


def test_auto_of_a_preset_takes_the_place_of_another_auto() -> None:
    assert Chosen().rows == "auto"
    assert settings_of(Base)["rows"].kind.allowed == "a whole number from 1, 'auto' for two, or None for all rows"
    assert settings_of(Chosen)["rows"].kind.allowed == "a whole number from 1, None for all rows, or 'auto'"
    assert settings_of(Chosen)["rows"].text == settings_of(Base)["rows"].text


def test_docstrings_and_signatures_come_from_the_fields() -> None:
    bullet = "- rows: rows of a step (a whole number from 1, None for all rows, or 'auto'). Few are enough."
    assert bullet in (Chosen.__doc__ or "")

    @signature_with(Chosen)
    def run(x: int, *, slow: bool = False, **settings: Any) -> None:
        """Run.

        - x: a number.
        {settings}
        """

    assert list(inspect.signature(run).parameters) == ["x", "slow", "rows", "rate"]
    assert [line.strip()[:7] for line in (run.__doc__ or "").splitlines()[2:5]] == ["- x: a ", "- rows:", "- rate:"]


def test_a_text_has_its_values_in_its_first_sentence() -> None:
    assert Setting(Flag(), "One. Two, 0.5. Three.").with_values(" (x)") == "One (x). Two, 0.5. Three."
    assert Setting(Flag(), "One, 0.5.").with_values("") == "One, 0.5."


@pytest.mark.parametrize("name", settings_of(TrainingSettings))
def test_texts_are_sentences(name: str) -> None:
    text = settings_of(TrainingSettings)[name].text
    assert text[0].isupper()
    assert text.endswith(".")


@pytest.mark.parametrize(
    "value", [np.eye(30), "x" * 5000, "two\nlines", list(range(1000))], ids=["array", "text", "lines", "list"]
)
@pytest.mark.parametrize("name", ["alpha", "optimizer", "epochs", "engine"])
def test_a_refused_value_is_shown_in_one_line_of_bounded_length(name: str, value: object) -> None:
    if name == "engine" and isinstance(value, str):
        pytest.skip("any text may name an engine")
    with pytest.raises(ChainruleError) as caught:
        TrainingSettings(**{name: value})
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
