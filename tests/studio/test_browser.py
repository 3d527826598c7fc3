"""The page in a real browser, used as a person uses it: data, the network, its training and its equations."""

import re
import time
from typing import Any

from tests.studio.browser import Pages, Served, still, tab, updates, wait


def test_the_empty_page_says_what_to_do_and_a_set_opens_by_a_click(page: Any) -> None:
    page.get_by_text("Nothing learns here yet.").wait_for()
    wait(page.get_by_role("button", name="Run", exact=True).is_disabled)
    page.get_by_role("button", name="Circles").click()
    page.wait_for_selector(".graph .link")
    wait(lambda: "280 rows to train on, 120 held out" in page.locator(".data .about").inner_text())
    wait(lambda: page.get_by_role("button", name="Circles").get_attribute("aria-pressed") == "true")


def test_rows_noise_and_inputs_of_a_set_can_be_chosen(page: Any, served: Served) -> None:
    page.get_by_role("button", name="Spirals").click()
    page.wait_for_selector(".graph .link")
    page.get_by_label("Rows", exact=True).fill("100")
    page.get_by_label("Rows", exact=True).press("Tab")
    wait(lambda: served.session.work.source["rows"] == 100)
    page.get_by_label("x1·x2").check()
    wait(lambda: served.session.work.source["features"] == ["x1", "x2", "x1·x2"])
    wait(lambda: page.locator(".graph .links .link").count() == 3 * 4 + 4 * 2 + 2)


def test_a_table_of_the_folder_is_opened_with_its_columns_read(page: Any) -> None:
    page.get_by_text("Your own table").click()
    page.get_by_label("In this folder").select_option("flowers.csv")
    page.wait_for_selector("select >> option[value=kind]", state="attached")
    page.get_by_label("Column to learn").select_option("kind")
    page.get_by_role("button", name="Open the table").click()
    page.wait_for_selector(".columns-read:not([hidden])")
    page.get_by_text("How the columns are read").click()
    wait(lambda: "mean" in page.get_by_role("row", name="width").inner_text())
    wait(lambda: page.locator(".picture .about").inner_text().endswith("2 softmax (cross_entropy)"))


# ---------------------------------------------------------------------------------------------- the network


def test_layers_neurons_activations_and_settings_by_clicks(page: Any, served: Served) -> None:
    page.get_by_role("button", name="Exclusive or").click()
    page.wait_for_selector(".graph .link")
    about = page.locator(".picture .about")
    page.get_by_role("button", name="Add a neuron to layer 2").click()
    wait(lambda: "5 tanh" in about.inner_text())
    page.get_by_role("button", name="Remove a neuron from layer 3").click()
    wait(lambda: "1 tanh" in about.inner_text())
    page.get_by_role("button", name="Add a layer").click()
    wait(lambda: about.inner_text().count("tanh") == 3)
    page.get_by_role("button", name="Remove layer 4").click()
    wait(lambda: about.inner_text().count("tanh") == 2)
    page.get_by_label("Activation of layer 2").select_option("relu")
    wait(lambda: "5 relu" in about.inner_text())
    page.locator(".design").get_by_label("Output", exact=True).select_option("identity")
    wait(lambda: "1 identity (quadratic)" in about.inner_text())
    page.get_by_label("Cost", exact=True).select_option("absolute")
    wait(lambda: "(absolute)" in about.inner_text())
    page.get_by_label("First weights").select_option("he_normal")
    page.get_by_label("Numbers").select_option("float64")
    page.get_by_label("Optimizer").select_option("sgd")
    page.get_by_label("momentum").fill("0.9")
    page.get_by_label("momentum").press("Tab")
    page.get_by_label("Schedule").select_option("cosine")
    for name, value in {"Batch size": "20", "Dropout": "0.1", "Penalty l1 (sizes)": "0.01", "Seed": "7"}.items():
        page.get_by_label(name).fill(value)
        page.get_by_label(name).press("Tab")

    def design() -> tuple[Any, ...]:
        training = served.session.work.design.training
        rule = (training.optimizer.name, getattr(training.optimizer, "momentum", None), training.schedule)
        numbers = (training.batch_size, training.dropout, training.l1, training.seed)
        return (*rule[:2], getattr(rule[2], "name", None), *numbers, served.session.work.design.dtype)

    wait(lambda: design() == ("sgd", 0.9, "cosine", 20, 0.1, 0.01, 7, "float64"))


def test_a_setting_that_is_not_allowed_says_so_beside_it_and_goes_back(page: Any, pages: Pages) -> None:
    page.get_by_role("button", name="Two clouds").click()
    page.wait_for_selector(".graph .link")
    page.get_by_label("Dropout").fill("2")
    page.get_by_label("Dropout").press("Tab")
    error = page.locator(".design .error")
    wait(lambda: "dropout" in error.inner_text() and page.get_by_label("Dropout").input_value() == "0")
    wait(lambda: page.locator(".design").is_visible() and len(pages.said) == 1)
    assert pages.said.pop().startswith("error: Failed to load resource")


# ---------------------------------------------------------------------------------------------- training


def test_run_pause_epoch_update_back_and_again_by_clicks_and_by_keys(learning: Any, served: Served) -> None:
    page = learning
    page.get_by_role("button", name="One update", exact=True).click()
    wait(lambda: updates(page) == 1)
    page.get_by_role("button", name="One epoch").click()
    wait(lambda: updates(page) == 28)
    page.get_by_role("button", name="Back one update").click()
    wait(lambda: updates(page) == 27)
    page.get_by_role("button", name="Run", exact=True).click()
    wait(lambda: updates(page) > 200)
    page.get_by_role("button", name="Pause").click()
    wait(lambda: page.get_by_role("button", name="Run", exact=True).is_visible())
    page.get_by_role("button", name="Start again").click()
    wait(lambda: updates(page) == 0)
    page.get_by_role("button", name="One update", exact=True).focus()
    for key, expected in (("u", 1), ("u", 2), ("b", 1), ("e", 28), ("0", 0)):
        page.keyboard.press(key)
        wait(lambda expected=expected: updates(page) == expected)  # type: ignore[misc]
    page.get_by_label("Speed").select_option("20")
    wait(lambda: served.session.work.speed == 20)
    page.get_by_role("button", name="Run", exact=True).focus()
    began = time.monotonic()
    page.keyboard.press("r")
    wait(lambda: updates(page) >= 15)
    page.keyboard.press("r")
    wait(lambda: not served.session.running)
    assert still(page) <= 40 + 20 * (time.monotonic() - began)


def test_curves_surface_points_and_pictures_are_drawn(learning: Any) -> None:
    page = learning
    for epoch in (1, 2, 3):
        page.get_by_role("button", name="One epoch").click()
        wait(lambda epoch=epoch: updates(page) == 28 * epoch)  # type: ignore[misc]
    wait(lambda: page.locator(".curve canvas").count() == 2)
    inked = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(v => v > 0)"
    for selector in (".ground", ".graph-ground", ".over", ".curve canvas >> nth=0"):
        wait(lambda selector=selector: page.locator(selector).evaluate(inked))  # type: ignore[misc]
    wait(lambda: bool(re.search(r"accuracy 0\.\d+, held out 0\.\d+", page.locator(".costs").inner_text())))
    with_held_out = page.locator(".over").evaluate("canvas => canvas.toDataURL()")
    page.get_by_label("show rows held out").uncheck()
    wait(lambda: page.locator(".over").evaluate("canvas => canvas.toDataURL()") != with_held_out)


def test_any_two_of_many_inputs_are_axes_and_many_weights_are_matrices(page: Any, served: Served) -> None:
    page.get_by_role("button", name="Digits").click()
    wait(lambda: page.locator(".matrices .matrix").count() == 3)
    page.get_by_label("Across").select_option(label="pixel_3_4")
    wait(lambda: served.session.work.axes.x == 28)
    page.get_by_role("button", name="weight").first.click()
    page.wait_for_selector(".equation math")
    page.locator(".matrix").first.click(position={"x": 5, "y": 10})
    chosen = page.locator(".chooser input").first  # the row of the matrix that was clicked
    wait(lambda: 2 <= int(chosen.input_value()) <= 6)
    i = chosen.input_value()
    wait(lambda: f"w_{i}1²" in page.locator(".formula-scroll").nth(3).get_attribute("aria-label"))


# ---------------------------------------------------------------------------------------------- the equations


def test_few_weights_are_matrices_where_a_person_chooses_it(learning: Any) -> None:
    page = learning
    page.get_by_label("weights as matrices").check()
    wait(lambda: page.locator(".matrices .matrix").count() == 3 and page.locator(".graph").is_hidden())
    page.get_by_label("weights as matrices").uncheck()
    page.locator(".graph").wait_for()


def test_a_weight_a_neuron_and_a_layer_show_the_numbers_of_the_ledger(learning: Any, served: Served) -> None:
    page = learning
    page.get_by_role("button", name="One update", exact=True).click()
    wait(lambda: updates(page) == 1)
    assert not page.locator(".equation").count()  # hidden by default
    page.locator("[data-key='weight 2 2 3']").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".equation math")
    trainer = served.session.work.required()
    equation = str(trainer.ledger([0]).example(0).weight(2, 2, 3))
    labels = "all => all.map(e => e.getAttribute('aria-label'))"
    wait(lambda: equation in page.locator(".equation .formula-scroll").evaluate_all(labels))
    page.locator("[data-key='neuron 3 1']").click()
    wait(lambda: page.get_by_text("neuron 1 of layer 3").count() > 0)
    page.locator("[data-key='layer 3']").click()
    wait(lambda: page.get_by_text("layer 3 of 4: 4 → 2 tanh").count() > 0)
    page.get_by_label("Row", exact=True).fill("9")
    page.get_by_label("Row", exact=True).press("Tab")
    wait(lambda: "row 9:" in page.locator("[role=tabpanel]:not([hidden]) .about").inner_text())
    page.get_by_label("Letters").select_option("BP")
    wait(lambda: "W³" in page.locator(".formula-scroll").first.get_attribute("aria-label"))
    page.get_by_role("button", name="LaTeX").first.click()
    wait(lambda: "\\" in page.locator(".latex").first.inner_text())


def test_arrow_keys_go_through_the_network_and_the_focus_is_seen(learning: Any) -> None:
    page = learning

    def focus() -> str:
        return str(page.evaluate("document.activeElement.getAttribute('aria-label')"))

    page.locator(".graph [tabindex='0']").focus()
    seen = {focus()}
    for _ in range(7):
        page.keyboard.press("ArrowRight")
        wait(lambda: focus() not in seen)
        seen.add(focus())
    assert any(text.startswith("weight ") for text in seen)
    assert page.locator(".graph [tabindex='0']").count() == 1
    page.keyboard.press("End")
    wait(lambda: "layer 4" in focus())


def test_the_tour_goes_through_eight_steps(learning: Any) -> None:
    page = learning
    panel = tab(page, "Tour")
    panel.get_by_role("button", name="Begin the tour").click()
    titles = []
    for step in range(1, 9):
        wait(lambda step=step: panel.get_by_text(f"step {step} of 8").is_visible())  # type: ignore[misc]
        titles.append(panel.locator(".tour-title").inner_text())
        wait(lambda step=step: page.locator(".graph .chosen").count() == (step > 1))  # type: ignore[misc]
        page.keyboard.press("ArrowRight")
    assert titles[0] == "1. The example"
    assert titles[7] == "8. The update"
    wait(panel.get_by_role("button", name="Next step").is_disabled)


def test_distributions_findings_and_the_certificate(learning: Any) -> None:
    page = learning
    page.get_by_role("button", name="One epoch").click()
    panel = tab(page, "Distributions")
    wait(lambda: panel.locator("canvas.spread").count() == 12)
    wait(lambda: "δ of layer 2, median" in panel.inner_text())
    panel = tab(page, "Doctor")
    panel.get_by_role("button", name="Certify the gradient").click()
    wait(lambda: "The gradient is certified." in panel.inner_text())
    wait(lambda: "layer 2" in panel.locator("pre").inner_text())
