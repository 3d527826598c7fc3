// A recording: the same view, whose answers lie in the page.
import { mount } from "./mount.js";
import { h } from "./dom.js";

const data = JSON.parse(document.getElementById("recorded").textContent);
const frames = data.frames;
let frame = frames.length - 1;
let hear = () => {};

function same(a, b) {
  return a.kind === b.kind && a.layer === b.layer && (a.kind === "layer" || (a.j === (b.j ?? 1) && (a.kind !== "weight" || a.i === (b.i ?? 1))));
}
async function ask(command) {
  if (command.do === "form") return data.form;
  if (command.do === "setup") return data.setup;
  if (command.do === "spread") return data.spread;
  if (command.do === "python") return data.python;
  if (command.do === "tour") return data.tour[Math.max(0, command.step - 1)];
  if (command.do === "equation") {
    const found = data.equations.find((answer) => same(answer.pick, command));
    if (found) return found;
  }
  throw new Error("this is a recording: open the studio itself for this");
}
function listen(onView) {
  hear = onView;
  onView(frames[frame]);
}
const slider = h("input", { type: "range", min: 0, max: frames.length - 1, value: frame, "aria-label": "Recorded steps" });
slider.addEventListener("input", () => {
  frame = Number(slider.value);
  hear({ ...frames[frame], generation: data.setup.generation, running: false });
});
const main = document.getElementById("studio");
const box = h("div", {});
mount(box, { do: ask, listen, recorded: true });
main.append(box);
box.querySelector(".bar").prepend(h("label", { class: "recorded-steps" }, "Recorded steps ", slider));
