"""Names that every doctest may use: np, and cr for chainrule."""

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

import chainrule


@pytest.fixture(autouse=True)
def _names(doctest_namespace: dict[str, Any]) -> None:
    doctest_namespace.update(np=np, cr=chainrule)


collect_ignore = [] if find_spec("torch") else ["src/chainrule/exchange/pytorch.py"]
