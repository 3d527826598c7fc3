// Neurons as small pictures of their answers, weights as lines: blue above 0, orange and dashed below, thick where large.
import { h, s } from "./dom.js";
import { css, diverging } from "./colours.js";
import { shortNumber } from "./numbers.js";
import { picture, sharp } from "./raster.js";

const GAP = 12;

export function graph(studio) {
  const svg = s("svg", { class: "graph", role: "group", "aria-label": "The network: arrow keys go from part to part, Enter shows the equation" });
  const legend = h("p", { class: "legend" },
    h("span", { class: "key above" }, "weight above 0"), h("span", { class: "key below" }, "weight below 0"),
    h("span", {}, "the thicker, the larger"));
  const ground = h("canvas", { class: "graph-ground", "aria-hidden": "true" }); // the pictures of the neurons
  const element = h("div", { class: "graph-box" }, h("div", { class: "graph-area" }, ground, svg), legend);
  let sizes = [];
  let names = [];
  let outputs = [];
  let links = [];
  let neurons = [];
  let items = [];
  let at = 0;
  let last = null;
  let box = null;

  function focusOn(k) {
    if (!items.length) return;
    items[at]?.setAttribute("tabindex", "-1");
    at = Math.max(0, Math.min(items.length - 1, k));
    items[at].setAttribute("tabindex", "0");
  }
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -items.length, End: items.length }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      focusOn(at + step);
      items[at].focus();
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      event.target.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    }
  });
  function choose(pick, item) {
    focusOn(items.indexOf(item));
    studio.choose(pick);
    studio.tabs.show("Equations");
  }

  function layout() {
    const width = Math.max(280, element.clientWidth || 600);
    const most = Math.max(...sizes);
    const size = Math.max(16, Math.min(width > 900 ? 60 : 44, (width - 60) / (sizes.length * 2.1), most > 8 ? 340 / most : 60));
    const height = Math.max(most * (size + GAP) + 40, 160);
    const letters = width > 540 ? 20 : 9; // of a name
    const longest = size < 20 ? 0 : Math.max(...names.map((name) => Math.min(letters, name.length)));
    return { width, height, size, letters, left: 24 + 6.6 * longest };
  }
  function place(l, j, box) {
    const step = sizes.length > 1 ? (box.width - box.size - 44 - box.left) / (sizes.length - 1) : 0;
    const room = (box.height - 30) / sizes[l];
    return [box.left + l * step, 26 + room * (j + 0.5) - box.size / 2];
  }
  function neuronName(l, j) {
    const more = l === 0 ? ` (${names[j] ?? ""})` : l === sizes.length - 1 && outputs[j] ? ` (${outputs[j]})` : "";
    return `neuron ${j + 1} of layer ${l + 1}${more}`;
  }
  function build() {
    box = layout();
    svg.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
    svg.style.height = `${box.height}px`;
    links = [];
    neurons = [];
    const lines = s("g", { class: "links" });
    const dots = s("g", { class: "neurons" });
    for (let l = 1; l < sizes.length; l += 1) {
      for (let i = 0; i < sizes[l - 1]; i += 1) {
        for (let j = 0; j < sizes[l]; j += 1) {
          const [x1, y1] = place(l - 1, i, box);
          const [x2, y2] = place(l, j, box);
          const from = [x1 + box.size, y1 + box.size / 2];
          const to = [x2, y2 + box.size / 2];
          const bend = (to[0] - from[0]) / 2;
          const d = `M${from[0]} ${from[1]} C${from[0] + bend} ${from[1]} ${to[0] - bend} ${to[1]} ${to[0]} ${to[1]}`;
          const line = s("path", { class: "line", d });
          const item = s("g", { class: "link", role: "button", tabindex: "-1" }, s("path", { class: "reach", d }), line);
          item.addEventListener("click", () => choose({ kind: "weight", layer: l + 1, i: i + 1, j: j + 1 }, item));
          item.dataset.key = `weight ${l + 1} ${i + 1} ${j + 1}`;
          links.push({ item, line, l, i, j });
          lines.append(item);
        }
      }
    }
    for (let l = 0; l < sizes.length; l += 1) {
      const [head] = place(l, 0, box);
      const text = l === 0 ? "inputs" : l === sizes.length - 1 ? "output" : `layer ${l + 1}`;
      const label = l > 0
        ? s("g", { class: "layer-head", role: "button", tabindex: "-1", "aria-label": `${text}${l === sizes.length - 1 ? `, layer ${l + 1}` : ""} as a whole` }, s("text", { x: head + box.size / 2, y: 14, "text-anchor": "middle" }, text))
        : s("text", { class: "head", x: head + box.size / 2, y: 14, "text-anchor": "middle" }, text);
      if (l > 0) {
        label.dataset.key = `layer ${l + 1}`;
        label.addEventListener("click", () => choose({ kind: "layer", layer: l + 1 }, label));
      }
      dots.append(label);
      for (let j = 0; j < sizes[l]; j += 1) {
        const [x, y] = place(l, j, box);
        const frame = s("rect", { class: "frame", x, y, width: box.size, height: box.size, rx: 4 });
        const bias = s("rect", { class: "bias", x: x - 5, y: y + box.size - 4, width: 7, height: 7, rx: 2 });
        const item = s("g", { class: "neuron" }, s("title", {}, neuronName(l, j)), frame, ...(l ? [bias] : []));
        if (l) {
          item.setAttribute("role", "button");
          item.setAttribute("tabindex", "-1");
          item.dataset.key = `neuron ${l + 1} ${j + 1}`;
          item.addEventListener("click", () => choose({ kind: "neuron", layer: l + 1, j: j + 1 }, item));
        }
        const name = l === 0 ? names[j] : l === sizes.length - 1 ? outputs[j] : null;
        if (name && box.size >= 20) {
          const letters = l === 0 ? box.letters : 12;
          const short = name.length > letters ? `${name.slice(0, letters - 1)}…` : name;
          const where = l === 0 ? { x: x - 6, y: y + box.size / 2 + 4, "text-anchor": "end" } : { x: x + box.size / 2, y: y + box.size + 12, "text-anchor": "middle" };
          dots.append(s("text", { class: "name", "aria-hidden": "true", ...where }, short));
        }
        neurons.push({ item, bias, x, y, l, j });
        dots.append(item);
      }
    }
    svg.replaceChildren(lines, dots);
    items = [...dots.querySelectorAll("[role=button]"), ...links.map((link) => link.item)];
    items.sort((a, b) => order(a) - order(b));
    at = 0;
    focusOn(0);
  }
  function order(item) {
    const [kind, l, a = 0, b = 0] = item.dataset.key.split(" ");
    const [i, j] = kind === "weight" ? [Number(a), Number(b)] : [0, Number(a)];
    return Number(l) * 1e6 + j * 1e3 + i;
  }

  function onSetup(setup) {
    ({ sizes } = setup);
    names = setup.dataset.inputs;
    outputs = setup.dataset.outputs;
    build();
    last = null;
  }
  function onView(view) {
    last = view;
    const most = view.layers.map((layer) => Math.max(1e-9, ...layer.W.flat().map((w) => Math.abs(w ?? 0))));
    for (const { item, line, l, i, j } of links) {
      const w = view.layers[l - 1].W[i][j];
      const share = (w ?? 0) / most[l - 1];
      line.setAttribute("stroke", css(diverging(share < 0 ? Math.min(share, -0.35) : Math.max(share, 0.35))));
      line.setAttribute("stroke-width", (0.6 + 5 * Math.abs(share)).toFixed(2));
      line.classList.toggle("minus", share < 0);
      item.setAttribute("aria-label", `weight ${shortNumber(w)} from ${neuronName(l - 1, i)} to ${neuronName(l, j)}`);
    }
    const context = sharp(ground, box.width, box.height);
    for (const { item, bias, x, y, l, j } of neurons) {
      const packed = view.surface && pictureOf(view.surface, l, j);
      if (packed) context.drawImage(picture(packed), x, y, box.size, box.size);
      if (l) {
        const b = view.layers[l - 1].b[j];
        bias.setAttribute("fill", css(diverging(Math.tanh(b ?? 0))));
        item.setAttribute("aria-label", `${neuronName(l, j)}, bias ${shortNumber(b)}`);
      }
    }
  }
  function pictureOf(surface, l, j) {
    if (l === 0) return surface.inputs[j];
    if (l < sizes.length - 1) return surface.neurons[l - 1]?.[j];
    return sizes[l] === 1 ? surface.answer.values : null;
  }
  function onPick(pick) {
    mark(pick ? [pick.kind === "weight" ? `weight ${pick.layer} ${pick.i} ${pick.j}` : pick.kind === "layer" ? `layer ${pick.layer}` : `neuron ${pick.layer} ${pick.j}`] : []);
  }
  function mark(keys) {
    for (const item of items) item.classList.toggle("chosen", keys.includes(item.dataset.key));
  }
  let width = 0;
  new ResizeObserver(() => {
    if (sizes.length && !element.hidden && Math.abs(element.clientWidth - width) > 4) {
      width = element.clientWidth;
      build();
      if (last) onView(last);
      onPick(studio.pick);
    }
  }).observe(element);
  return { element, onSetup, onView, onPick, mark, onColours: () => last && onView(last) };
}
