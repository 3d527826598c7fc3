"""`chainrule train`: what it says, what it saves, and signals while it runs."""

import csv
import json
import os
import signal
import time
from pathlib import Path

import pytest

from .processes import call, fails, here, start


def test_json_is_one_object_an_epoch_and_one_at_the_end(folder: Path) -> None:
    out, err = call(
        "train", "t.csv", "--target", "answer", "--epochs", "3", "--out", "j.safetensors", "--json", cwd=folder
    )
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["event"] for line in lines] == ["epoch"] * 3 + ["end"]
    assert [line["epoch"] for line in lines[:3]] == [1, 2, 3]
    assert lines[-1]["epochs"] == 3
    assert err == ""
    for command in (["evaluate", "j.safetensors", "t.csv"], ["inspect", "j.safetensors"], ["doctor"]):
        assert isinstance(json.loads(here(*command, "--json", cwd=folder)[0]), dict)


def test_the_same_command_writes_the_same_bytes(folder: Path) -> None:
    for name in ("x.safetensors", "y.safetensors"):
        here("train", "t.csv", "--target", "answer", "--epochs", "3", "--out", name, cwd=folder)
    assert (folder / "x.safetensors").read_bytes() == (folder / "y.safetensors").read_bytes()


def test_columns_with_commas_and_spaces_in_their_names_can_be_named(tmp_path: Path) -> None:
    with (tmp_path / "t.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["a,b", " y", "z"], *([k, "p" if k % 2 else "q", k % 2] for k in range(40))])
    here("train", "t.csv", "--target", "y", "--drop", "a,b", "--epochs", "1", "--out", "m.safetensors", cwd=tmp_path)
    out, _ = here("inspect", "m.safetensors", cwd=tmp_path)
    assert "a,b" not in out
    here("train", "t.csv", "--target", "a,b", "--epochs", "1", "--out", "m.safetensors", cwd=tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_the_weights_so_far(number: int, code: int, folder: Path) -> None:
    model = folder / f"stopped-{code}.safetensors"
    process = start("train", "t.csv", "--target", "answer", "--epochs", "100000", "--out", model, "--json", cwd=folder)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(number)
    asked = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - asked < 5
    assert process.returncode == code, err
    assert json.loads(out.splitlines()[-1])["stopped"] == "cancelled"
    here("evaluate", model, "t.csv", cwd=folder)


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_a_signal_before_the_first_epoch_is_over_leaves_the_old_model(folder: Path) -> None:
    rows = [[k, k % 7, (k * k) % 11] for k in range(60_000)]
    with (folder / "long.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["a", "b", "c"], *rows])
    model = folder / "old.safetensors"
    model.write_bytes(b"the old model")
    slow = ("--batch-size", "1", "--engine", "reference", "--start", "random")
    process = start("train", "long.csv", "--target", "a", *slow, "--out", model, cwd=folder)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "nothing is saved" in err
    assert model.read_bytes() == b"the old model"


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_curves_are_drawn(suffix: str, folder: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = folder / f"curve.{suffix}"
    train = ("train", "t.csv", "--target", "answer", "--epochs", "3", "--metric", "auc", "--out", "c.safetensors")
    out, _ = here(*train, "--plot", picture, cwd=folder)
    assert f"curves plotted in {picture}" in out
    assert picture.read_bytes().startswith({"png": b"\x89PNG", "svg": b"<?xml"}[suffix])


@pytest.mark.parametrize(
    ("plot", "code", "said"),
    [
        ("curve.jpeg", 2, ".png, .svg or .pdf"),
        ("no/such/curve.png", 1, "no/such/curve.png"),
        ("c.png", 2, "also --out"),
        ("t.csv", 2, "also an input"),
    ],
)
def test_curves_that_cannot_be_drawn_are_told_before_any_work(plot: str, code: int, said: str, folder: Path) -> None:
    pytest.importorskip("matplotlib")
    train = ("train", "t.csv", "--target", "answer", "--epochs", "1000000", "--out", "c.png")
    assert said in fails(*train, "--plot", plot, cwd=folder, code=code, by=here)
    assert not (folder / "c.png").exists()
