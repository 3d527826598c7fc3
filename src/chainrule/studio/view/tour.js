// Follow one example through the network: eight steps, large enough to project.
import { h, errorLine, setText } from "./dom.js";
import { equationBox } from "./equations.js";

export function tourPanel(studio) {
  const title = h("h3", { class: "tour-title", tabindex: "-1" }, "Follow one example through the network");
  const text = h("p", { class: "tour-text" }, "Eight steps, from the row that enters to the update of a weight, with the numbers of this moment.");
  const equations = h("div", {});
  const error = errorLine();
  const count = h("p", { class: "tour-count", role: "status" });
  const previous = h("button", { type: "button", onclick: () => go(step - 1) }, "Previous step");
  const next = h("button", { type: "button", onclick: () => go(step + 1) }, "Begin the tour");
  const element = h("div", { class: "tour" }, title, text, equations, h("div", { class: "buttons" }, previous, next, count), error);
  let step = 0, target = 0;  // the step that is shown, and the one that was asked for last
  let asked = 0, focused = false;
  previous.disabled = true;

  async function go(to, move = true) {
    const order = ++asked;
    target = to;
    focused ||= move;
    const answer = await studio.attempt({ do: "tour", row: studio.row, step: to, notation: studio.notation }, error);
    if (order !== asked) return;  // another answer comes
    if (!answer) {
      target = step;
      return;
    }
    step = answer.step;
    setText(title, `${answer.step}. ${answer.title}`);
    setText(text, answer.text);
    equations.replaceChildren(...answer.equations.map(equationBox));
    setText(count, `step ${answer.step} of ${answer.steps}, row ${answer.row + 1}`);
    setText(next, "Next step");
    previous.disabled = step <= 1;
    next.disabled = step >= answer.steps;
    const { layer, neuron, weight } = answer.show;
    const keys = weight ? [`weight ${layer} ${weight[0]} ${weight[1]}`] : neuron ? [`neuron ${layer} ${neuron}`] : [`layer ${layer}`];
    studio.tell("mark", keys);
    if (focused) title.focus({ preventScroll: true });
    focused = false;
  }
  element.addEventListener("keydown", (event) => {
    const to = { ArrowRight: step + 1, ArrowLeft: step - 1 }[event.key];
    if (to >= 1 && to <= 8 && step) {
      event.preventDefault();
      go(to);
    }
  });
  let update = -1;
  return {
    element,
    onRow: () => step && go(target, false),
    onView: (view) => {
      if (step && studio.tabs.isOpen("Tour") && !view.running && view.place.update !== update) {
        update = view.place.update;
        go(target, false);
      }
    },
    onSetup: (setup) => {
      next.disabled = !setup.dataset || step >= 8;
      if (setup.dataset && step) go(Math.min(target, 8), false);
    },
  };
}
