"""The certificate of a gradient with penalties: right ones pass, and a penalty that is wrong is refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines import available, reference
from chainrule.errors import SettingError

RNG = np.random.default_rng(4)
X, CLASSES = RNG.normal(size=(20, 4)), RNG.integers(0, 3, 20)
MASK = np.arange(20).reshape(4, 5) % 3 > 0
PENALTIES = [(0.3, 0.0), (0.0, 0.2), (5.0, 2.0), (1e-4, 0.0)]


def network(dtype: str = "float64", **parts: Any) -> cr.Network:
    usual = {"activation": "tanh", "output": "softmax", "cost": "cross_entropy", "seed": 1}
    return cr.Network([4, 5, 3], **{**usual, **parts}, dtype=dtype)


@pytest.mark.parametrize("engine", available())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("alpha", "l1"), PENALTIES)
def test_right_gradients_pass(engine: str, dtype: str, alpha: float, l1: float) -> None:
    weight = RNG.integers(0, 4, 20).astype(float)
    differs = (engine, dtype) == ("reference", "float64")
    own: list[dict[str, Any]] = [{"activation": lambda z: z / (1 + abs(z))}]  # by central differences
    for parts in ({}, {"masks": [MASK, None]}, {"initializer": "zeros"}, *own * differs):
        certificate = network(dtype, **parts).check_gradient(X, CLASSES, weight, alpha, l1, engine=engine)
        assert certificate.ok, f"{parts} {certificate}"
        assert (certificate.alpha, certificate.l1) == (alpha, l1)
        assert max(check.ratio for check in certificate.layers) < 0.5


def test_derivatives_are_those_of_the_cost_with_penalties() -> None:
    """dC/dw = 2 · 3 + (0.5 · 2 + 0.25) / 1 for C = (2 · 1 + 1 - 0)² / 2 + 0.5 / 2 · 2² + 0.25 · 2 and w = 2, b = 1."""
    net = cr.Network([1, 1], output="identity", initializer=([[[2.0]]], [[1.0]]), dtype="float64")
    largest = net.check_gradient([[1.0]], [[0.0]], None, 0.5, 0.25).require().layers[0].largest
    assert largest == pytest.approx(3 + 0.5 * 2 + 0.25, rel=1e-15)


def wrong(penalty: Callable[..., Any]) -> Callable[..., None]:
    """A penalty's gradient that is added to that of each W, as `penalty` of W, alpha, l1 and S says."""

    def add(architecture: Any, theta: Any, g: Any, alpha: float, l1: float, S: float) -> None:
        for W, dW in zip(architecture.views(theta)[0], architecture.views(g)[0], strict=True):
            dW[...] += penalty(W, alpha, l1, S)

    return add


def with_biases(architecture: Any, theta: Any, g: Any, alpha: float, l1: float, S: float) -> None:
    g += alpha / S * theta + l1 / S * np.sign(theta)


FAULTS = {
    "none": wrong(lambda W, alpha, l1, S: 0),
    "no l1": wrong(lambda W, alpha, l1, S: alpha / S * W),
    "no alpha": wrong(lambda W, alpha, l1, S: l1 / S * np.sign(W)),
    "twice": wrong(lambda W, alpha, l1, S: 2 * (alpha / S * W + l1 / S * np.sign(W))),
    "not divided": wrong(lambda W, alpha, l1, S: alpha * W + l1 * np.sign(W)),
    "l1 without its sign": wrong(lambda W, alpha, l1, S: alpha / S * W + l1 / S),
    "off by 1e-9": wrong(lambda W, alpha, l1, S: (1 + 1e-9) * (alpha / S * W + l1 / S * np.sign(W))),
    "of biases too": with_biases,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_penalty_is_refused(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net = network(initializer="glorot_uniform_biases")
    assert net.check_gradient(X, CLASSES, None, 0.3, 0.2, engine="reference").ok
    monkeypatch.setattr(reference, "_add_penalty", FAULTS[fault])
    certificate = net.check_gradient(X, CLASSES, None, 0.3, 0.2, engine="reference")
    assert [check.verdict for check in certificate.layers] == ["WRONG", "WRONG"]
    assert net.check_gradient(X, CLASSES, engine="reference").ok or fault == "not divided"


def test_it_says_which_penalties_and_files_keep_them(tmp_path: Any) -> None:
    net = network()
    certificate = net.check_gradient(X, CLASSES, alpha=0.5, l1=0.25)
    assert "20 rows, alpha 0.5, l1 0.25, derivatives by complex step" in str(certificate)
    assert "alpha" not in str(net.check_gradient(X, CLASSES))
    cr.save(net, tmp_path / "n", certificate=certificate)
    assert cr.Certificate.load(tmp_path / "n") == certificate


def test_a_certificate_of_before_has_none() -> None:
    certificate = network().check_gradient(X, CLASSES)
    document = {name: part for name, part in certificate.document().items() if name not in ("alpha", "l1")}
    assert cr.Certificate.from_document(document) == certificate


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_estimators_are_checked_with_their_own() -> None:
    mlp = cr.MLPClassifier(5, alpha=0.5, l1=0.1, max_iter=2, random_state=0).fit(X, CLASSES)
    certificate = mlp.check_gradient(X, CLASSES)
    assert (certificate.ok, certificate.alpha, certificate.l1) == (True, 0.5, 0.1)
    assert mlp.check_gradient(X, CLASSES, alpha=0.0, l1=0.0).alpha == 0.0


@pytest.mark.parametrize("penalty", [{"alpha": -1.0}, {"l1": float("nan")}, {"alpha": "0.1"}])
def test_a_penalty_that_is_not_one_is_refused(penalty: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=r"^(alpha|l1) is .*, but must be at least 0$"):
        network().check_gradient(X, CLASSES, **penalty)
