"""The text of an option and what it stands for."""

from pathlib import Path
from typing import Any

import pytest
from cyclopts import Token

from chainrule.activations import ACTIVATIONS
from chainrule.cli import values
from chainrule.errors import ChainruleError
from chainrule.optimizers import OPTIMIZERS
from chainrule.schedules import SCHEDULES


def read(converter: Any, *texts: str) -> Any:
    return converter(None, [Token(value=text) for text in texts])


@pytest.mark.parametrize("registry", [ACTIVATIONS, OPTIMIZERS, SCHEDULES], ids=lambda registry: registry.kind)
def test_every_entry_is_found_by_its_name(registry: Any) -> None:
    for name in registry.names():
        assert read(values.choice(registry), name) == name


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sgd:momentum=0.9", {"name": "sgd", "momentum": 0.9}),
        (" sgd : momentum = 0.9 , nesterov = True ", {"name": "sgd", "momentum": 0.9, "nesterov": True}),
        ("adam:learning-rate=1e-2", {"name": "adam", "learning_rate": 0.01}),
        ("lbfgs:memory=5", {"name": "lbfgs", "memory": 5}),
    ],
)
def test_parameters_follow_a_colon(text: str, found: dict[str, Any]) -> None:
    assert read(values.choice(OPTIMIZERS), text) == found


def test_a_list_of_entries_keeps_parameters_with_their_names() -> None:
    convert = values.choices(ACTIVATIONS)
    assert read(convert, "elu:alpha=2,tanh,relu") == ({"name": "elu", "alpha": 2}, "tanh", "relu")
    assert read(convert, "relu", "tanh") == ("relu", "tanh")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "0 names"),
        ("sgd,adam", "2 names"),
        ("sgd:", "NAME:PARAMETER=VALUE"),
        ("=3", "NAME:PARAMETER=VALUE"),
        ("momentum=3", "NAME:PARAMETER=VALUE"),
        ("sgd:momentum", "PARAMETER=VALUE"),
        ("sgd:momentum=", "'' is not a number"),
        ("sgd:momentum=high", "'high' is not a number"),
        ("sgd:momentum=nan", "finite"),
        ("sgd:momentum=2", "from 0 to below 1"),
        ("sgd:momemtum=0.5", "it takes learning_rate, momentum, nesterov"),
        ("sgdd", "did you mean 'sgd'"),
        ("sgd:name=3", "PARAMETER=VALUE"),
    ],
)
def test_what_is_no_choice_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises((ValueError, ChainruleError), match=said):
        read(values.choice(OPTIMIZERS), text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("1.5h", 5400), ("2min 3s", 123)]
)
def test_times(text: str, seconds: float) -> None:
    assert read(values.duration, text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-3", "1h2h", "1.2.3", "nan", "10 d"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        read(values.duration, text)


def test_numbers_with_words() -> None:
    assert read(values.count(none=None), "None") is None
    assert read(values.count(all=None, auto="auto"), "auto") == "auto"
    assert read(values.count(), "-3") == -3
    for text in ("1.5", "none", "", "0x10", "１"):
        with pytest.raises(ValueError, match="is not a whole number"):
            read(values.count(), text)


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("yes=5,no=1", {"yes": 5, "no": 1}),
        (" yes = 5 , no = .5 ,", {"yes": 5, "no": 0.5}),
        ("yes, often=1,a=b=5", {"yes, often": 1, "a=b": 5}),
        ("a=b, c=1e-3", {"a=b, c": 0.001}),
        ("1=2,3=4", {"1": 2, "3": 4}),
        ('{"a=1, b": 2, " c": 3}', {"a=1, b": 2, " c": 3}),
        ('{"sick": {"yes": 5}}', {"sick": {"yes": 5}}),
        ("balanced", "balanced"),
    ],
)
def test_weights_of_classes_with_any_names(text: str, weights: Any) -> None:
    assert read(values.class_weight, text) == weights


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("yes=fast", "'fast' is not a number"),
        ("yes=5,no", "'no' is not a number"),
        ("yes=5,no=", "'' is not a number"),
        ("{yes=5", "is not a JSON object"),
        ("{" + '"a":{' * 100_000, "is not a JSON object"),
        ('{"a": ' + "1" * 5000 + "}", "is not a JSON object"),
    ],
)
def test_what_is_no_weight_is_refused_in_a_short_line(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        read(values.class_weight, text)
    assert len(str(caught.value)) < 400


def test_sizes_and_files() -> None:
    assert read(values.sizes, "64, 32", "8") == (64, 32, 8)
    assert read(values.sizes, "") == ()
    assert read(values.share_or_file, "0.2") == 0.2
    assert read(values.share_or_file, "held.csv") == Path("held.csv")
