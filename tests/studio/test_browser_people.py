"""The page for every person: keyboard, screen reader, narrow and wide, dark and light, without a jump."""

import time
from typing import Any

import pytest
from tests.studio import browser
from tests.studio.browser import Pages, drawn, tab, updates, wait

SHOWN = {  # what each tab shows at last
    "Equations": ".equation math",
    "Tour": ".tour-title",
    "Distributions": "canvas.spread",
    "Doctor": "button",
    "What if": ".bars table",
    "Take along": "button",
    "Model file": "option",
}

WIDTHS = [
    (360, False),
    (1280, True),
    *(
        pytest.param(*each, marks=pytest.mark.full)
        for each in ((360, True), (720, False), (1280, False), (3840, False))
    ),
]


@pytest.mark.parametrize(("width", "dark"), WIDTHS)
def test_axe_finds_no_violation_and_nothing_is_wider_than_the_page(pages: Pages, width: int, dark: bool) -> None:
    script = browser.axe()
    pages.served.begin("circles")
    page = drawn(pages.open(width, 900, dark))
    page.get_by_role("button", name="One epoch").click()
    wait(lambda: updates(page) == 28)
    page.locator("[data-key='neuron 2 1']").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".equation math")
    cdp = page.context.new_cdp_session(page)
    cdp.send("Page.setBypassCSP", {"enabled": True})
    for name, selector in SHOWN.items():
        tab(page, name).locator(selector).first.wait_for(state="attached")
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        if page.evaluate("typeof window.axe") == "undefined":
            cdp.send("Runtime.evaluate", {"expression": script})
        answer = cdp.send(
            "Runtime.evaluate",
            {
                "expression": "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map("
                "v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(' | ')))",
                "awaitPromise": True,
                "returnByValue": True,
            },
        )
        assert answer["result"]["value"] == [], name


def test_a_screen_reader_hears_names_and_numbers(learning: Any) -> None:
    page = learning
    for words in (
        'button "Run"',
        'group "Training"',
        'heading "Data"',
        'combobox "Optimizer"',
        'tab "Equations" [selected]',
        "weight ",
        "from neuron 1 of layer 1 (x1) to neuron 2 of layer 2",
        "neuron 1 of layer 4 (inside), bias",
    ):
        wait(lambda words=words: words in page.locator("main").aria_snapshot())  # type: ignore[misc]


def test_the_page_does_not_jump_while_training_runs(learning: Any) -> None:
    page = learning
    page.get_by_role("button", name="One epoch").click()
    wait(lambda: updates(page) == 28 and page.locator(".curve canvas").count() == 2)
    where = "() => [...document.querySelectorAll('.panel, .tabs')].map(e => e.getBoundingClientRect().top)"
    page.get_by_role("button", name="Run", exact=True).click()
    places = []
    for _ in range(6):
        places.append(page.evaluate(where))
        time.sleep(0.1)
    page.get_by_role("button", name="Pause").click()
    assert all(each == places[0] for each in places)
