"""Certificates of tables and estimators, in model files, and on the command line."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.activations.entries import ReLU
from chainrule.cli import run
from chainrule.cli.doctor import _engine
from chainrule.engines.reference import ReferenceEngine
from chainrule.errors import DataError, ModelFileError, SettingError
from chainrule.files.container import read, write

RNG = np.random.Generator(np.random.PCG64(5))
X = RNG.normal(size=(40, 2))
YES = np.where(X[:, 0] > 0, "yes", "no")
NUMBER = 2 * X[:, 0] - X[:, 1]
TABLE: dict[str, Any] = {"p": X[:, 0].tolist(), "q": X[:, 1].tolist(), "colour": ["red", "blue"] * 20}


@pytest.fixture(scope="module")
def model() -> cr.Model:
    table = {**TABLE, "answer": YES.tolist(), "price": NUMBER.tolist()}
    return cr.train_table(table, ["answer", "price"], hidden=(4,), epochs=2, members=1, dtype="float64")


def estimator(kind: Any, y: Any, **settings: Any) -> Any:
    few = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0, "batch_size": 20}
    with pytest.warns(UserWarning, match="ended before training converged"):
        return kind(**(few | settings)).fit(X, y)


# ------------------------------------------------------------------------------- tables and estimators


def test_a_model_is_checked_on_the_first_rows_with_targets(model: cr.Model) -> None:
    table = {**TABLE, "answer": [None, *YES[1:]], "price": NUMBER.tolist()}
    certificate = model.check_gradient(table, rows=7, most=30)
    assert certificate.ok, str(certificate)
    assert (certificate.rows, certificate.dtype) == (7, "float64")
    assert [check.subject for check in certificate.layers] == ["layer 2", "layer 3"]
    assert {"cross_entropy of softmax"} <= {check.subject for check in certificate.functions}
    encoded = model.encoder.encode(cr.tables.sources.as_source(TABLE).table(), "float64")[1:8]
    T = model.targets.encode(cr.tables.sources.as_source({**table, "answer": YES.tolist()}).table(), "float64")[1:8]
    assert model.network.check_gradient(encoded, T, most=30) == certificate


def test_a_model_refuses_what_it_cannot_check(model: cr.Model) -> None:
    table = {**TABLE, "answer": [None] * 40, "price": NUMBER.tolist()}
    with pytest.raises(DataError, match="no row has a value for every target, so there is nothing to check with"):
        model.check_gradient(table)
    with pytest.raises(SettingError, match="rows is 0, but must be a whole number from 1"):
        model.check_gradient({**TABLE, "answer": YES, "price": NUMBER}, rows=0)
    with pytest.raises(DataError, match="price"):
        model.check_gradient({**TABLE, "answer": YES})


@pytest.mark.parametrize(
    ("kind", "y"),
    [
        (cr.MLPClassifier, YES),
        (cr.MLPClassifier, np.arange(40) % 3),
        (cr.MLPClassifier, np.stack([X[:, 0] > 0, X[:, 1] > 0], axis=1).astype(int)),
        (cr.MLPRegressor, NUMBER),
        (cr.MLPRegressor, X),
    ],
    ids=["two classes", "three classes", "labels", "a number", "two numbers"],
)
def test_an_estimator_is_checked(kind: Any, y: Any) -> None:
    mlp = estimator(kind, y)
    certificate = mlp.check_gradient(X, y)
    assert certificate.ok, str(certificate)
    assert mlp.check_gradient(X, y, RNG.random(40), engine="reference", layers=2).engine == "reference"


def test_an_estimator_of_a_table_is_checked() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(TABLE)
    mlp = cr.MLPClassifier(preset="tabular", hidden_layer_sizes=(4,), max_iter=2, random_state=0, dtype="float64")
    assert mlp.fit(frame, YES).check_gradient(frame, YES, most=50).ok


# ------------------------------------------------------------------------------- files


def test_a_certificate_is_stored_when_asked(model: cr.Model, tmp_path: Path) -> None:
    table = {**TABLE, "answer": YES, "price": NUMBER}
    net, mlp = cr.Network([2, 3, 1], seed=0), estimator(cr.MLPClassifier, YES)
    T = (NUMBER[:, None] > 0).astype(float)
    for obj, certificate in (
        (model, model.check_gradient(table)),
        (net, net.check_gradient(X, T)),
        (mlp, mlp.check_gradient(X, YES)),
    ):
        plain, certified = tmp_path / "plain.safetensors", tmp_path / "certified.safetensors"
        cr.save(obj, plain)
        cr.save(obj, certified, certificate=certificate)
        assert cr.Certificate.load(plain) is None
        assert cr.Certificate.load(certified) == certificate
        assert {**read(certified).document, "certificate": None} == {**read(plain).document, "certificate": None}
        cr.save(cr.load(certified), certified)  # the object is the same as without
        assert certified.read_bytes() == plain.read_bytes()
    model.save(tmp_path / "m.safetensors", certificate=model.check_gradient(table))
    assert cr.Certificate.load(tmp_path / "m.safetensors") is not None


def test_a_certificate_is_of_its_weights_only(tmp_path: Path) -> None:
    net = cr.Network([2, 3, 1], seed=0)
    certificate = net.check_gradient(X, (NUMBER[:, None] > 0).astype(float))
    net.theta[0] += 1
    with pytest.raises(SettingError, match="the certificate is of other weights than these: check the gradient after"):
        cr.save(net, tmp_path / "n.safetensors", certificate=certificate)
    cr.save(net, tmp_path / "n.safetensors")
    container = read(tmp_path / "n.safetensors")
    for stored, words in ((certificate.document(), "of other weights"), ({"layers": 3}, "not one that this version")):
        write(tmp_path / "o.safetensors", {**container.document, "certificate": stored}, container.tensors)
        with pytest.raises(ModelFileError, match=f"o.safetensors': its certificate is {words}"):
            cr.Certificate.load(tmp_path / "o.safetensors")


# ------------------------------------------------------------------------------- the command line


@pytest.fixture
def here(tmp_path: Path, model: cr.Model, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "t.csv", {**TABLE, "answer": YES, "price": NUMBER})
    write_table(tmp_path / "n.csv", {"p": X[:, 0], "q": X[:, 1], "n": NUMBER})
    write_table(tmp_path / "y.csv", {"answer": YES})
    model.save(tmp_path / "m.safetensors")
    return tmp_path


def write_table(path: Path, columns: dict[str, Any]) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def out_of(capsys: pytest.CaptureFixture[str], *command: str, code: int = 0) -> str:
    capsys.readouterr()
    assert run([*command]) == code
    out, err = capsys.readouterr()
    return out or err


def test_check_shows_stores_and_inspect_shows_again(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = out_of(capsys, "check", "m.safetensors", "t.csv", "--most", "20", "--rows", "9", "--seed", "3")
    assert table.startswith("the gradient of engine native in float64 is certified") or "reference" in table
    assert "9 rows, derivatives by complex step, seed 3" in table
    assert "certified" not in out_of(capsys, "inspect", "m.safetensors")
    stored = out_of(capsys, "check", "m.safetensors", "t.csv", "--most", "20", "--rows", "9", "--seed", "3", "--store")
    assert stored == f"{table}stored in m.safetensors\n"
    assert table in out_of(capsys, "inspect", "m.safetensors")
    assert json.loads(out_of(capsys, "inspect", "m.safetensors", "--json"))["certificate"]["rows"] == 9
    penalties = out_of(capsys, "check", "m.safetensors", "t.csv", "--most", "9", "--alpha", "0.5", "--l1", "0.1")
    assert "40 rows, alpha 0.5, l1 0.1, derivatives by complex step" in penalties
    assert "alpha is -1.0, but must be" in out_of(capsys, "check", "m.safetensors", "t.csv", "--alpha", "-1", code=2)
    result = json.loads(out_of(capsys, "check", "m.safetensors", "t.csv", "--layers", "3", "--json"))
    assert result["ok"] is True
    assert [check["layer"] for check in result["layers"]] == [3]


def test_check_of_estimators_and_networks(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cr.save(estimator(cr.MLPClassifier, YES), "e.safetensors")
    cr.save(cr.Network([2, 3, 1], output="identity"), "n.safetensors")
    write_table(here / "xy.csv", {"p": X[:, 0], "q": X[:, 1], "answer": YES})
    write_table(here / "x.csv", {"p": X[:, 0], "q": X[:, 1]})
    for command in (
        ["e.safetensors", "xy.csv", "--target", "answer"],
        ["e.safetensors", "x.csv", "--target", "y.csv"],
        ["n.safetensors", "n.csv", "--target", "n", "--engine", "reference"],
    ):
        assert "is certified" in out_of(capsys, "check", *command)
    assert "add --target COLUMN" in out_of(capsys, "check", "n.safetensors", "n.csv", code=2)
    assert "layers is (7,), but must" in out_of(capsys, "check", "m.safetensors", "t.csv", "--layers", "7", code=2)
    assert "there is no engine 'x'" in out_of(capsys, "check", "m.safetensors", "t.csv", "--engine", "x", code=1)


def test_a_wrong_gradient_is_an_exit_code_of_1_and_is_not_stored(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (here / "m.safetensors").read_bytes()
    right = ReferenceEngine.gradient
    monkeypatch.setattr(ReferenceEngine, "gradient", lambda *parts, **named: right(*parts, **named) * 1.001)
    command = ["check", "m.safetensors", "t.csv", "--engine", "reference", "--store"]
    text = out_of(capsys, *command, code=1)
    assert "is wrong in" in text
    assert text.endswith("not stored, because it is not certified\n")
    assert (here / "m.safetensors").read_bytes() == before


def test_the_doctor_names_an_engine_with_a_wrong_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _engine("reference").found.endswith("and certified in float64 and float32")
    derivative = ReLU.derivative
    monkeypatch.setattr(ReLU, "derivative", lambda self, Z, A: derivative(self, Z, A) * (1 + 1e-3))
    check = _engine("reference")
    assert not check.ok
    assert "the gradient of engine reference in float64 is wrong in" in check.found


@pytest.mark.parametrize("certificate", [True, "yes", {}, 1.5, np.ones(2)], ids=str)
def test_what_is_no_certificate_is_not_stored(certificate: Any, tmp_path: Path) -> None:
    with pytest.raises(
        SettingError, match=r"^certificate is .*, but must be a Certificate of check_gradient, or None$"
    ):
        cr.save(cr.Network([2, 1]), tmp_path / "n", certificate=certificate)
    assert not (tmp_path / "n").exists()
