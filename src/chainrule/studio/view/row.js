// What would be if: sliders for one row, its answer, and how the answer moves with each input.
import { h, freshId, errorLine, setText } from "./dom.js";
import { shortNumber } from "./numbers.js";

export function rowPanel(studio) {
  const error = errorLine();
  const hint = h("p", { class: "hint" }, "Move a value and see what the network answers.");
  const answer = h("p", { class: "answer", role: "status" });
  const sliders = h("div", { class: "sliders" });
  const bars = h("div", { class: "bars" });
  const element = h("div", { class: "what-if" }, hint, answer, h("div", { class: "two" }, sliders, h("div", {}, h("h3", {}, "Outputs and gradients"), bars)), error);
  let values = {};
  let names = "";
  let busy = false;
  let again = false;

  async function ask() {
    if (!studio.tabs?.isOpen("What if") || !(studio.setup?.dataset || studio.opened)) return;
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    const result = await studio.attempt({ do: "what_if", values, row: studio.row }, error);
    busy = false;
    if (result) show(result);
    if (again) {
      again = false;
      ask();
    }
  }
  function show(result) {
    const key = JSON.stringify(result.sliders.map((slider) => slider.name));
    if (key !== names) {
      names = key;
      sliders.replaceChildren(...result.sliders.map(slider));
    }
    setText(answer, Object.entries(result.answer).map(([name, value]) => `${name}: ${typeof value === "number" ? shortNumber(value) : value}`).join(", "));
    const most = Math.max(1e-12, ...result.gradients.map((g) => Math.abs(g.gradient ?? 0)));
    bars.replaceChildren(
      h("table", {}, h("caption", {}, "outputs"), ...result.outputs.slice(0, 12).map((o) => h("tr", {}, h("th", { scope: "row" }, o.name), h("td", { class: "number" }, shortNumber(o.value))))),
      h("table", {}, h("caption", {}, `how ${result.of || "the answer"} moves with each input, ∂a/∂x`),
        ...result.gradients.slice(0, 30).map((g) => h("tr", {}, h("th", { scope: "row" }, g.name),
          h("td", {}, h("meter", { min: 0, max: most, value: Math.abs(g.gradient ?? 0), "aria-label": `size of the gradient of ${g.name}` })), h("td", { class: "number" }, shortNumber(g.gradient))))));
  }
  function slider(each) {
    const id = freshId("slider");
    const shown = h("output", { for: id });
    let control;
    if (each.words) {
      control = h("select", { id }, ...each.words.map((word) => h("option", { value: word }, word)));
      control.value = each.value;
    } else if (each.low === undefined) {
      control = h("input", { type: "text", id, value: each.value ?? "", placeholder: "missing" });
    } else {
      control = h("input", { type: "range", id, min: each.low, max: each.high, step: "any" });
      control.value = each.value;
      setText(shown, shortNumber(each.value));
    }
    control.addEventListener("input", () => {
      values[each.name] = control.type === "range" ? Number(control.value) : control.value === "" ? null : control.value;
      if (control.type === "range") setText(shown, shortNumber(Number(control.value)));
      ask();
    });
    return h("div", { class: "slider" }, h("label", { for: id }, each.name), control, shown);
  }
  function reset() {
    values = {};
    names = "";
    ask();
  }
  return { element, onOpen: ask, onSetup: reset, onRow: reset, onModel: reset, onView: (view) => { if (!view.running) ask(); } };
}
