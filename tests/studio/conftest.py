"""Sessions in a folder of their own, with a small table in it."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from chainrule.studio import Session

ROWS = 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with `flowers.csv`: two columns of numbers, one of words, the kind."""
    root = tmp_path / "work"
    root.mkdir()
    with (root / "flowers.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["width", "height", "colour", "kind"])
        for k in range(ROWS):
            kind = "tall" if k % 2 else "small"
            writer.writerow([f"{k / 7:.3f}", 3 * (k % 2) + k % 5, ("red", "blue")[k % 3 == 0], kind])
    return root


@pytest.fixture
def session(folder: Path) -> Session:
    """A session in the folder, without data."""
    return Session(folder)


@pytest.fixture
def circles(session: Session) -> Session:
    """A session with a small set of circles."""
    session.do({"do": "open", "set": "circles", "rows": 60, "noise": 0.0})
    return session


@pytest.fixture
def train() -> Callable[[Session], None]:
    """Let a session train until it pauses."""

    def advance(session: Session) -> None:
        while session.running:
            session.advance()

    return advance
