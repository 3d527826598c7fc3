"""What every test of training may ask for."""

from pathlib import Path

import pytest


@pytest.fixture
def every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call of the engine makes one update, so that Progress comes after each."""
    monkeypatch.setattr("chainrule.training.updates.CALL_SECONDS", 0.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The path of a checkpoint that does not exist yet."""
    return tmp_path / "run.safetensors"
