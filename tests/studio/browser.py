"""A real browser for the tests of the page: Debian's chromium, by playwright, and a studio that it opens.

Where there is none, tests are skipped with a reason; with CHAINRULE_REQUIRE_BROWSER=1 they fail.

What a key, a click or an address does is seen some time later: tests `wait` for each state, and read none at once.
"""

import os
import re
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from chainrule.studio import Session

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
TOKEN = "a-token-that-nobody-guesses"
ROOT = Path(__file__).resolve().parents[2]


def lacks(what: str) -> NoReturn:
    """Skip the test for what is missing; fail it where a browser is required."""
    if os.environ.get("CHAINRULE_REQUIRE_BROWSER") == "1":
        pytest.fail(f"CHAINRULE_REQUIRE_BROWSER=1, and there is {what}")
    pytest.skip(f"there is {what}")


def executable() -> str:
    """The browser: CHAINRULE_BROWSER, or chromium on the path."""
    path = os.environ.get("CHAINRULE_BROWSER") or shutil.which("chromium") or shutil.which("chromium-browser")
    return path or lacks("no browser: apt-get install chromium, or name one in CHAINRULE_BROWSER")


def playwright() -> Any:
    """The module of playwright."""
    try:
        from playwright import sync_api
    except ImportError:
        lacks("no playwright: pip install playwright")
    return sync_api


def axe() -> str:
    """The script of axe-core: CHAINRULE_AXE, or that of an npm install in the checkout."""
    named = os.environ.get("CHAINRULE_AXE")
    path = Path(named) if named else ROOT / "node_modules" / "axe-core" / "axe.min.js"
    return path.read_text("utf-8") if path.is_file() else lacks("no axe-core: npm install axe-core, or CHAINRULE_AXE")


class Served:
    """A studio that is served from a folder."""

    def __init__(self, folder: Path) -> None:
        try:
            from chainrule.studio import server
        except ImportError:
            lacks("no starlette or uvicorn: pip install 'chainrule[studio]'")
        from chainrule.studio.worker import Worker

        listener = server.listen("127.0.0.1", 0)
        self.folder, self.worker = folder, Worker(Session(folder)).start()
        self.origin = "http://{}:{}".format(*server.address_of(listener))
        self.address = f"{self.origin}/#{TOKEN}"
        self._end, ready = threading.Event(), threading.Event()
        arguments = {"stopped": self._end.is_set, "ready": ready.set}
        self._thread = threading.Thread(target=server.run, args=(self.worker, TOKEN, listener), kwargs=arguments)
        self._thread.start()
        assert ready.wait(60)

    @property
    def session(self) -> Session:
        return self.worker.session

    def ask(self, **command: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.worker.ask(command).result(60)
        return answer

    def begin(self, name: str | None = None) -> None:
        """A new session in the same folder, with a set or without data."""
        self.ask(do="pause")
        self.worker.session = Session(self.folder)
        if name:
            self.ask(do="open", set=name)
            self.ask(do="change", settings={"epochs": 10**6})  # so that training does not end on a slow machine

    def close(self) -> None:
        self._end.set()
        self._thread.join(15)


class Pages:
    """Pages of a studio, in a browser: what their consoles say, and what they request."""

    def __init__(self, chromium: Any, served: Served) -> None:
        self.served = served
        self.said: list[str] = []
        self.asked: list[str] = []
        self._chromium, self._contexts = chromium, list[Any]()

    def open(
        self, width: int = 1280, height: int = 900, dark: bool = False, address: str | None = None, lasts: bool = False
    ) -> Any:
        """A page in a window of its own, at the address of the studio or at another one; until the test's end, or the
        browser's if it `lasts`."""
        scheme = "dark" if dark else "light"
        context = self._chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        if not lasts:
            self._contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(address or self.served.address)
        if address is None:
            page.wait_for_selector(".sets button")
        return page

    def check(self) -> None:
        """Close the windows. Refuse a word on a console, and a request that left this machine."""
        said, asked = self.said[:], self.asked[:]
        self.said.clear()
        self.asked.clear()
        for context in self._contexts:
            context.close()
        self._contexts.clear()
        assert [url for url in asked if not url.startswith((self.served.origin, "data:", "file:", "blob:"))] == []
        assert said == []


def wait(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until a condition holds. A message of a console comes only while the condition asks the page something."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.03)


def drawn(page: Any) -> Any:
    """The page, once its network is drawn."""
    page.wait_for_selector(".graph .link[aria-label]", state="attached")
    return page


def tab(page: Any, name: str) -> Any:
    """Open a tab, and give its panel."""
    page.get_by_role("tab", name=name).click()
    panel = page.get_by_role("tabpanel", name=name)
    panel.wait_for()
    return panel


def place(page: Any) -> str:
    """Where the training is, as the page says it."""
    return str(page.locator(".place").inner_text())


def updates(page: Any) -> int:
    """The number of updates, as the page says it; -1 before it says one."""
    number = re.search(r"update ([\d,]+)", place(page))
    return int(number[1].replace(",", "")) if number else -1


def still(page: Any) -> int:
    """The number of updates, once it has been the same for half a second."""
    seen = [-2]

    def same() -> bool:
        before, seen[0] = seen[0], updates(page)
        time.sleep(0.5)
        return before == seen[0] == updates(page)

    wait(same)
    return seen[0]
