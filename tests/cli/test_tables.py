"""Tables of several kinds from the command line, and targets in files of their own."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from chainrule.cli import run


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with 60 images of 2 × 2 pixels and their labels as idx files, packed."""
    labels = np.arange(60, dtype=np.uint8) % 3
    pixels = np.random.default_rng(1).integers(0, 80, (60, 2, 2), dtype=np.uint8)
    pixels[np.arange(60), labels // 2, labels % 2] += 150
    for name, array in (("images.gz", pixels), ("labels.gz", labels)):
        head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        with gzip.open(tmp_path / name, "wb") as stream:
            stream.write(head + array.tobytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_targets_may_lie_in_a_file_of_their_own(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "images.gz", "--target", "labels.gz", "--epochs", "200", "--learning-rate", "0.01"]) == 0
    assert "target label: 3 classes" in capsys.readouterr().out
    assert run(["evaluate", "model.safetensors", "images.gz", "--target", "labels.gz"]) == 0
    assert "label: accuracy 1" in capsys.readouterr().out
    assert run(["predict", "model.safetensors", "images.gz", "--out", "answers.csv"]) == 0
    assert (images / "answers.csv").read_text().startswith('"label","label=0"')


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("train images.gz --target label", "label"),
        ("train images.gz --target none.gz", "none.gz"),
        ("train images.gz --target images.gz", "images.gz"),
    ],
)
def test_targets_that_are_nowhere_are_one_line(
    arguments: str, said: str, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments.split()) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert said in error


def test_the_model_never_takes_the_place_of_the_targets(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (images / "labels.gz").read_bytes()
    assert run(["train", "images.gz", "--target", "labels.gz", "--out", "labels.gz"]) == 2
    assert (images / "labels.gz").read_bytes() == before


def test_a_column_goes_before_a_file_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{k},{'ab'[k % 2]}\n" for k in range(40)))
    (tmp_path / "y").write_text("no table at all")
    assert run(["train", "t.csv", "--target", "y", "--epochs", "1"]) == 0
