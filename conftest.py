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


collect_ignore = ["src/chainrule/exchange/keras/layers.py"]  # it imports Keras, and has no examples
if not find_spec("torch"):
    collect_ignore.append("src/chainrule/exchange/pytorch/modules.py")
if not (find_spec("starlette") and find_spec("uvicorn")):
    collect_ignore.append("src/chainrule/serve")
