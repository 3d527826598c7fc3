"""The report in a browser: it fits a telephone, asks for nothing, and its policy has nothing to say."""

import numpy as np
import pytest
from tests.studio import browser

import chainrule as cr


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    driver, chromium = browser.playwright(), browser.executable()
    draw, path = np.random.default_rng(0), tmp_path_factory.mktemp("report") / "r.html"
    x = draw.normal(size=80)
    table = {"<img src=x onerror=alert(1)>": x.tolist(), "w" * 90: ["a", "</script>"] * 40, "y": (x > 0).tolist()}
    model = cr.train_table(table, "y", epochs=3, hidden=(4,), seed=0, validation=0.2)
    model.report(path, table, title="</title><script>alert(1)</script>")
    with driver.sync_playwright() as play:
        one = play.chromium.launch(executable_path=chromium, args=browser.FLAGS)
        yield lambda **context: _opened(one.new_context(**context).new_page(), path)
        one.close()


def _opened(page, path):
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    return page, said, asked


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_nothing_is_wider_than_the_screen_and_nothing_is_asked_for(page, width, scheme):
    opened, said, asked = page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert opened.evaluate("document.documentElement.scrollWidth") == width
    assert said == []
    assert len(asked) == 1
    assert opened.locator("svg[role=img]").count() > 3
    assert opened.locator("script").count() == 0
    background = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 24, 28)")


def test_links_and_tables_can_be_reached_by_keys(page):
    opened, _, _ = page(viewport={"width": 360, "height": 800})
    opened.keyboard.press("Tab")
    opened.wait_for_function("document.activeElement.getAttribute('href') === '#use'")
    opened.keyboard.press("Enter")
    opened.wait_for_url("**/r.html#use")
    assert opened.locator(".scroll:not([tabindex='0'])").count() == 0
