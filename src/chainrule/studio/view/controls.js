// Run and pause, one epoch, one update, back by one; where the training is.
import { h, labelled, options, errorLine, setText } from "./dom.js";
import { metricName, shortNumber, whole } from "./numbers.js";

const SPEEDS = { full: "as fast as it can", 1000: "1,000 updates a second", 100: "100 a second", 20: "20 a second", 5: "5 a second", 1: "1 a second" };

export function controls(studio) {
  const error = errorLine();
  let running = false; // as the button says
  const button = (name, text, key, command) => {
    const element = h("button", { type: "button", class: name, "aria-keyshortcuts": key, title: `${text} (key ${key})` }, text);
    element.addEventListener("click", () => act(command()));
    return element;
  };
  const restart = button("restart", "Start again", "0", () => ({ do: "restart" }));
  const back = button("back", "Back one update", "b", () => ({ do: "back" }));
  const update = button("update", "One update", "u", () => ({ do: "update" }));
  const epoch = button("epoch", "One epoch", "e", () => ({ do: "epoch" }));
  const run = button("run", "Run", "r", () => ({ do: running ? "pause" : "run" }));
  const speed = options(h("select", {}), Object.keys(SPEEDS), "full", (name) => SPEEDS[name]);
  speed.addEventListener("change", () => act({ do: "speed", updates: speed.value === "full" ? null : Number(speed.value) }));
  const place = h("p", { class: "place" });
  const cost = h("p", { class: "costs" });
  const buttons = h("div", { class: "buttons", role: "group", "aria-label": "Training" }, run, epoch, update, back, restart);
  const element = h("header", { class: "bar" }, buttons, labelled("Speed", speed), h("div", { class: "where" }, place, cost), error);

  async function act(command) {
    const answer = await studio.attempt(command, error);
    if (answer && "running" in answer) showRunning(answer.running);
  }
  function showRunning(now) {
    running = now;
    setText(run, running ? "Pause" : "Run");
    run.classList.toggle("active", running);
  }
  function onKey(event) {
    const target = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || target.matches?.("input, select, textarea")) return;
    const pressed = { r: run, e: epoch, u: update, b: back, 0: restart }[event.key];
    if (pressed && !pressed.disabled) {
      event.preventDefault();
      pressed.click();
    }
  }
  element.addEventListener("keydown", onKey);

  function onSetup(setup) {
    for (const each of [restart, back, update, epoch, run]) each.disabled = !setup.dataset || studio.recorded;
    if (setup.place) onPlace(setup.place);
    else setText(place, "no data yet");
    setText(cost, "");
  }
  function onPlace(p) {
    const ended = p.stopped ? `; ended: ${p.stopped}` : p.finished ? "; done" : "";
    setText(place, `epoch ${whole(p.epoch)} of ${whole(p.epochs)}, batch ${whole(p.batch)} of ${whole(p.batches)}, update ${whole(p.update)}${ended}`);
    back.disabled = p.update === 0 || studio.recorded;
  }
  function onView(view) {
    onPlace(view.place);
    showRunning(view.running);
    const speedNow = view.speed === null ? "full" : String(view.speed);
    if (document.activeElement !== speed) speed.value = speedNow;
    const lines = view.curves.lines;
    const newest = (name) => lines[name]?.findLast((value) => value !== null);
    const both = Object.keys(lines).filter((name) => name !== "held out" && !name.endsWith(", held out")).map((name) => {
      const metric = name.replace(", trained on", "");
      return [metric, newest(name), newest(metric === "cost" ? "held out" : `${metric}, held out`)];
    });
    setText(cost, both.filter(([, value]) => value !== undefined).map(([name, value, held]) => `${metricName(name)} ${shortNumber(value)}${held === undefined ? "" : `, held out ${shortNumber(held)}`}`).join(" · "));
    const problem = view.events.filter((event) => event.event === "error").pop();
    if (problem) setText(error, problem.message);
  }
  return { element, onSetup, onView, onKey };
}
