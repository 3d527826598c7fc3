"""The page in a real browser, used as a person uses it: by clicks, keys and files that are dropped.

Every test ends with a look at the console, which must be silent, and at the requests, which must stay on this machine.
"""

import base64
import importlib.util
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="starlette is not installed: pip install 'chainrule[studio]'")
pytest.importorskip("uvicorn", reason="uvicorn is not installed: pip install 'chainrule[studio]'")

import chainrule as cr
from chainrule.studio import Session, server
from chainrule.studio.worker import Worker

_SPEC = importlib.util.spec_from_file_location("browser", Path(__file__).with_name("browser.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
browser = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(browser)
sync_api, EXECUTABLE = browser.playwright(), browser.executable()

TOKEN = "a-token-that-nobody-guesses"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser, for all tests of this file."""
    with sync_api.sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=EXECUTABLE, args=browser.FLAGS)
        yield one
        one.close()


class Served:
    """A studio that is served from a folder."""

    def __init__(self, folder: Path) -> None:
        listener = server.listen("127.0.0.1", 0)
        self.folder, self.worker = folder, Worker(Session(folder)).start()
        self.origin = "http://{}:{}".format(*server.address_of(listener))
        self._end, ready = threading.Event(), threading.Event()
        arguments = {"stopped": self._end.is_set, "ready": ready.set}
        self._thread = threading.Thread(target=server.run, args=(self.worker, TOKEN, listener), kwargs=arguments)
        self._thread.start()
        assert ready.wait(10)

    @property
    def session(self) -> Session:
        return self.worker.session

    def ask(self, **command: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.worker.ask(command).result(30)
        return answer

    def close(self) -> None:
        self._end.set()
        self._thread.join(15)


@pytest.fixture
def served(folder: Path) -> Iterator[Served]:
    one = Served(folder)
    yield one
    one.close()


Opened = Callable[..., Any]


@pytest.fixture
def opened(chromium: Any, served: Served) -> Iterator[Opened]:
    """Open a page of the studio; afterwards its console is silent and its requests are all of this machine."""
    said: list[str] = []
    asked: list[str] = []
    contexts: list[Any] = []

    def open_page(width: int = 1280, height: int = 900, dark: bool = False, path: str = f"/#{TOKEN}") -> Any:
        scheme = "dark" if dark else "light"
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{served.origin}{path}" if path.startswith("/") else path)
        if path.endswith(TOKEN):
            page.wait_for_selector(".sets button")
        return page

    open_page.said = said  # type: ignore[attr-defined]
    yield open_page
    for context in contexts:
        context.close()
    foreign = [url for url in asked if not url.startswith((served.origin, "data:", "file:", "blob:"))]
    assert foreign == []
    assert said == []


def wait(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.03)


def tab(page: Any, name: str) -> Any:
    page.get_by_role("tab", name=name).click()
    return page.get_by_role("tabpanel", name=name)


def place(page: Any) -> str:
    return str(page.locator(".place").inner_text())


def updates(page: Any) -> int:
    return int(place(page).split("update ")[1].split(";")[0].replace(",", ""))


# ---------------------------------------------------------------------------------------------- data


def test_the_empty_page_says_what_to_do_and_a_set_opens_by_a_click(opened: Opened) -> None:
    page = opened()
    assert page.get_by_text("Nothing learns here yet.").is_visible()
    assert page.get_by_role("button", name="Run", exact=True).is_disabled()
    page.get_by_role("button", name="Circles").click()
    page.wait_for_selector(".graph .link")
    assert "280 rows to train on, 120 held out" in page.locator(".data .about").inner_text()
    assert page.get_by_role("button", name="Circles").get_attribute("aria-pressed") == "true"


def test_rows_noise_and_inputs_of_a_set_can_be_chosen(opened: Opened, served: Served) -> None:
    page = opened()
    page.get_by_role("button", name="Spirals").click()
    page.wait_for_selector(".graph .link")
    page.get_by_label("Rows", exact=True).fill("100")
    page.get_by_label("Rows", exact=True).press("Tab")
    wait(lambda: served.session.work.source["rows"] == 100)
    page.get_by_label("x1·x2").check()
    wait(lambda: served.session.work.source["features"] == ["x1", "x2", "x1·x2"])
    wait(lambda: page.locator(".graph .links .link").count() == 3 * 4 + 4 * 2 + 2)


def test_a_table_of_the_folder_is_opened_with_its_columns_read(opened: Opened) -> None:
    page = opened()
    page.get_by_text("Your own table").click()
    page.get_by_label("In this folder").select_option("flowers.csv")
    page.wait_for_selector("select >> option[value=kind]", state="attached")
    page.get_by_label("Column to learn").select_option("kind")
    page.get_by_role("button", name="Open the table").click()
    page.wait_for_selector(".columns-read:not([hidden])")
    page.get_by_text("How the columns are read").click()
    assert "mean" in page.get_by_role("row", name="width").inner_text()
    assert page.locator(".picture .about").inner_text().endswith("2 softmax (cross_entropy)")


HOSTILE = "<img src=x onerror=alert(1)>"
DROP = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name, { type: 'text/csv' }));
  document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


def test_columns_and_files_called_like_a_script_stay_text(opened: Opened, served: Served) -> None:
    """A column, a class, a file and a target whose names are markup: dropped on the page, learned, explained."""
    page = opened()
    rows = "".join(f"{k % 7},{k % 5},{'<b>yes</b>' if k % 2 else '</script>'}\n" for k in range(40))
    table = f'{HOSTILE},"a""\'><svg onload=alert(2)>",<script>alert(3)</script>\n{rows}'
    page.evaluate(DROP, [f"{HOSTILE}.csv", base64.b64encode(table.encode()).decode()])
    page.get_by_label("Column to learn").select_option("<script>alert(3)</script>")
    page.get_by_role("button", name="Open the table").click()
    page.wait_for_selector(".graph .link")
    page.get_by_role("button", name="One update", exact=True).click()
    page.locator("[data-key='weight 2 1 1']").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".equation math")
    assert HOSTILE in page.locator("[role=tabpanel]:not([hidden])").inner_text()
    for name in ("Tour", "What if", "Take along", "Doctor", "Distributions"):
        tab(page, name)
    assert page.locator("img, script:not([src]), .studio b, .studio svg[onload]").count() == 0
    served.ask(do="record", path="hostile.html")
    copy = opened(path=f"file://{served.folder}/hostile.html")
    copy.wait_for_selector(".graph .link")
    assert copy.locator("img").count() == 0


# ---------------------------------------------------------------------------------------------- the network


def test_layers_neurons_activations_and_settings_by_clicks(opened: Opened, served: Served) -> None:
    page = opened()
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
    wait(lambda: served.session.work.design.training.seed == 7)
    training = served.session.work.design.training
    assert (training.optimizer.momentum, training.schedule.name, training.batch_size) == (0.9, "cosine", 20)
    assert (training.dropout, training.l1, served.session.work.design.dtype) == (0.1, 0.01, "float64")


def test_a_setting_that_is_not_allowed_says_so_beside_it_and_goes_back(opened: Opened) -> None:
    page = opened()
    page.get_by_role("button", name="Two clouds").click()
    page.wait_for_selector(".graph .link")
    page.get_by_label("Dropout").fill("2")
    page.get_by_label("Dropout").press("Tab")
    error = page.locator(".design .error")
    wait(lambda: "dropout" in error.inner_text())
    assert page.get_by_label("Dropout").input_value() == "0"
    assert opened.said.pop().startswith("error: Failed to load resource")  # type: ignore[attr-defined]


# ---------------------------------------------------------------------------------------------- training


def test_run_pause_epoch_update_back_and_again_by_clicks_and_by_keys(opened: Opened) -> None:
    page = opened()
    page.get_by_role("button", name="Circles").click()
    page.wait_for_selector(".graph .link")
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
    page.get_by_role("button", name="Run", exact=True).focus()
    page.keyboard.press("r")
    time.sleep(1)
    page.keyboard.press("r")
    wait(lambda: page.get_by_role("button", name="Run", exact=True).is_visible())
    assert 5 <= updates(page) <= 60


def test_curves_surface_points_and_pictures_are_drawn(opened: Opened) -> None:
    page = opened()
    page.get_by_role("button", name="Circles").click()
    page.wait_for_selector(".graph .link")
    for _ in range(3):
        page.get_by_role("button", name="One epoch").click()
        time.sleep(0.1)
    page.wait_for_selector(".curve canvas")
    assert page.locator(".curve canvas").count() == 2
    wait(lambda: page.locator(".graph image[href^='data:image/png']").count() >= 8)
    inked = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(v => v > 0)"
    for selector in (".ground", ".over", ".curve canvas >> nth=0"):
        wait(lambda selector=selector: page.locator(selector).evaluate(inked))  # type: ignore[misc]
    assert "accuracy, held out" in page.locator(".costs").inner_text()
    with_held_out = page.locator(".over").evaluate("canvas => canvas.toDataURL()")
    page.get_by_label("show rows held out").uncheck()
    assert page.locator(".over").evaluate("canvas => canvas.toDataURL()") != with_held_out


def test_any_two_of_many_inputs_are_axes_and_many_weights_are_matrices(opened: Opened, served: Served) -> None:
    page = opened()
    page.get_by_role("button", name="Digits").click()
    page.wait_for_selector(".matrix")
    assert page.locator(".matrices .matrix").count() == 3
    page.get_by_label("Across").select_option(label="pixel_3_4")
    wait(lambda: served.session.work.axes.x == 28)
    page.get_by_role("button", name="weight").first.click()
    page.wait_for_selector(".equation math")
    page.locator(".matrix").first.click(position={"x": 5, "y": 5})
    wait(lambda: "w_11²" in page.locator(".formula-scroll").nth(3).get_attribute("aria-label"))


# ---------------------------------------------------------------------------------------------- the equations


def test_a_weight_a_neuron_and_a_layer_show_the_numbers_of_the_ledger(opened: Opened, served: Served) -> None:
    page = opened()
    page.get_by_role("button", name="Circles").click()
    page.wait_for_selector(".graph .link")
    page.get_by_role("button", name="One update", exact=True).click()
    wait(lambda: updates(page) == 1)
    assert not page.locator(".equation").count()  # hidden by default
    page.locator("[data-key='weight 2 2 3']").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".equation math")
    trainer = served.session.work.required()
    equation = trainer.ledger([0]).example(0).weight(2, 2, 3)
    shown = page.locator(".equation .formula-scroll").evaluate_all("all => all.map(e => e.getAttribute('aria-label'))")
    assert str(equation) in shown
    page.locator("[data-key='neuron 3 1']").click()
    wait(lambda: page.get_by_text("neuron 1 of layer 3").count() > 0)
    page.locator("[data-key='layer 3']").click()
    wait(lambda: page.get_by_text("layer 3 of 4: 4 → 2 tanh").count() > 0)
    page.get_by_label("Row", exact=True).fill("9")
    page.get_by_label("Row", exact=True).press("Tab")
    wait(lambda: "row 9:" in page.locator("[role=tabpanel]:not([hidden]) .about").inner_text())
    page.get_by_label("Letters").select_option("BP")
    wait(lambda: "W³" in page.locator(".formula-scroll").first.get_attribute("aria-label"))
    page.locator(".latex summary").first.click()
    assert "\\" in page.locator(".latex code").first.inner_text()


def test_arrow_keys_go_through_the_network_and_the_focus_is_seen(opened: Opened) -> None:
    page = opened()
    page.get_by_role("button", name="Circles").click()
    page.wait_for_selector(".graph .link[aria-label]")
    page.locator(".graph [tabindex='0']").focus()
    seen = []
    for _ in range(8):
        seen.append(page.evaluate("document.activeElement.getAttribute('aria-label')"))
        page.keyboard.press("ArrowRight")
    assert len(set(seen)) == 8
    assert any(text.startswith("weight ") for text in seen)
    assert page.locator(".graph [tabindex='0']").count() == 1
    page.keyboard.press("End")
    assert "layer 4" in page.evaluate("document.activeElement.getAttribute('aria-label')")


def test_the_tour_goes_through_eight_steps(opened: Opened) -> None:
    page = opened()
    page.get_by_role("button", name="Circles").click()
    page.wait_for_selector(".graph .link")
    panel = tab(page, "Tour")
    panel.get_by_role("button", name="Begin the tour").click()
    titles = []
    for step in range(1, 9):
        wait(lambda step=step: panel.get_by_text(f"step {step} of 8").is_visible())  # type: ignore[misc]
        titles.append(panel.locator(".tour-title").inner_text())
        assert page.locator(".graph .chosen").count() == (step > 1)
        page.keyboard.press("ArrowRight")
    assert titles[0] == "1. The example"
    assert titles[7] == "8. The update"
    assert panel.get_by_role("button", name="Next step").is_disabled()


def test_distributions_findings_and_the_certificate(opened: Opened) -> None:
    page = opened()
    page.get_by_role("button", name="Circles").click()
    page.wait_for_selector(".graph .link")
    page.get_by_role("button", name="One epoch").click()
    panel = tab(page, "Distributions")
    wait(lambda: panel.locator("canvas.spread").count() == 12)
    assert "δ of layer 2, median" in panel.inner_text()
    panel = tab(page, "Doctor")
    panel.get_by_role("button", name="Certify the gradient").click()
    wait(lambda: "The gradient is certified." in panel.inner_text())
    assert "layer 2" in panel.locator("pre").inner_text()


# ---------------------------------------------------------------------------------------------- taken along


def test_what_if_sliders_move_the_answer(opened: Opened) -> None:
    page = opened()
    page.get_by_role("button", name="Plane").click()
    page.wait_for_selector(".graph .link")
    panel = tab(page, "What if")
    wait(lambda: panel.locator(".answer").inner_text() != "")
    before = panel.locator(".answer").inner_text()
    panel.get_by_role("slider", name="x1").focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    wait(lambda: panel.locator(".answer").inner_text() != before)


def test_a_model_is_saved_exported_recorded_and_its_python_is_shown(opened: Opened, served: Served) -> None:
    page = opened()
    page.get_by_role("button", name="Circles").click()
    page.wait_for_selector(".graph .link")
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
    copy = opened(path=f"file://{served.folder}/training.html")
    copy.wait_for_selector(".graph .link")
    assert "update 1" in place(copy)
    copy.locator("[data-key='weight 2 1 1']").focus()
    copy.keyboard.press("Enter")
    copy.wait_for_selector(".equation math")
    copy.get_by_label("Recorded steps").focus()
    copy.keyboard.press("Home")
    wait(lambda: "update 0" in place(copy))


def test_a_model_file_is_opened_evaluated_and_asked(opened: Opened, served: Served) -> None:
    cr.train_table(served.folder / "flowers.csv", "kind", epochs=3).save(served.folder / "flowers.safetensors")
    page = opened()
    page.get_by_role("button", name="Circles").click()
    page.wait_for_selector(".graph .link")
    panel = tab(page, "Model file")
    panel.get_by_label("Model file").select_option("flowers.safetensors")
    panel.get_by_role("button", name="Open the model").click()
    wait(lambda: "Model: " in panel.inner_text())
    panel.get_by_label("Table with the true values").select_option("flowers.csv")
    panel.get_by_role("button", name="Evaluate").click()
    wait(lambda: "accuracy" in panel.locator(".scores").inner_text())
    panel = tab(page, "What if")
    wait(lambda: panel.get_by_label("colour", exact=True).is_visible())
    before = panel.locator(".bars").inner_text()
    panel.get_by_label("colour", exact=True).select_option("blue")
    wait(lambda: panel.locator(".bars").inner_text() != before)


# ---------------------------------------------------------------------------------------------- people and accidents


WIDTHS = [
    (360, False),
    (1280, True),
    *(
        pytest.param(*each, marks=pytest.mark.full)
        for each in ((360, True), (720, False), (1280, False), (3840, False))
    ),
]


@pytest.mark.parametrize(("width", "dark"), WIDTHS)
def test_axe_finds_no_violation_and_nothing_is_wider_than_the_page(opened: Opened, width: int, dark: bool) -> None:
    script = browser.axe()
    page = opened(width, 900, dark)
    page.get_by_role("button", name="Circles").click()
    page.wait_for_selector(".graph .link[aria-label]")
    page.get_by_role("button", name="One epoch").click()
    page.locator("[data-key='neuron 2 1']").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".equation math")
    cdp = page.context.new_cdp_session(page)
    cdp.send("Page.setBypassCSP", {"enabled": True})
    for name in ("Equations", "Tour", "Distributions", "Doctor", "What if", "Take along", "Model file"):
        tab(page, name)
        time.sleep(0.15)
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


def test_a_screen_reader_hears_names_and_numbers(opened: Opened) -> None:
    page = opened()
    page.get_by_role("button", name="Circles").click()
    page.wait_for_selector(".graph .link[aria-label]")
    tree = page.locator("main").aria_snapshot()
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
        assert words in tree, words


def test_the_page_does_not_jump_while_training_runs(opened: Opened) -> None:
    page = opened()
    page.get_by_role("button", name="Circles").click()
    page.wait_for_selector(".graph .link")
    page.get_by_role("button", name="One epoch").click()
    time.sleep(0.5)
    where = "() => [...document.querySelectorAll('.panel, .tabs')].map(e => e.getBoundingClientRect().top)"
    page.get_by_role("button", name="Run", exact=True).click()
    places = []
    for _ in range(6):
        places.append(page.evaluate(where))
        time.sleep(0.1)
    page.get_by_role("button", name="Pause").click()
    assert all(each == places[0] for each in places)


def test_two_pages_at_once_see_the_same(opened: Opened) -> None:
    first, second = opened(), opened()
    first.get_by_role("button", name="Circles").click()
    second.wait_for_selector(".graph .link")
    second.get_by_role("button", name="One update", exact=True).click()
    wait(lambda: updates(first) == 1 and updates(second) == 1)
    first.get_by_label("Activation of layer 2").select_option("relu")
    wait(lambda: "4 relu" in second.locator(".picture .about").inner_text())


def test_a_page_that_is_loaded_again_goes_on_where_it_was(opened: Opened) -> None:
    page = opened()
    page.get_by_role("button", name="Circles").click()
    page.wait_for_selector(".graph .link")
    page.get_by_role("button", name="Run", exact=True).click()
    wait(lambda: updates(page) > 100)
    page.reload()
    page.wait_for_selector(".graph .link")
    wait(lambda: updates(page) > 100)
    assert page.get_by_role("button", name="Pause").is_visible()
    page.get_by_role("button", name="Pause").click()


def test_without_the_token_the_page_says_which_address_to_open(opened: Opened) -> None:
    page = opened(path="/#another")
    wait(lambda: "open the address that it printed last" in page.locator(".banner").inner_text())
    opened.said.clear()  # type: ignore[attr-defined]  # the browser notes each answer 401


def test_a_studio_that_ends_is_said_and_a_page_comes_back_to_it(opened: Opened, served: Served) -> None:
    page = opened()
    page.get_by_role("button", name="Circles").click()
    page.wait_for_selector(".graph .link")
    page.context.set_offline(True)
    served.worker.closed = True  # its streams end
    served.worker._commands.put(None)
    for notify in list(served.worker._listeners):
        notify()
    wait(lambda: "does not answer" in page.locator(".banner").inner_text())
    opened.said.clear()  # type: ignore[attr-defined]
