// The network: as neurons and weights where they are few, as matrices where they are many.
import { h, setText } from "./dom.js";
import { graph } from "./graph.js";
import { matrices } from "./matrices.js";

const MOST_LINES = 200; // weights that are drawn as lines

export function picture(studio) {
  const drawn = graph(studio);
  const many = matrices(studio);
  const title = h("h2", {}, "Network");
  const asMatrices = h("input", { type: "checkbox" });
  const choice = h("label", { class: "check as-matrices" }, asMatrices, "weights as matrices");
  const words = h("p", { class: "about" });
  const empty = h("div", { class: "empty-state" },
    h("p", {}, "Nothing learns here yet."),
    h("p", {}, "Choose a set under Data, for example circles, then press Run. Or drop a CSV file on this page."));
  const element = h("section", { class: "panel picture", "aria-label": "The network" }, h("div", { class: "picture-head" }, title, choice), words, empty, drawn.element, many.element);
  element.addEventListener("keydown", (event) => studio.parts[0].onKey(event));

  function drawsLines() {
    return studio.setup.weights <= MOST_LINES && !asMatrices.checked;
  }
  asMatrices.addEventListener("change", () => {
    onSetup(studio.setup);
    if (studio.view) onView(studio.view);
  });
  function onSetup(setup) {
    choice.hidden = !setup.dataset || setup.weights > MOST_LINES;
    const few = setup.dataset && drawsLines();
    empty.hidden = Boolean(setup.dataset);
    drawn.element.hidden = !few;
    many.element.hidden = !setup.dataset || few;
    setText(words, setup.network ?? "");
    if (few) drawn.onSetup(setup);
    else if (setup.dataset) many.onSetup(setup);
  }
  function onView(view) {
    if (drawsLines()) drawn.onView(view);
    else many.onView(view);
  }
  return { element, onSetup, onView, onPick: drawn.onPick, onColours: () => drawsLines() && drawn.onColours(), mark: drawn.mark };
}
