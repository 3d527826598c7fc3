"""What every doctest may use: np, and cr for chainrule; files by their path from here."""

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import chainrule

ROOT = Path(__file__).parent


@pytest.fixture(autouse=True)
def _surroundings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if isinstance(request.node, pytest.DoctestItem):
        request.getfixturevalue("doctest_namespace").update(np=np, cr=chainrule)
        monkeypatch.chdir(ROOT)
        _require_data(request.node.path)


def _require_data(page: Path) -> None:
    """Skip a page whose examples read real data that are not here; the examples name the folder themselves."""
    folder = Path(os.environ.get("CHAINRULE_DATA", "../shared/data"))
    if page.suffix == ".md" and '/ "mnist-10k"' in page.read_text("utf-8") and not (folder / "mnist-10k").exists():
        pytest.skip("no real data: mnist-10k is neither in CHAINRULE_DATA nor in ../shared/data")


collect_ignore = ["src/chainrule/exchange/keras/layers.py"]  # it imports Keras, and has no examples
if not find_spec("torch"):
    collect_ignore.append("src/chainrule/exchange/pytorch/modules.py")
if not (find_spec("starlette") and find_spec("uvicorn")):
    collect_ignore.append("src/chainrule/serve")
