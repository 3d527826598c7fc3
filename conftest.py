"""What every doctest may use: np, and cr for chainrule; files by their path from here."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import chainrule


@pytest.fixture(autouse=True)
def _surroundings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if isinstance(request.node, pytest.DoctestItem):
        request.getfixturevalue("doctest_namespace").update(np=np, cr=chainrule)
        monkeypatch.chdir(Path(__file__).parent)


NEEDED = {"torch": "src/chainrule/exchange/pytorch/modules.py", "keras": "src/chainrule/exchange/keras/layers.py"}
collect_ignore = [path for name, path in NEEDED.items() if not find_spec(name)]
