// How z, a, delta and dC/dw of each layer are spread: over time as bands, now as a histogram.
import { h, errorLine } from "./dom.js";
import { isDark } from "./colours.js";
import { shortNumber } from "./numbers.js";
import { sharp } from "./raster.js";

const NAMES = { z: "z", a: "a", delta: "δ", dW: "∂C/∂w" };
const EVERY = 1000;
const HEIGHT = 84;

export function spreadPanel(studio) {
  const error = errorLine();
  const hint = h("p", { class: "hint" }, "Left: the middle half and the middle 98% of the numbers over the updates. Right: how they are spread now. If δ of the first layers is tiny beside that of the last, they learn slowly.");
  const grid = h("div", { class: "spreads" });
  const element = h("div", {}, hint, grid, error);
  let asked = 0;
  let cells = [];

  async function ask(now) {
    if (!studio.setup?.dataset || !studio.tabs?.isOpen("Distributions")) return;
    if (!now && performance.now() - asked < EVERY) return;
    asked = performance.now();
    const answer = await studio.attempt({ do: "spread" }, error);
    if (answer?.now.length) show(answer);
  }
  function show(answer) {
    if (cells.length !== answer.now.length * answer.quantities.length) build(answer);
    cells.forEach(({ canvas, caption, layer, k }) => {
      const name = answer.quantities[k];
      const bands = answer.bands.map((time) => time[layer][k]);
      const [, , median] = bands[bands.length - 1];
      caption.textContent = `${NAMES[name]} of layer ${layer + 2}, median ${shortNumber(median)}`;
      canvas.setAttribute("aria-label", `${caption.textContent}; middle half from ${shortNumber(bands[bands.length - 1][1])} to ${shortNumber(bands[bands.length - 1][3])}`);
      draw(canvas, bands, answer.now[layer][name]);
    });
  }
  function build(answer) {
    cells = [];
    grid.replaceChildren();
    for (let layer = 0; layer < answer.now.length; layer += 1) {
      for (let k = 0; k < answer.quantities.length; k += 1) {
        const canvas = h("canvas", { class: "spread", role: "img" });
        const caption = h("figcaption", {});
        grid.append(h("figure", {}, caption, canvas));
        cells.push({ canvas, caption, layer, k });
      }
    }
  }
  function draw(canvas, bands, now) {
    const width = canvas.clientWidth || 200;
    const context = sharp(canvas, width, HEIGHT);
    const blue = isDark() ? "111 179 242" : "20 105 180";
    const left = 58;
    const split = left + (width - left) * 0.66;
    let low = Math.min(now.low, ...bands.map((band) => band[0]));
    let high = Math.max(now.high, ...bands.map((band) => band[4]));
    if (!(high > low)) [low, high] = [low - 1, high + 1];
    const y = (value) => 4 + (1 - (value - low) / (high - low)) * (HEIGHT - 8);
    const x = (k) => left + (bands.length > 1 ? (k / (bands.length - 1)) * (split - left - 8) : 0);
    for (const [a, b, strength] of [[0, 4, 0.22], [1, 3, 0.4]]) {
      context.fillStyle = `rgb(${blue} / ${strength})`;
      context.beginPath();
      bands.forEach((band, k) => context.lineTo(x(k), y(band[a])));
      for (let k = bands.length - 1; k >= 0; k -= 1) context.lineTo(x(k), y(bands[k][b]));
      if (bands.length === 1) context.rect(left, y(bands[0][b]), split - left - 8, y(bands[0][a]) - y(bands[0][b]));
      context.fill();
    }
    context.strokeStyle = `rgb(${blue})`;
    context.beginPath();
    bands.forEach((band, k) => context.lineTo(x(k), y(band[2])));
    context.stroke();
    const most = Math.max(1, ...now.counts);
    const step = (now.high - now.low) / now.counts.length;
    context.fillStyle = `rgb(${blue} / 0.75)`;
    now.counts.forEach((count, k) => {
      const top = y(now.low + (k + 1) * step);
      context.fillRect(split, top, ((width - split - 2) * count) / most, Math.max(1, y(now.low + k * step) - top - 0.5));
    });
    context.fillStyle = isDark() ? "#b6bcc6" : "#4a5058";
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "right";
    context.fillText(shortNumber(high), left - 4, 12);
    context.fillText(shortNumber(low), left - 4, HEIGHT - 4);
  }
  return { element, onView: () => ask(false), onOpen: () => ask(true), onSetup: () => ask(true), onColours: () => ask(true) };
}
