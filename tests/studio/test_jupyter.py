"""The studio in JupyterLab, once: a cell shows it, and a click makes an update of the network in the kernel."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.studio.browser import ROOT

pytestmark = pytest.mark.full
pytest.importorskip("jupyterlab", reason="jupyterlab is not installed: pip install jupyterlab")
pytest.importorskip("anywidget", reason="anywidget is not installed: pip install 'chainrule[notebook]'")

CODE = """import chainrule as cr, numpy as np
from chainrule.studio import studio
X = np.random.default_rng(0).random((40, 2))
widget = studio(cr.Network([2, 3, 1], "tanh", seed=0), X, (X[:, :1] > X[:, 1:]) * 1.0)
widget"""
CHANGED = "print('changed', (widget.network.theta != cr.Network([2, 3, 1], 'tanh', seed=0).theta).any())"


def _notebook(path: Path) -> None:
    empty = {"metadata": {}, "outputs": [], "execution_count": None, "cell_type": "code"}
    cells = [{**empty, "id": name, "source": source} for name, source in (("a", CODE), ("b", CHANGED))]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """The address of a JupyterLab whose folder has `n.ipynb`."""
    _notebook(tmp_path / "n.ipynb")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "HOME": str(tmp_path), "JUPYTER_PLATFORM_DIRS": "1"}
    options = [
        "--no-browser",
        "--allow-root",
        f"--port={port}",
        "--IdentityProvider.token=",
        "--ServerApp.ip=127.0.0.1",
    ]
    command = [sys.executable, "-m", "jupyterlab", *options]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, **silent) as process:  # type: ignore[call-overload]
        try:
            _until(lambda: _json(f"http://127.0.0.1:{port}/api"))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _json(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=10) as answer:
        return json.load(answer)


def _until(condition: Callable[[], Any]) -> None:
    """Wait until JupyterLab answers, and what it answers is so."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if condition():
                return
        time.sleep(0.5)
    pytest.fail("JupyterLab is not ready after two minutes")


def test_a_cell_shows_the_studio_and_keys_and_clicks_reach_it(lab: str, chromium: Any) -> None:
    page = chromium.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(120_000)
    page.goto(f"{lab}/lab/tree/n.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    _until(lambda: [each["execution_state"] for each in _json(f"{lab}/api/kernels")] == ["idle"])
    page.locator(".jp-KernelName", has_text="Python 3").wait_for()  # a cell that is run before asks which kernel it is
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    cells.first.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector(".studio .graph .link[aria-label]", state="attached")
    page.locator(".studio button.update").click()
    page.locator(".studio .place", has_text="update 1").wait_for()
    page.locator(".studio button.update").press("u")  # a key of the studio, not one of JupyterLab
    page.locator(".studio .place", has_text="update 2").wait_for()
    page.locator(".studio [data-key='weight 2 1 1']").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".studio .equation math", state="attached")
    if "CHAINRULE_SCREENSHOT" in os.environ:
        page.screenshot(path=os.environ["CHAINRULE_SCREENSHOT"])
    cells.last.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    page.get_by_text("changed True", exact=True).wait_for()
    _until(lambda: cells.count() == 2 or cells.last.locator(".cm-content").inner_text() == "\n")
    page.close()
