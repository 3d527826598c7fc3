"""A real browser for the tests of the page: Debian's chromium, by playwright; where there is none, a reason to skip."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


def executable() -> str:
    """The browser: CHAINRULE_BROWSER, or chromium on the path. Skips where there is none, unless it is required."""
    path = os.environ.get("CHAINRULE_BROWSER") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        if os.environ.get("CHAINRULE_REQUIRE_BROWSER") == "1":
            pytest.fail("CHAINRULE_REQUIRE_BROWSER=1, and there is no chromium: apt-get install chromium")
        pytest.skip("no browser: apt-get install chromium, or name one in CHAINRULE_BROWSER", allow_module_level=True)
    return path


def playwright() -> Any:
    """The module of playwright. Skips where it is not installed, unless a browser is required."""
    if os.environ.get("CHAINRULE_REQUIRE_BROWSER") == "1":
        from playwright import sync_api

        return sync_api
    return pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")


def axe() -> str:
    """The script of axe-core: CHAINRULE_AXE, or that of an npm install in the checkout. Skips where there is none."""
    named = os.environ.get("CHAINRULE_AXE", "")
    here = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
    path = Path(named) if named else here
    if not path.is_file():
        pytest.skip("no axe-core: npm install axe-core, or name axe.min.js in CHAINRULE_AXE")
    return path.read_text("utf-8")
