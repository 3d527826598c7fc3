// The answer over two inputs, with the rows as points.
import { h, labelled, options, errorLine, setText } from "./dom.js";
import { css, diverging, ofClass, isDark } from "./colours.js";
import { shortNumber } from "./numbers.js";
import { paint, paintClasses, sharp } from "./raster.js";

export function surfacePanel(studio) {
  const ground = h("canvas", { class: "ground", "aria-hidden": "true" });
  const over = h("canvas", { class: "over", role: "img", "aria-label": "The answer of the network over two inputs" });
  const box = h("div", { class: "surface" }, ground, over);
  const x = h("select", {});
  const y = h("select", {});
  const output = h("select", {});
  const heldOut = h("input", { type: "checkbox", checked: true });
  const error = errorLine();
  const range = h("p", { class: "legend" });
  const low = h("span", {});
  const high = h("span", {});
  const scale = [low, h("span", { class: "key-scale", "aria-hidden": "true" }), high];
  const element = h("section", { class: "panel surface-panel", "aria-label": "Answer over two inputs" }, h("h2", {}, "Answer over two inputs"), box,
    range, h("div", { class: "grid" }, labelled("Across", x), labelled("Up", y), labelled("Output", output)),
    h("label", { class: "check" }, heldOut, "show rows held out (as squares)"), error);
  let setup = null;
  let view = null;
  let side = 0;
  let drawn = "";

  async function axes() {
    const answer = await studio.attempt({ do: "axes", x: Number(x.value), y: Number(y.value), row: studio.row, output: Number(output.value) }, error);
    if (answer) studio.setUp(answer);
    else onSetup(setup);
  }
  for (const each of [x, y, output]) each.addEventListener("change", axes);
  heldOut.addEventListener("change", () => view && drawPoints());

  function onSetup(now) {
    setup = now;
    const d = setup.dataset;
    element.hidden = !d || d.axes.length < 2;
    if (element.hidden) return;
    const numbers = d.axes.map((_, k) => k);
    options(x, numbers, setup.axes.x, (k) => d.axes[k]);
    options(y, numbers, setup.axes.y, (k) => d.axes[k]);
    const count = setup.sizes[setup.sizes.length - 1];
    options(output, Array.from({ length: count + 1 }, (_, k) => k), setup.axes.output, (k) => (k === 0 ? (count > 1 ? "the greatest" : d.outputs[0] ?? "output") : d.outputs[k - 1] ?? `output ${k}`));
    output.parentElement.hidden = count === 1;
    for (const each of [x, y, output]) each.disabled = studio.recorded;
  }
  function onView(now) {
    view = now;
    if (!view.surface || element.hidden || !side) return;
    const answer = view.surface.answer;
    if (answer.values) {
      paint(ground, answer.values);
      setText(low, shortNumber(answer.values.low));
      setText(high, shortNumber(answer.values.high));
      scale[1].style.background = `linear-gradient(90deg, ${[-1, -0.5, 0, 0.5, 1].map((share) => css(diverging(share))).join(", ")})`;
      if (range.firstChild !== low) range.replaceChildren(...scale);
    } else {
      paintClasses(ground, answer.classes, answer.share);
      showClasses();
    }
    drawPoints();
  }
  function showClasses() {
    const names = setup.dataset.outputs.slice(0, 10);
    const key = `classes ${JSON.stringify(names)}`;
    if (range.dataset.key === key && range.firstChild !== low) return;
    range.dataset.key = key;
    range.replaceChildren(...names.map((name, k) => {
      const swatch = h("span", { class: "key-class", "aria-hidden": "true" });
      swatch.style.background = css(ofClass(k));
      return h("span", {}, swatch, name);
    }), "the greatest output; stronger where it is surer");
  }
  function colour(t) {
    const answer = view.surface.answer;
    if (answer.classes) return css(ofClass(t));
    const { low, high } = answer.values;
    return css(diverging(studio.setup.dataset.kind === "numbers" ? (2 * (t - low)) / (high - low || 1) - 1 : t > 0.5 ? 1 : -1));
  }
  // The points change with the rows and the size, and their colours where the range of the answers gives them.
  function drawPoints() {
    const { values } = view.surface.answer;
    const range = values && setup.dataset.kind === "numbers" ? [values.low, values.high] : null;
    const key = JSON.stringify([setup.generation, setup.axes, side, heldOut.checked, isDark(), window.devicePixelRatio, range, Boolean(values)]);
    if (key === drawn) return;
    drawn = key;
    const context = sharp(over, side, side);
    const [left, right] = view.surface.x;
    const [bottom, top] = view.surface.y;
    const radius = Math.max(2, Math.min(4.5, side / 80));
    context.strokeStyle = isDark() ? "#000" : "#fff";
    for (const group of setup.points) {
      if (group.held_out && !heldOut.checked) continue;
      group.x.forEach((px, k) => {
        const cx = ((px - left) / (right - left)) * side;
        const cy = ((top - group.y[k]) / (top - bottom)) * side;
        context.fillStyle = colour(group.t[k]);
        context.beginPath();
        if (group.held_out) context.rect(cx - radius, cy - radius, 2 * radius, 2 * radius);
        else context.arc(cx, cy, radius, 0, 2 * Math.PI);
        context.fill();
        context.stroke();
      });
    }
  }
  over.addEventListener("click", (event) => {
    if (!view?.surface) return;
    const rect = over.getBoundingClientRect();
    const px = view.surface.x[0] + ((event.clientX - rect.left) / rect.width) * (view.surface.x[1] - view.surface.x[0]);
    const py = view.surface.y[1] - ((event.clientY - rect.top) / rect.height) * (view.surface.y[1] - view.surface.y[0]);
    const group = setup.points[0];
    let best = 0;
    const far = (k) => ((group.x[k] - px) / (view.surface.x[1] - view.surface.x[0])) ** 2 + ((group.y[k] - py) / (view.surface.y[1] - view.surface.y[0])) ** 2;
    group.x.forEach((_, k) => { if (far(k) < far(best)) best = k; });
    studio.row = group.rows[best];
    studio.tell("onRow", studio.row);
  });
  new ResizeObserver(() => {
    side = box.clientWidth;
    if (view?.surface && !element.hidden) drawPoints();
  }).observe(box);
  return { element, onSetup, onView, onColours: () => view && onView(view) };
}
