// The view: mounted on an element, with `do` to ask and `listen` to hear. It knows neither HTTP nor notebooks.
import { h } from "./dom.js";
import { DARK } from "./colours.js";
import { controls } from "./controls.js";
import { dataPanel } from "./data.js";
import { designPanel } from "./design.js";
import { picture } from "./picture.js";
import { surfacePanel } from "./surface.js";
import { curvesPanel } from "./curves.js";
import { tabs } from "./tabs.js";
import { equationPanel } from "./equations.js";
import { tourPanel } from "./tour.js";
import { spreadPanel } from "./spread.js";
import { doctorPanel } from "./doctor.js";
import { rowPanel } from "./row.js";
import { takePanel } from "./take.js";
import { modelPanel } from "./model.js";

const STATES = {
  live: "",
  lost: "The studio does not answer. If it still runs, this page goes on by itself; nothing is lost while it runs.",
  token: "The studio was started again: open the address that it printed last.",
};

export function mount(element, { do: ask, listen, recorded = false }) {
  const studio = { ask, recorded, form: null, setup: null, view: null, pick: null, row: 0, notation: "GD", parts: [], tabs: null };
  const banner = h("p", { class: "banner", role: "status" });
  banner.hidden = true;

  studio.attempt = async (command, error) => {
    if (error) error.textContent = "";
    try {
      return await ask(command);
    } catch (reason) {
      if (error) error.textContent = reason.message;
      return null;
    }
  };
  studio.tell = (name, ...values) => {
    for (const part of studio.parts) if (part[name]) part[name](...values);
  };
  studio.setUp = (setup) => {
    if (!setup) return;
    studio.setup = setup;
    root.classList.toggle("empty", !setup.dataset);
    studio.row = Math.min(studio.row, Math.max(0, (setup.dataset?.rows ?? 1) - 1));
    studio.tell("onSetup", setup);
  };
  studio.choose = (pick) => {
    studio.pick = pick;
    studio.tell("onPick", pick);
  };

  const bar = controls(studio);
  const main = picture(studio);
  const sides = { data: dataPanel(studio), design: designPanel(studio), surface: surfacePanel(studio), curves: curvesPanel(studio) };
  const below = {
    Equations: equationPanel(studio),
    Tour: tourPanel(studio),
    Distributions: spreadPanel(studio),
    Doctor: doctorPanel(studio),
    "What if": rowPanel(studio),
    "Take along": takePanel(studio),
    "Model file": modelPanel(studio),
  };
  studio.parts = [bar, main, ...Object.values(sides), ...Object.values(below)];
  studio.tabs = tabs(below, studio);

  // JupyterLab leaves the keys to what has this attribute.
  const root = h("div", { class: "studio empty", "data-lm-suppress-shortcuts": "true" },
    h("h1", { class: "unseen" }, "chainrule studio"),
    banner,
    bar.element,
    h("div", { class: "columns" },
      h("div", { class: "left" }, sides.data.element, sides.design.element),
      h("div", { class: "middle" }, main.element, studio.tabs.element),
      h("div", { class: "right" }, sides.surface.element, sides.curves.element)));
  element.replaceChildren(h("div", { class: "studio-box" }, root));

  // A view is drawn over several frames, some parts in each, so that no frame takes long.
  const groups = [[bar, main], [sides.surface, sides.data, sides.design], [sides.curves, ...Object.values(below)]];
  let group = groups.length;
  let next = null;
  let waiting = true; // until the page is set up
  function awaitFrame() {
    waiting = true;
    requestAnimationFrame(frame);
  }
  async function begin() {
    const view = next;
    next = null;
    if (view.generation !== studio.setup?.generation) studio.setUp(await studio.attempt({ do: "setup" }));
    if (!studio.setup || view.generation !== studio.setup.generation || !view.place) return;
    studio.view = view;
    group = 0;
  }
  async function frame() {
    if (group === groups.length && next) await begin();
    if (group < groups.length) {
      for (const part of groups[group]) part.onView?.(studio.view);
      group += 1;
    }
    waiting = false;
    if (group < groups.length || next) awaitFrame();
  }
  function onView(view) {
    next = view;
    if (!waiting) awaitFrame();
  }
  function onState(state) {
    banner.textContent = STATES[state] ?? state;
    banner.hidden = !banner.textContent;
    if (state === "live") start(); // where it did not answer at first
  }

  let starting = false;
  async function start() {
    if (starting || studio.form) return;
    starting = true;
    const [form, setup] = await Promise.all([studio.attempt({ do: "form" }), studio.attempt({ do: "setup" })]);
    studio.form = form;
    if (form) {
      studio.tell("onForm", form);
      studio.setUp(setup);
    }
    starting = waiting = false;
    if (next) onView(next);
  }
  listen(onView, onState);
  start();
  DARK.addEventListener("change", () => {
    studio.tell("onColours");
    if (studio.view) onView(studio.view);
  });
  return studio;
}
