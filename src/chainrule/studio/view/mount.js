// The view: mounted on an element, with `do` to ask and `listen` to hear. It knows neither HTTP nor notebooks.
import { h } from "./dom.js";
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

  const root = h("div", { class: "studio empty" },
    h("h1", { class: "unseen" }, "chainrule studio"),
    banner,
    bar.element,
    h("div", { class: "columns" },
      h("div", { class: "left" }, sides.data.element, sides.design.element),
      h("div", { class: "middle" }, main.element, studio.tabs.element),
      h("div", { class: "right" }, sides.surface.element, sides.curves.element)));
  element.replaceChildren(h("div", { class: "studio-box" }, root));

  let waiting = false;
  let next = null;
  async function draw() {
    waiting = false;
    const view = next;
    if (view.generation !== studio.setup?.generation) studio.setUp(await studio.attempt({ do: "setup" }));
    if (!studio.setup || view.generation !== studio.setup.generation) return;
    studio.view = view;
    if (view.place) studio.tell("onView", view);
  }
  function onView(view) {
    next = view;
    if (!waiting) {
      waiting = true;
      requestAnimationFrame(draw);
    }
  }
  function onState(state) {
    banner.textContent = STATES[state] ?? state;
    banner.hidden = !banner.textContent;
  }

  (async () => {
    studio.form = await studio.attempt({ do: "form" });
    if (studio.form) {
      studio.tell("onForm", studio.form);
      studio.setUp(await studio.attempt({ do: "setup" }));
    }
    listen(onView, onState);
  })();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    studio.tell("onColours");
    if (studio.view) onView(studio.view);
  });
  return studio;
}
