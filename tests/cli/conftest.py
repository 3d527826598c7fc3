"""A table and a model of it, as most tests of the command line need them."""

import csv
import gzip
import shutil
from pathlib import Path

import pytest

from .processes import here


@pytest.fixture(scope="module")
def folder(_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, two of its rows without answers, and a model of it."""
    return Path(shutil.copytree(_trained, tmp_path_factory.mktemp("cli") / "cli"))


@pytest.fixture(scope="session")
def _trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What each file of tests has in a folder of its own."""
    folder = tmp_path_factory.mktemp("trained")
    rows = [
        [k % 7, "red" if k % 3 else "blue", "" if k % 11 == 0 else k / 10, "yes" if k % 3 else "no"] for k in range(120)
    ]
    with (folder / "t.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["a", "colour", "b", "answer"], *rows])
    with gzip.open(folder / "new.csv.gz", "wt") as packed:
        csv.writer(packed).writerows([["colour", "extra", "b", "a"], ["red", 1, 2.5, 3], ["blue", 1, "?", 4]])
    here("train", "t.csv", "--target", "answer", "--epochs", "60", "--out", "m.safetensors", cwd=folder)
    return folder
