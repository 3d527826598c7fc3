"""The page when something happens: other pages, reloads, a browser that is killed, a studio that ends or sleeps."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.studio import browser
from tests.studio.browser import ROOT, Pages, Served, drawn, place, still, updates, wait

ASKED_FIRST = ("form", "setup", "events")  # what the page asks the studio for; the console notes each that is refused


def banner(page: Any) -> str:
    return str(page.locator(".banner").inner_text())


# ---------------------------------------------------------------------------------------------- pages


def test_two_pages_at_once_see_the_same(pages: Pages) -> None:
    first, second = pages.open(), pages.open()
    first.get_by_role("button", name="Circles").click()
    second.wait_for_selector(".graph .link")
    second.get_by_role("button", name="One update", exact=True).click()
    wait(lambda: updates(first) == 1 and updates(second) == 1)
    first.get_by_label("Activation of layer 2").select_option("relu")
    wait(lambda: "4 relu" in second.locator(".picture .about").inner_text())


def test_a_page_that_is_loaded_again_goes_on_where_it_was(learning: Any) -> None:
    page = learning
    page.get_by_role("button", name="Run", exact=True).click()
    wait(lambda: updates(page) > 100)
    page.reload()
    page.wait_for_selector(".graph .link")
    wait(lambda: updates(page) > 100)
    page.get_by_role("button", name="Pause").click()


def test_a_page_that_nobody_sees_asks_for_nothing_and_comes_back(learning: Any, served: Served) -> None:
    page = learning
    page.get_by_label("Speed").select_option("20")
    page.get_by_role("button", name="Run", exact=True).click()
    wait(lambda: updates(page) > 0)
    hide = "hidden => {Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
    page.evaluate(hide + "document.dispatchEvent(new Event('visibilitychange'));}", True)
    wait(lambda: not served.worker._listeners)
    seen = still(page)
    wait(lambda: served.session.work.required().updates > seen + 3)  # training goes on
    assert updates(page) == seen
    page.evaluate(hide + "document.dispatchEvent(new Event('visibilitychange'));}", False)
    wait(lambda: updates(page) > seen + 3)
    wait(page.locator(".banner").is_hidden)


def test_a_browser_that_is_killed_leaves_the_studio_at_work(chromium: Any, pages: Pages, served: Served) -> None:
    served.begin("circles")
    others = len(served.worker._listeners)
    killed = chromium.browser_type.launch(executable_path=browser.executable(), args=browser.FLAGS)
    page = killed.new_page()
    page.goto(served.address)
    drawn(page).get_by_role("button", name="Run", exact=True).click()
    wait(lambda: updates(page) > 0)
    with contextlib.suppress(browser.playwright().Error):  # its connection ends
        killed.new_browser_cdp_session().send("Browser.crash")
    wait(lambda: len(served.worker._listeners) <= others)
    before = served.session.work.required().updates
    wait(lambda: served.session.work.required().updates > before)
    again = drawn(pages.open())
    wait(lambda: updates(again) > before)
    again.get_by_role("button", name="Pause").click()


def test_without_the_token_the_page_says_which_address_to_open(pages: Pages) -> None:
    page = pages.open(address=f"{pages.served.origin}/#another")
    wait(lambda: "open the address that it printed last" in banner(page) and len(pages.said) == len(ASKED_FIRST))
    assert all("401" in note for note in pages.said)
    pages.said.clear()


# ---------------------------------------------------------------------------------------------- the studio


class Started:
    """`chainrule studio`, started in a folder, and again at the same port."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.port, self.url = folder, 0, ""
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "chainrule", "studio", "--no-browser", "--json", f"--port={self.port}"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        self.process = subprocess.Popen(command, cwd=self._folder, env=environment, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        ready = json.loads(self.process.stdout.readline())
        self.port, self.url = ready["port"], ready["url"]

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        """End it as Ctrl-C does."""
        self.send(signal.SIGINT)
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    one = Started(tmp_path)
    yield one
    one.kill()


Opened = Callable[[str], Any]


@pytest.fixture
def opened(chromium: Any) -> Iterator[Opened]:
    """Open a page whose console may say that the studio does not answer."""
    context = chromium.new_context()

    def open_page(url: str) -> Any:
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(url)
        page.wait_for_selector(".sets button")
        return page

    yield open_page
    context.close()


def test_a_studio_that_slept_goes_on_without_a_rush(started: Started, opened: Opened) -> None:
    """A laptop that sleeps stops the process; the page's questions wait, and the speed is what it was afterwards."""
    page = opened(started.url)
    page.get_by_role("button", name="Circles").click()
    drawn(page).get_by_label("Speed").select_option("20")
    page.get_by_role("button", name="Run", exact=True).click()
    wait(lambda: updates(page) > 5)
    started.send(signal.SIGSTOP)
    before = still(page)
    time.sleep(1.5)
    assert updates(page) == before
    woken = time.monotonic()
    started.send(signal.SIGCONT)
    wait(lambda: updates(page) > before)
    assert updates(page) < before + 15 + 20 * (time.monotonic() - woken)  # not those of the time that it slept, at once
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Run", exact=True).wait_for()


def test_a_studio_that_is_started_again_says_so_and_goes_on_where_it_was(started: Started, opened: Opened) -> None:
    page = opened(started.url)
    page.get_by_role("button", name="Circles").click()
    drawn(page).get_by_role("button", name="One epoch").click()
    wait(lambda: updates(page) == 28)
    assert started.end() == 130
    wait(lambda: "The studio does not answer." in banner(page))
    started.start()
    wait(lambda: "open the address that it printed last" in banner(page))
    again = opened(started.url)
    again.get_by_role("button", name="Go on with the set circles at update 28").click()
    wait(lambda: "update 28" in place(drawn(again)))
    again.get_by_role("button", name="One update", exact=True).click()
    wait(lambda: updates(again) == 29)
