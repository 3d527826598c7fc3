"""What every doctest may use: np, and cr for chainrule; files by their path from here."""

import contextlib
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

# Before the first import of NumPy: tests run in as many processes as there are processors, and threads that wait for
# each other there take as much time as those that work. A test of several threads says how many.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import chainrule

ROOT = Path(__file__).parent


@pytest.fixture(scope="session")
def doctest_namespace() -> dict[str, object]:
    """The names that a doctest begins with."""
    return {"np": np, "cr": chainrule}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a page whose examples read real data that are not here; the examples name the folder themselves."""
    if isinstance(item, pytest.DoctestItem) and item.path.suffix == ".md":
        folder = Path(os.environ.get("CHAINRULE_DATA", "../shared/data"))
        if '/ "mnist-10k"' in item.path.read_text("utf-8") and not (ROOT / folder / "mnist-10k").exists():
            pytest.skip("no real data: mnist-10k is neither in CHAINRULE_DATA nor in ../shared/data")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Run doctests in this folder."""
    with contextlib.chdir(ROOT) if isinstance(item, pytest.DoctestItem) else contextlib.nullcontext():
        return (yield)


collect_ignore = ["src/chainrule/exchange/keras/layers.py"]  # it imports Keras, and has no examples
if not find_spec("torch"):
    collect_ignore.append("src/chainrule/exchange/pytorch/modules.py")
if not (find_spec("starlette") and find_spec("uvicorn")):
    collect_ignore.append("src/chainrule/serve")
