// What would be if: sliders for one row, its answer, and how the answer moves with each input.
import { h, freshId, labelled, errorLine, setText } from "./dom.js";
import { shortNumber } from "./numbers.js";

export function rowPanel(studio) {
  const error = errorLine();
  const hint = h("p", { class: "hint" }, "Move a value and see what the network answers.");
  const row = h("input", { type: "number", min: 1, value: 1 });
  const rowBox = labelled("Row to begin with", row, { class: "field row-of" });
  const answer = h("p", { class: "answer", role: "status" });
  const sliders = h("div", { class: "sliders" });
  const bars = h("div", { class: "bars" });
  const element = h("div", { class: "what-if" }, hint, rowBox, answer, h("div", { class: "two" }, sliders, h("div", {}, h("h3", {}, "Outputs and gradients"), bars)), error);
  let values = {};
  let names = "";
  let busy = false;
  let again = false;

  // The table whose rows are numbered: that on which an opened model is evaluated, or the one in training.
  function table() {
    return (studio.opened ? studio.judged : studio.setup?.source?.path) || null;
  }
  row.addEventListener("change", () => {
    if (!table()) {
      studio.row = Math.max(0, Number(row.value) - 1);
      studio.tell("onRow", studio.row);
    } else reset();
  });

  async function ask() {
    if (!studio.tabs?.isOpen("What if") || !(studio.setup?.dataset || studio.opened)) return;
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    const result = await studio.attempt({ do: "what_if", values, row: Math.max(0, Number(row.value) - 1), table: table() }, error);
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
    setText(answer, Object.entries(result.answer).map(([name, value]) => `${name}: ${worded(value)}${truth(result, name)}`).join(", "));
    const most = Math.max(1e-12, ...result.gradients.map((g) => Math.abs(g.gradient ?? 0)));
    bars.replaceChildren(
      h("table", {}, h("caption", {}, "outputs, in the numbers of the network"), ...result.outputs.slice(0, 12).map((o) => h("tr", {}, h("th", { scope: "row" }, o.name), h("td", { class: "number" }, shortNumber(o.value))))),
      h("table", {}, h("caption", {}, `how ${result.of || "the answer"} moves with each input, ∂a/∂x${rest(result)}`),
        ...result.gradients.map((g) => h("tr", {}, h("th", { scope: "row" }, g.name),
          h("td", {}, h("meter", { min: 0, max: most, value: Math.abs(g.gradient ?? 0), "aria-label": `size of the gradient of ${g.name}` })), h("td", { class: "number" }, shortNumber(g.gradient))))));
  }
  function rest(result) {
    return result.gradients.length < result.inputs ? `: ${result.gradients.length} of ${result.inputs} inputs` : "";
  }
  function worded(value) {
    return typeof value === "number" ? shortNumber(value) : String(value);
  }
  function truth(result, name) {
    const value = result.truth?.[name];
    if (value === undefined || value === null || Object.keys(values).length) return "";
    return `, true ${worded(value === "" || Number.isNaN(Number(value)) ? value : Number(value))}`;
  }
  function slider(each) {
    const id = freshId("slider");
    const shown = h("output", { for: id });
    let control;
    function say(words) {
      setText(shown, words);
      control.setAttribute("aria-valuetext", words);
    }
    if (each.words) {
      control = h("select", { id }, ...each.words.map((word) => h("option", { value: word }, word)));
      control.value = each.value;
    } else if (each.low === undefined) {
      control = h("input", { type: "text", id, value: each.value ?? "", placeholder: "missing" });
    } else {
      const steps = each.steps;  // of a number that was learned by its values: the slider goes from one to the next
      control = h("input", { type: "range", id, ...(steps ? { min: 0, max: steps.length - 1, step: 1 } : { min: each.low, max: each.high, step: "any" }) });
      if (!steps) control.value = each.value ?? (each.low + each.high) / 2;
      else control.value = each.value === null ? (steps.length - 1) >> 1 : steps.indexOf(each.value);
      say(each.value === null ? "missing" : shortNumber(each.value));
    }
    control.addEventListener("input", () => {
      const number = each.steps ? each.steps[Number(control.value)] : Number(control.value);
      values[each.name] = control.type === "range" ? number : control.value === "" ? null : control.value;
      if (control.type === "range") say(shortNumber(number));
      ask();
    });
    return h("div", { class: "slider" }, h("label", { for: id }, each.name), control, shown);
  }
  function reset() {
    values = {};
    names = "";
    rowBox.hidden = Boolean(studio.opened) && !table();
    ask();
  }
  function onRow(number) {
    row.value = number + 1;
    reset();
  }
  function onSetup() {
    if (!table()) row.value = studio.row + 1;
    reset();
  }
  return { element, onOpen: ask, onSetup, onRow, toRow: onRow, onModel: reset, onView: (view) => { if (!view.running) ask(); } };
}
