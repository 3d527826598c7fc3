// The network and how it is trained: layers, neurons, activations, output, cost, optimizer and the rest.
import { h, labelled, options, errorLine } from "./dom.js";
import { inLetters } from "./mathml.js";
import { asNumber } from "./numbers.js";

const PLAIN = {
  batch_size: "Batch size", epochs: "Epochs", alpha: "Penalty α (squares)", l1: "Penalty l1 (sizes)", dropout: "Dropout",
  label_smoothing: "Label smoothing", patience: "Patience", seed: "Seed",
};

export function designPanel(studio) {
  const error = errorLine();
  const layers = h("ol", { class: "layers" });
  const add = h("button", { type: "button", onclick: () => addLayer() }, "Add a layer");
  const output = h("select", {});
  const cost = h("select", {});
  const initializer = h("select", {});
  const dtype = options(h("select", {}), ["float32", "float64"], "float32");
  const optimizer = entryField("optimizer", "Optimizer", "optimizers");
  const schedule = entryField("schedule", "Schedule", "schedules");
  const clip = h("input", { type: "text", inputmode: "decimal", placeholder: "none" });
  const fields = {};
  for (const [name, text] of Object.entries(PLAIN)) {
    const input = h("input", { type: "text", inputmode: "decimal", autocomplete: "off" });
    input.addEventListener("change", () => change({ [name]: valueOf(input.value) }));
    fields[name] = { input, box: labelled(text, input) };
  }
  const order = ["batch_size", "epochs", "alpha", "l1", "dropout", "label_smoothing", "patience", "seed"];
  const element = h("section", { class: "panel design", "aria-label": "Network and training" },
    h("h2", {}, "Network"), layers, add,
    h("div", { class: "grid" }, labelled("Output", output), labelled("Cost", cost), labelled("First weights", initializer), labelled("Numbers", dtype)),
    h("h2", {}, "Training"), optimizer.element, schedule.element,
    h("div", { class: "grid" }, ...order.map((name) => fields[name].box), labelled("Clip (norm)", clip)),
    h("p", { class: "hint" }, "A change starts again from the first weights. More epochs let training go on."), error);
  let design = null;

  function valueOf(text) {
    const trimmed = text.trim();
    return trimmed === "" || trimmed === "none" ? null : trimmed === "all" ? null : asNumber(trimmed);
  }
  async function change(settings) {
    const setup = await studio.attempt({ do: "change", settings }, error);
    if (setup) studio.setUp(setup);
    else if (studio.setup) onSetup(studio.setup, true);
  }
  function addLayer() {
    const sizes = design.hidden;
    change({ hidden: [...sizes, sizes[sizes.length - 1] ?? 4], activation: design.activation.length ? design.activation : ["tanh"] });
  }
  function resize(k, neurons) {
    if (neurons < 1) return;
    change({ hidden: design.hidden.map((n, at) => (at === k ? neurons : n)), activation: design.activation });
  }
  function layerRow(neurons, k) {
    const number = h("input", { type: "number", min: 1, max: 4096, value: neurons, "aria-label": `Neurons of layer ${k + 2}` });
    number.addEventListener("change", () => resize(k, Number(number.value)));
    const step = (text, words, by) => h("button", { type: "button", class: "small", "aria-label": `${words} layer ${k + 2}`, onclick: () => resize(k, neurons + by) }, text);
    const names = studio.form.activations.map((entry) => entry.name);
    const sigma = options(h("select", { "aria-label": `Activation of layer ${k + 2}` }), names, design.activation[k].name);
    sigma.addEventListener("change", () => change({ hidden: design.hidden, activation: design.activation.map((each, at) => (at === k ? sigma.value : each)) }));
    const remove = h("button", { type: "button", class: "small", "aria-label": `Remove layer ${k + 2}`, title: `Remove layer ${k + 2}` }, "×");
    remove.addEventListener("click", () => change({
      hidden: design.hidden.filter((_, at) => at !== k), activation: design.activation.filter((_, at) => at !== k),
    }));
    return h("li", {}, h("span", { class: "layer-name" }, `Layer ${k + 2}`), sigma, remove,
      h("span", { class: "layer-size" }, step("−", "Remove a neuron from", -1), number, step("+", "Add a neuron to", 1), "neurons"));
  }
  // What a person is typing stays.
  function fill(input, value, force = false) {
    if (input.type === "checkbox") input.checked = value;
    else if (force || input !== document.activeElement) input.value = String(value);
  }
  function entryField(name, text, kind) {
    const select = h("select", {});
    const parameters = h("div", { class: "grid parameters" });
    const note = h("p", { class: "formula" });
    const box = h("div", { class: "entry" }, labelled(text, select), note, parameters);
    const entries = () => studio.form[kind];
    select.addEventListener("change", () => change({ [name]: { name: select.value } }));
    function send() {
      const values = { name: select.value };
      for (const input of parameters.querySelectorAll("input")) {
        values[input.dataset.name] = input.type === "checkbox" ? input.checked : asNumber(input.value);
      }
      change({ [name]: values });
    }
    function show(chosen) {
      const entry = entries().find((each) => each.name === chosen.name);
      options(select, entries().map((each) => each.name), chosen.name);
      note.textContent = name === "optimizer" ? inLetters(entry?.text ?? "") : "";
      const there = [...parameters.querySelectorAll("input")];
      const keys = Object.keys(entry?.parameters ?? {});
      if (keys.length === there.length && keys.every((key, k) => there[k].dataset.name === key)) {
        for (const input of there) fill(input, chosen[input.dataset.name] ?? entry.parameters[input.dataset.name]);
        return;
      }
      parameters.replaceChildren(...keys.map((key) => {
        const standard = entry.parameters[key];
        const value = chosen[key] ?? standard;
        const input = typeof standard === "boolean" ? h("input", { type: "checkbox", checked: value }) : h("input", { type: "text", inputmode: "decimal", value: String(value) });
        input.dataset.name = key;
        input.addEventListener("change", send);
        return labelled(key.replaceAll("_", " "), input);
      }));
    }
    return { element: box, show };
  }
  output.addEventListener("change", () => change({ output: output.value || null, cost: null }));
  cost.addEventListener("change", () => change({ cost: cost.value || null, output: output.value || null }));
  initializer.addEventListener("change", () => change({ initializer: initializer.value || null }));
  dtype.addEventListener("change", () => change({ dtype: dtype.value }));
  clip.addEventListener("change", () => change({ clip: valueOf(clip.value) === null ? null : { norm: valueOf(clip.value) } }));

  function onForm(form) {
    for (const [name, field] of Object.entries(fields)) field.box.title = `${form.settings[name].text} Allowed: ${form.settings[name].allowed}.`;
  }
  function onSetup(setup, force = false) {
    design = setup.design;
    const form = studio.form;
    const focused = document.activeElement?.getAttribute?.("aria-label");
    layers.replaceChildren(...design.hidden.map(layerRow));
    if (focused && !element.contains(document.activeElement)) layers.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
    const chosenOutput = design.output?.name ?? "";
    options(output, ["", ...form.activations.map((entry) => entry.name)], chosenOutput, (name) => name || "auto");
    const costs = chosenOutput ? form.costs_of[chosenOutput] ?? [] : form.costs.map((entry) => entry.name);
    options(cost, ["", ...costs], design.cost?.name ?? "", (name) => name || "auto");
    options(initializer, ["", ...form.initializers.map((entry) => entry.name)], design.initializer?.name ?? "", (name) => name || "auto");
    dtype.value = design.dtype;
    optimizer.show(design.optimizer);
    schedule.show(design.schedule ?? { name: "constant" });
    fill(clip, design.clip?.norm ?? "", force);
    for (const [name, field] of Object.entries(fields)) {
      const value = design[name];
      fill(field.input, value === null ? (name === "batch_size" ? "all" : "") : Array.isArray(value) ? value.join(", ") : value, force);
    }
    for (const each of element.querySelectorAll("button, input, select")) each.disabled = studio.recorded;
  }
  return { element, onForm, onSetup };
}
