// Above two hundred weights: each layer as a matrix, one cell for each weight, or for the largest of several.
import { h, labelled } from "./dom.js";
import { whole } from "./numbers.js";
import { paint, paintWeights } from "./raster.js";

export function matrices(studio) {
  const element = h("div", { class: "matrices" });
  let layers = [];

  function choose(pick) {
    studio.choose(pick);
    studio.tabs.show("Equations");
  }
  function onSetup(setup) {
    const sizes = setup.sizes;
    layers = sizes.slice(1).map((size, k) => {
      const from = sizes[k];
      const canvas = h("canvas", { class: "matrix", role: "img", "aria-label": `weights of layer ${k + 2}: ${from} rows, ${size} columns` });
      const neurons = h("div", { class: "pictures" });
      const i = h("input", { type: "number", min: 1, max: from, value: 1 });
      const j = h("input", { type: "number", min: 1, max: size, value: 1 });
      const show = (kind) => choose({ kind, layer: k + 2, i: Number(i.value), j: Number(j.value) });
      canvas.addEventListener("click", (event) => {
        const box = canvas.getBoundingClientRect();
        i.value = Math.min(from, 1 + Math.floor(((event.clientY - box.top) / box.height) * from));
        j.value = Math.min(size, 1 + Math.floor(((event.clientX - box.left) / box.width) * size));
        show("weight");
      });
      const figure = h("figure", { class: "layer-figure" },
        h("figcaption", {}, `layer ${k + 2}: ${whole(from)} × ${whole(size)} weights`), canvas, neurons,
        h("div", { class: "chooser" }, labelled("from", i), labelled("to", j), h("span", { class: "chooser-words" }, "equation of the"),
          h("button", { type: "button", onclick: () => show("weight") }, "weight"),
          h("button", { type: "button", onclick: () => show("neuron") }, "neuron"),
          h("button", { type: "button", onclick: () => show("layer") }, "layer")));
      return { figure, canvas, neurons, k };
    });
    element.replaceChildren(...layers.map((layer) => layer.figure));
  }
  function onView(view) {
    for (const { canvas, neurons, k } of layers) {
      paintWeights(canvas, view.layers[k]);
      const pictures = view.surface?.neurons[k] ?? [];
      while (neurons.children.length < pictures.length) neurons.append(h("canvas", { class: "neuron-picture", role: "img", "aria-label": `answer of neuron ${neurons.children.length + 1}` }));
      pictures.forEach((packed, n) => paint(neurons.children[n], packed));
    }
  }
  return { element, onSetup, onView };
}
