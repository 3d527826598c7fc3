"""The page in a real browser: files that are dropped, written, opened; names that are markup."""

import base64
from typing import Any

from tests.studio.browser import Pages, Served, drawn, tab, updates, wait

import chainrule as cr

HOSTILE = "<img src=x onerror=alert(1)>"
DROP = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name, { type: 'text/csv' }));
  document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


def test_columns_and_files_called_like_a_script_stay_text(page: Any, served: Served, pages: Pages) -> None:
    """A column, a class, a file and a target whose names are markup: dropped on the page, learned, explained."""
    rows = "".join(f"{k % 7},{k % 5},{'<b>yes</b>' if k % 2 else '</script>'}\n" for k in range(40))
    table = f'{HOSTILE},"a""\'><svg onload=alert(2)>",<script>alert(3)</script>\n{rows}'
    page.evaluate(DROP, [f"{HOSTILE}.csv", base64.b64encode(table.encode()).decode()])
    page.get_by_label("Column to learn").select_option("<script>alert(3)</script>")
    page.get_by_role("button", name="Open the table").click()
    page.wait_for_selector(".graph .link")
    page.get_by_role("button", name="One update", exact=True).click()
    wait(lambda: updates(drawn(page)) == 1)
    page.locator("[data-key='weight 2 1 1']").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".equation math")
    wait(lambda: HOSTILE in page.locator("[role=tabpanel]:not([hidden])").inner_text())
    for name in ("Tour", "What if", "Take along", "Doctor", "Distributions"):
        tab(page, name)
    assert page.locator("img, script:not([src]), .studio b, .studio svg[onload]").count() == 0
    served.ask(do="record", path="hostile.html")
    copy = drawn(pages.open(address=f"file://{served.folder}/hostile.html"))
    assert copy.locator("img").count() == 0


def test_what_if_sliders_move_the_answer(page: Any) -> None:
    page.get_by_role("button", name="Plane").click()
    page.wait_for_selector(".graph .link")
    panel = tab(page, "What if")
    wait(lambda: panel.locator(".answer").inner_text() != "")
    before = panel.locator(".answer").inner_text()
    panel.get_by_role("slider", name="x1").focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    wait(lambda: panel.locator(".answer").inner_text() != before)


def test_a_model_is_saved_exported_recorded_and_its_python_is_shown(
    learning: Any, served: Served, pages: Pages
) -> None:
    page = learning
    page.get_by_role("button", name="One update", exact=True).click()
    wait(lambda: updates(page) == 1)
    panel = tab(page, "Take along")
    panel.get_by_role("button", name="Save the model").click()
    wait(lambda: "model.safetensors" in panel.locator(".done").inner_text())
    assert (cr.load(served.folder / "model.safetensors").theta == served.session.work.required().net.theta).all()
    panel.get_by_label("Format").select_option("js")
    panel.get_by_role("button", name="Export").click()
    wait((served.folder / "model.js").exists)
    panel.get_by_role("button", name="Show the Python").click()
    wait(lambda: "training.step()" in panel.locator(".python").inner_text())
    panel.get_by_role("button", name="Write a recording").click()
    wait(lambda: "training.html" in panel.locator(".done").inner_text())
    copy = drawn(pages.open(address=f"file://{served.folder}/training.html"))
    wait(lambda: updates(copy) == 1)
    copy.locator("[data-key='weight 2 1 1']").focus()
    copy.keyboard.press("Enter")
    copy.wait_for_selector(".equation math")
    copy.get_by_label("Recorded steps").focus()
    copy.keyboard.press("Home")
    wait(lambda: updates(copy) == 0)


def test_a_model_file_is_opened_evaluated_and_asked(learning: Any, served: Served) -> None:
    cr.train_table(served.folder / "flowers.csv", "kind", epochs=3).save(served.folder / "flowers.safetensors")
    page = learning
    panel = tab(page, "Model file")
    panel.get_by_label("Model file").select_option("flowers.safetensors")
    panel.get_by_role("button", name="Open the model").click()
    wait(lambda: "Model: " in panel.inner_text())
    panel.get_by_label("Table with the true values").select_option("flowers.csv")
    panel.get_by_role("button", name="Evaluate").click()
    wait(lambda: "accuracy" in panel.locator(".scores").inner_text())
    panel = tab(page, "What if")
    panel.get_by_label("colour", exact=True).wait_for()
    wait(lambda: "kind: " in panel.locator(".answer").inner_text())
    wait(lambda: panel.locator(".answer").inner_text().endswith("true small"))  # row 1 of the table
    panel.get_by_label("Row to begin with").fill("2")
    panel.get_by_label("Row to begin with").press("Tab")
    wait(lambda: panel.locator(".answer").inner_text().endswith("true tall"))
    before = panel.locator(".bars").inner_text()
    panel.get_by_label("colour", exact=True).select_option("blue")
    wait(lambda: panel.locator(".bars").inner_text() != before)
