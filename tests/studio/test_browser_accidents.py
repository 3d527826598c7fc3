"""The page when something happens: other pages, reloads, a studio that ends, is started again, or sleeps."""

from typing import Any

from tests.studio.browser import Pages, Served, updates, wait


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
    assert page.get_by_role("button", name="Pause").is_visible()
    page.get_by_role("button", name="Pause").click()


def test_without_the_token_the_page_says_which_address_to_open(pages: Pages) -> None:
    page = pages.open(address=f"{pages.served.origin}/#another")
    wait(lambda: "open the address that it printed last" in page.locator(".banner").inner_text())
    pages.said.clear()  # the browser notes each answer 401


def test_a_studio_that_ends_is_said_and_a_page_comes_back_to_it(learning: Any, served: Served, pages: Pages) -> None:
    page = learning
    page.context.set_offline(True)
    served.worker.closed = True  # its streams end
    served.worker._commands.put(None)
    for notify in list(served.worker._listeners):
        notify()
    wait(lambda: "does not answer" in page.locator(".banner").inner_text())
    pages.said.clear()
