// The equation of what is picked, with the numbers of this update.
import { h, freshId, labelled, options, errorLine, setText } from "./dom.js";
import { formula, inLetters } from "./mathml.js";
import { shortNumber, whole } from "./numbers.js";

const NAMES = { forward: "sum z", activation: "answer a", update: "update" };
const EVERY = 700; // milliseconds between two answers while training runs

export function equationBox(equation) {
  const latex = h("code", { class: "latex", id: freshId("latex") }, equation.latex);
  latex.hidden = true;
  const button = h("button", { type: "button", class: "as-latex", "aria-expanded": "false", "aria-controls": latex.id }, "LaTeX");
  button.addEventListener("click", () => {
    latex.hidden = !latex.hidden;
    button.setAttribute("aria-expanded", String(!latex.hidden));
  });
  return h("div", { class: "equation" },
    h("div", { class: "equation-name" }, NAMES[equation.equation] ?? equation.equation, button),
    h("div", { class: "formula-scroll", tabindex: "0", role: "group", "aria-label": equation.text }, ...formula(equation.mathml)),
    equation.note ? h("p", { class: "note" }, equation.note) : null, latex);
}

export function equationPanel(studio) {
  const hint = h("p", { class: "hint" }, "Click a weight, a neuron or the head of a layer, or go there with the arrow keys and press Enter: its equation comes here, with the numbers of this update.");
  const row = h("input", { type: "number", min: 1, value: 1 });
  const notation = options(h("select", {}), ["GD", "BP"], "GD", (name) => (name === "GD" ? "w_ij (GD)" : "w_ji (BP)"));
  const about = h("p", { class: "about" });
  const error = errorLine();
  const parts = h("div", { class: "equation-parts" });
  const element = h("div", {}, h("div", { class: "grid" }, labelled("Row", row), labelled("Letters", notation)), hint, about, parts, error);
  let asked = 0;
  let shown = "";
  let busy = false;

  row.addEventListener("change", () => {
    studio.row = Math.max(0, Number(row.value) - 1);
    studio.tell("onRow", studio.row);
  });
  notation.addEventListener("change", () => {
    studio.notation = notation.value;
    ask(true);
  });

  async function ask(now = false) {
    const pick = studio.pick;
    if (!pick || !studio.setup?.dataset) return;
    const key = JSON.stringify([pick, studio.row, studio.notation, studio.view?.place.update, studio.view?.generation]);
    const late = performance.now() - asked > EVERY;
    if (busy || (!now && (key === shown || (studio.view?.running && !late)))) return;
    busy = true;
    asked = performance.now();
    const answer = await studio.attempt({ do: "equation", ...pick, row: studio.row, notation: studio.notation }, error);
    busy = false;
    if (!answer || studio.pick !== pick) return;
    shown = key;
    show(answer);
  }
  function show(answer) {
    hint.hidden = true;
    const r = answer.row;
    const inputs = r.inputs.map((input) => `${input.name} = ${shortNumber(input.value)}`).join(", ");
    setText(about, `row ${whole(r.number + 1)}: ${inputs}${r.inputs.length < studio.setup.sizes[0] ? ", …" : ""}; answer ${r.answers.map(shortNumber).join(", ")}, target ${r.targets.map(shortNumber).join(", ")}, C = ${shortNumber(r.cost)}`);
    const open = [...parts.querySelectorAll(".as-latex")].map((button) => button.getAttribute("aria-expanded") === "true");
    parts.replaceChildren(...answer.parts.map((part) => h("section", { class: "equation-part" }, h("h3", {}, part.title),
      part.rule ? h("p", { class: "formula" }, inLetters(part.rule)) : null,
      ...part.equations.map(equationBox),
      part.rule ? h("p", { class: "note" }, `η = ${shortNumber(part.rate)}${slotWords(part.slots)}`) : null)));
    parts.querySelectorAll(".as-latex").forEach((button, k) => open[k] && button.click());
  }
  function slotWords(slots) {
    if (!slots.length) return "";
    const moves = slots.slice(0, 3).map((slot) => `${shortNumber(slot.before)} → ${shortNumber(slot.after)}`);
    return `; what the rule keeps of earlier gradients: ${moves.join(", ")}`;
  }
  function onSetup(setup) {
    row.max = setup.dataset?.rows ?? 1;
    row.value = studio.row + 1;
    if (studio.pick && (studio.pick.layer > (setup.sizes?.length ?? 0) || (studio.pick.j ?? 1) > setup.sizes[studio.pick.layer - 1])) {
      studio.pick = null;
    }
    if (!studio.pick) {
      parts.replaceChildren();
      setText(about, "");
      hint.hidden = false;
    }
    shown = "";
    ask(true);
  }
  return {
    element, onSetup, onView: () => ask(), onPick: (pick) => { if (pick) ask(true); },
    onRow: (number) => { row.value = number + 1; ask(true); },
  };
}
