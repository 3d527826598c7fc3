"""Sessions in a folder of their own, with a small table in it; pages of a studio in a real browser."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.studio import browser

from chainrule.studio import Session

ROWS = 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with `flowers.csv`: two columns of numbers, one of words, the kind."""
    return _flowers(tmp_path / "work")


def _flowers(root: Path) -> Path:
    root.mkdir()
    with (root / "flowers.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["width", "height", "colour", "kind"])
        for k in range(ROWS):
            kind = "tall" if k % 2 else "small"
            writer.writerow([f"{k / 7:.3f}", 3 * (k % 2) + k % 5, ("red", "blue")[k % 3 == 0], kind])
    return root


@pytest.fixture
def session(folder: Path) -> Session:
    """A session in the folder, without data."""
    return Session(folder)


@pytest.fixture
def circles(session: Session) -> Session:
    """A session with a small set of circles."""
    session.do({"do": "open", "set": "circles", "rows": 60, "noise": 0.0})
    return session


@pytest.fixture
def train() -> Callable[[Session], None]:
    """Let a session train until it pauses."""

    def advance(session: Session) -> None:
        while session.running:
            session.advance()

    return advance


# ---------------------------------------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser, for all tests of a file."""
    sync_api, path = browser.playwright(), browser.executable()
    with sync_api.sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=path, args=browser.FLAGS)
        yield one
        one.close()


@pytest.fixture(scope="module")
def studio(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Pages]:
    """A studio and its pages, for all tests of a file."""
    served = browser.Served(_flowers(tmp_path_factory.mktemp("studio") / "work"))
    pages = browser.Pages(chromium, served)
    yield pages
    served.close()


@pytest.fixture(scope="module")
def _window(studio: browser.Pages) -> Any:
    """The page that the tests of a file load again and again."""
    return studio.open(lasts=True)


@pytest.fixture
def pages(studio: browser.Pages) -> Iterator[browser.Pages]:
    """The pages of a new session; afterwards consoles are silent and requests are all of this machine."""
    studio.served.begin()
    yield studio
    studio.check()


@pytest.fixture
def served(pages: browser.Pages) -> browser.Served:
    """The studio behind the pages."""
    return pages.served


@pytest.fixture
def page(pages: browser.Pages, _window: Any) -> Any:
    """A page without data."""
    return _loaded(_window, pages)


@pytest.fixture
def learning(pages: browser.Pages, _window: Any) -> Any:
    """A page on which a network is about to learn circles."""
    pages.served.begin("circles")
    return browser.drawn(_loaded(_window, pages))


def _loaded(window: Any, pages: browser.Pages) -> Any:
    window.goto("about:blank")
    window.goto(pages.served.address)
    window.wait_for_selector(".sets button")
    return window
