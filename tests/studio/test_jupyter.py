"""The studio in JupyterLab, once: a cell shows it, and a click makes an update of the network in the kernel."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("jupyterlab", reason="jupyterlab is not installed: pip install jupyterlab")
pytest.importorskip("anywidget", reason="anywidget is not installed: pip install 'chainrule[notebook]'")

_SPEC = importlib.util.spec_from_file_location("browser", Path(__file__).with_name("browser.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
browser = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(browser)
sync_api, EXECUTABLE = browser.playwright(), browser.executable()

pytestmark = pytest.mark.full

CODE = """import chainrule as cr, numpy as np
from chainrule.studio import studio
X = np.random.default_rng(0).random((40, 2))
widget = studio(cr.Network([2, 3, 1], "tanh", seed=0), X, (X[:, :1] > X[:, 1:]) * 1.0)
widget"""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """The address of a JupyterLab whose folder has `n.ipynb`."""
    cells = [
        {"cell_type": "code", "id": "a", "source": CODE, "metadata": {}, "outputs": [], "execution_count": None},
        {
            "cell_type": "code",
            "id": "b",
            "source": "print('changed', bool((widget.network.theta != cr.Network([2, 3, 1], 'tanh').theta).any()))",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        },
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "n.ipynb").write_text(json.dumps(notebook))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    source = str(Path(__file__).resolve().parents[2] / "src")
    environment = {**os.environ, "PYTHONPATH": source, "HOME": str(tmp_path), "JUPYTER_PLATFORM_DIRS": "1"}
    options = [
        "--no-browser",
        "--allow-root",
        f"--port={port}",
        "--IdentityProvider.token=",
        "--ServerApp.ip=127.0.0.1",
    ]
    command = [sys.executable, "-m", "jupyterlab", *options]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"{address}/api", timeout=2).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "JupyterLab does not answer"
                time.sleep(0.5)
        yield address
        process.terminate()


def test_a_cell_shows_the_studio_and_a_click_makes_an_update(lab: str) -> None:
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=EXECUTABLE, args=browser.FLAGS)
        page = chromium.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(120_000)
        page.goto(f"{lab}/lab/tree/n.ipynb")
        page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']")
        page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
        page.keyboard.press("Shift+Enter")
        page.wait_for_selector(".studio .graph .link")
        page.locator(".studio button.update").click()
        page.wait_for_function("document.querySelector('.studio .place').textContent.includes('update 1')")
        page.locator(".studio [data-key='weight 2 1 1']").focus()
        page.keyboard.press("Enter")
        page.wait_for_selector(".studio .equation math")
        if "CHAINRULE_SCREENSHOT" in os.environ:
            page.screenshot(path=os.environ["CHAINRULE_SCREENSHOT"])
        page.locator(".jp-Notebook .jp-CodeCell .cm-content").last.click()
        page.keyboard.press("Shift+Enter")
        page.get_by_text("changed True", exact=True).wait_for()
        chromium.close()
