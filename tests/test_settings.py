"""One record of settings: what each field of it does on every way to a training."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.architecture import Architecture
from chainrule.cli import run
from chainrule.engines import ENGINES, why_absent
from chainrule.errors import ChainruleError, EngineError, SettingError
from chainrule.fields import settings_of
from chainrule.model import TableSettings
from chainrule.optimizers import SGD, Clip
from chainrule.schedules import Constant
from chainrule.settings import TrainingSettings

X = [[k / 8 - 1, k % 3] for k in range(16)]
T = [[x * x - y] for x, y in X]
TABLE = {"a": [x for x, _ in X], "b": [y for _, y in X], "y": [t for (t,) in T]}
BASE: dict[str, Any] = {"epochs": 3, "batch_size": 4, "schedule": "cosine"}  # whose rate depends on the epochs

VALUES: dict[str, tuple[Any, str, Any]] = {  # another value in Python and as an option, and a bad one
    "optimizer": (SGD(), "sgd", "zgd"),
    "schedule": (Constant(), "constant", "cosin"),
    "rates": ({"2": 0.5}, "2=0.5", {"1": 0.5}),
    "batch_size": (5, "5", 0),
    "clip": (Clip(norm=1.0), "", 1.0),
    "shuffle": (False, "", "maybe"),
    "epochs": (4, "4", 0),
    "patience": (2, "2", 0),
    "min_delta": (0.25, "0.25", -1),
    "time": (60.0, "1m", -1),
    "tolerance": (1e-9, "1e-9", -1),
    "alpha": (0.25, "0.25", -1),
    "l1": (0.25, "0.25", -1),
    "dropout": (0.25, "0.25", 2),
    "label_smoothing": (0.25, "0.25", 1.0),
    "seed": (7, "7", -1),
    "engine": ("reference", "reference", "abacus"),
    "threads": (1, "1", 0),
    "devices": (1, "1", 0),
    "shards": (2, "2", 0),
    "precision": ("bf16", "bf16", "float16"),
    "hosts": (cr.Hosts(), "", 5),
    "probe": (False, "", "maybe"),
}
SETTINGS = settings_of(TrainingSettings)
NO_BF16 = why_absent("native") or ENGINES["native"]().lacks(Architecture.of([2, 1]), TrainingSettings(precision="bf16"))
ON_OTHER_MACHINES = {"precision"} if NO_BF16 else set()  # bf16 needs a processor with its instructions, or a GPU
OPTIONS = [name for name, each in SETTINGS.items() if each.group]


def test_every_setting_has_values_here() -> None:
    assert VALUES.keys() == SETTINGS.keys()


def test_which_settings_change_no_bit_and_which_are_no_option() -> None:
    assert {name for name, each in SETTINGS.items() if not each.bits} == {
        "time",
        "tolerance",
        "engine",
        "threads",
        "devices",
        "hosts",
        "probe",
    }
    assert SETTINGS.keys() - set(OPTIONS) == {"clip", "shuffle", "probe", "hosts"}  # clip is three options


def network(name: str = "") -> cr.Network:
    """A network whose settings may have this one."""
    output = "sigmoid" if name == "label_smoothing" else "identity"
    cost = "binary_cross_entropy" if output == "sigmoid" else "quadratic"
    return cr.Network([2, 3, 1], output=output, cost=cost, seed=0)


def targets(name: str) -> Any:
    return [[k % 2] for k in range(16)] if name == "label_smoothing" else T


def table(name: str) -> Any:
    return {**TABLE, "y": ["yes", "no"] * 8} if name == "label_smoothing" else TABLE


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = (",".join(map(str, row)) for row in zip(*TABLE.values(), strict=True))
    (tmp_path / "t.csv").write_text("\n".join([",".join(TABLE), *rows]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


class CapturedError(SettingError):
    """Raised with the settings that a command would train with."""


def capture(source: Any, target: Any, settings: Any, **more: Any) -> Any:
    raise CapturedError(repr(dataclasses.asdict(settings)))


# ------------------------------------------------------------------------------------------- it is taken


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_reaches_the_training(name: str) -> None:
    value = VALUES[name][0]
    if name in ON_OTHER_MACHINES:
        with pytest.raises(
            EngineError, match=f"^no engine can compute this: [^\n]*(no {name} {value!r}|not built)[^\n]*$"
        ):
            cr.train(network(name), X, targets(name), **{**BASE, name: value})
        return
    training = cr.train(network(name), X, targets(name), **{**BASE, name: value})
    settled = (value,) if name == "dropout" else value
    assert getattr(training.settings, name) == settled
    cr.train_table(table(name), "y", **{**BASE, "hidden": 3, name: value})
    assert getattr(TableSettings.of(**{name: value}), name) == value


@pytest.mark.parametrize("name", OPTIONS)
def test_a_setting_with_a_group_is_an_option(
    name: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("chainrule.cli.training_options.TableTraining", capture)
    value, text, _ = VALUES[name]
    assert run(["train", "t.csv", "--target", "y", option(name), text]) == 2
    shown = dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value
    assert f"'{name}': {shown!r}" in capsys.readouterr().err.replace(repr(value), repr(shown))


@pytest.mark.parametrize("name", sorted(SETTINGS.keys() - set(OPTIONS) - {"hosts"}))  # of which `train` has options
def test_a_setting_without_a_group_is_not_an_option(name: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "t.csv", "--target", "y", option(name), "1"]) == 2
    assert "Unknown option" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------- bits


@pytest.mark.parametrize("name", [name for name in SETTINGS if name not in ON_OTHER_MACHINES])
def test_a_checkpoint_compares_the_settings_that_bits_depend_on(name: str, tmp_path: Path) -> None:
    def training(**settings: Any) -> Any:
        checkpoint = cr.Checkpoint(tmp_path / "c.safetensors", every=0, resume=True)
        return cr.train(network(name), X, targets(name), **{**BASE, **settings}, checkpoint=checkpoint)

    for _ in zip(range(8), training(), strict=False):
        pass
    assert (tmp_path / "c.safetensors").exists()
    if SETTINGS[name].bits:
        with pytest.raises(SettingError, match=name):
            training(**{name: VALUES[name][0]})
    else:
        assert len(list(training(**{name: VALUES[name][0]}))) > 2


# ------------------------------------------------------------------------------------------- a bad value


def check_line(error: str, name: str) -> None:
    """The error is one line that names the setting."""
    assert "\n" not in error.strip()
    assert name in error or option(name) in error


@pytest.mark.parametrize("name", SETTINGS)
def test_a_bad_value_is_one_line_that_names_the_setting(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = VALUES[name][2]
    with pytest.raises(ChainruleError) as caught:
        cr.train(network(), X, T, **{**BASE, name: bad})
    check_line(str(caught.value), name)
    with pytest.raises(ChainruleError) as caught:
        cr.train_table(TABLE, "y", **{name: bad})
    check_line(str(caught.value), name)
    if name in OPTIONS:
        assert run(["train", "t.csv", "--target", "y", option(name), str(bad)]) == 2
        check_line(capsys.readouterr().err, name)


def test_an_unknown_setting_is_one_line_that_names_it() -> None:
    for train in (lambda: cr.train(network(), X, T, epoch=3), lambda: cr.train_table(TABLE, "y", epoch=3)):
        with pytest.raises(SettingError, match=r"^there is no setting 'epoch': choose from .*epochs"):
            train()


# ------------------------------------------------------------------------------------------- odd values

ITSELF: list[Any] = []
ITSELF.append(ITSELF)
DEEP: Any = 1.0
for _ in range(100):
    DEEP = [DEEP]

ODD = {
    "epochs of 2^63": (lambda: cr.fit(network(), X, T, epochs=2**63), "epochs is 9223372036854775808, but"),
    "patience of 2^70": (lambda: cr.fit(network(), X, T, patience=2**70), "patience is"),
    "max_iter of 2^63": (lambda: cr.MLPRegressor(max_iter=2**63).fit(X, T), "max_iter is 9223372036854775808, but"),
    "hidden of 2^62": (lambda: cr.train_table(TABLE, "y", hidden=2**62), "hidden is|sizes are"),
    "layers of 2^30": (lambda: cr.MLPClassifier((2**30, 2**30)).fit(X, [0, 1] * 8), "sizes are .*2\\^40 at most"),
    "a network of 2^62": (lambda: cr.Network([2, 2**62, 1]), "sizes are .*2\\^40 at most"),
    "alpha of 400 digits": (lambda: cr.fit(network(), X, T, alpha=10**400), "alpha is 1000"),
    "alpha of 400 digits in cost": (lambda: network().cost(X, T, alpha=10**400), "alpha is 1000"),
    "alpha a word": (lambda: network().cost(X, T, alpha="0"), "alpha is '0', but"),
    "a rate of 400 digits": (lambda: cr.SGD(10**400), "learning_rate of sgd is 1000"),
    "a length of time": (lambda: cr.SGD(np.timedelta64(1, "s")), "learning_rate of sgd is"),
    "a clip of 400 digits": (lambda: cr.Clip(10**400), "norm of clip is 1000"),
    "metrics=True": (lambda: cr.fit(network(), X, T, metrics=True), "metrics is True, but must be functions"),
    "a metric of one argument": (
        lambda: cr.fit(network(), X, T, validation=(X, T), metrics={"m": lambda A: 0.0}),
        "metric m takes \\(.*\\), but must be a function of \\(A, T\\)",
    ),
    "cancel with arguments": (
        lambda: cr.fit(network(), X, T, cancel=lambda event: True),
        "cancel takes \\(.*\\), but must be a function without arguments",
    ),
    "cancel of a descent with arguments": (
        lambda: cr.minimize(lambda v: v @ v, [1.0], cancel=lambda event: True),
        "cancel takes \\(.*\\), but must be a function without arguments",
    ),
    "callback without arguments": (
        lambda: cr.train_table(TABLE, "y", callback=lambda: True),
        "callback takes \\(.*\\), but must be a function of an event",
    ),
    "callback of an estimator": (
        lambda: cr.MLPRegressor(max_iter=1, callback=lambda: True).fit(X, [t for (t,) in T]),
        "callback takes \\(.*\\), but must be a callable that takes an event",
    ),
    "a target that is a list": (lambda: cr.train_table(TABLE, [["y"]]), "target is \\[\\['y'\\]\\], but"),
    "an engine that is a list": (lambda: network().predict(X, engine=["native"]), "there is no engine \\['native'\\]"),
    "masks of a number": (lambda: cr.Network([2, 1], masks=3), "masks are 3, but must be a list"),
    "a mask of uneven rows": (lambda: cr.Network([2, 1], masks=[[[1], [1, 1]]]), "the mask of layer 2 is"),
    "momentum a function": (lambda: cr.MLPRegressor(momentum=len).fit(X, T), "momentum is <built-in function len>"),
    "X in itself": (lambda: network().predict(ITSELF), "X must be numbers in rows of equal length"),
    "X 100 deep": (lambda: network().predict(DEEP), "X (must be numbers|has shape)"),
    "X in itself, in an estimator": (lambda: cr.MLPClassifier().fit(ITSELF, [0]), "."),
    "X 100 deep, in an estimator": (lambda: cr.MLPClassifier().fit(DEEP, [0]), "."),
}


@pytest.mark.parametrize(("call", "words"), ODD.values(), ids=ODD)
def test_odd_values_are_one_line_of_ours(call: Any, words: str) -> None:
    with pytest.raises(ChainruleError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


def test_a_network_that_does_not_fit_in_memory_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr("chainrule.parameters.initial_theta", no_memory)
    with pytest.raises(
        SettingError, match=r"^sizes are \[2, 9, 1\], whose 37 weights and biases do not fit in memory: "
    ):
        cr.Network([2, 9, 1])


LONG = {
    "an array": np.ones((40, 2)),
    "a list": [[1, 2]] * 500,
    "a text": "a\nb" * 300,
    "arrays": {k: np.ones(30) for k in range(9)},
}
REFUSING = {
    "sizes": cr.Network,
    "seed": lambda value: cr.Network([1, 2, 1], seed=value),
    "dtype": lambda value: cr.Network([1, 2, 1], dtype=value),
    "output": lambda value: cr.Network([1, 2, 1], output=[("tanh", 2)] * 500),
    "engine": lambda value: cr.fit(cr.Network([1, 1]), [[0.0]], [[0.0]], engine=value),
    "epochs": lambda value: cr.fit(cr.Network([1, 1]), [[0.0]], [[0.0]], epochs=value),
    "rate": cr.Adam,
    "nesterov": lambda value: cr.SGD(0.1, 0.5, value),
    "tolerance": lambda value: cr.minimize(lambda v: v @ v, [1.0], tolerance=value),
    "target": lambda value: cr.train_table({"x": [0, 1], "y": [0, 1]}, np.ones((40, 2))),
    "weights of classes": lambda value: cr.MLPClassifier(class_weight={0: value}).fit([[0.0], [1.0]], [0, 1]),
    "hidden": lambda value: cr.MLPRegressor(hidden_layer_sizes=value).fit([[0.0], [1.0]], [0.0, 1.0]),
    "scoring": lambda value: cr.MLPRegressor(scoring=value).fit([[0.0], [1.0]], [0.0, 1.0]),
    "momentum": lambda value: cr.MLPRegressor(momentum=value).fit([[0.0], [1.0]], [0.0, 1.0]),
}


@pytest.mark.parametrize("setting", REFUSING)
@pytest.mark.parametrize("value", LONG)
def test_a_refused_value_of_any_length_is_shown_in_one_line(setting, value):
    with pytest.raises(ChainruleError, match=r"^[^\n]{1,500}$"):
        REFUSING[setting](LONG[value])
