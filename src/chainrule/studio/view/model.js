// Any model file: what it is, how good it is on a table, and where it goes wrong.
import { h, labelled, options, errorLine, setText } from "./dom.js";
import { shortNumber, whole } from "./numbers.js";
import { paintWeights } from "./raster.js";

export function modelPanel(studio) {
  const error = errorLine();
  const file = h("select", {});
  const open = h("button", { type: "button" }, "Open the model");
  const close = h("button", { type: "button" }, "Close it");
  close.hidden = true;
  const again = h("button", { type: "button" }, "List the files again");
  const about = h("div", { class: "model-about" });
  const table = h("select", {});
  const evaluate = h("button", { type: "button" }, "Evaluate");
  const scores = h("div", { class: "scores" });
  const element = h("div", { class: "model" }, h("p", { class: "hint" }, "Open a file that chainrule wrote; What if then answers with it. Without one, the network in training is evaluated."),
    h("div", { class: "line" }, labelled("Model file", file), open, close, again), about,
    h("div", { class: "line" }, labelled("Table with the true values", table), evaluate), scores, error);

  async function files() {
    if (studio.recorded) return;
    const listed = await studio.attempt({ do: "files" }, error);
    if (!listed) return;
    options(file, ["", ...listed.models], file.value, (name) => name || (listed.models.length ? "choose a file" : "no model is in this folder"));
    options(table, ["", ...listed.tables], table.value, (name) => name || (listed.tables.length ? "choose a file" : "no table is in this folder"));
  }
  table.addEventListener("change", () => {
    studio.judged = table.value;
    studio.tell("onModel");
  });
  open.addEventListener("click", async () => {
    const answer = await studio.attempt({ do: "open_model", path: file.value }, error);
    if (answer) show(answer);
  });
  close.addEventListener("click", async () => {
    await studio.attempt({ do: "close_model" }, error);
    studio.opened = null;
    about.replaceChildren();
    close.hidden = true;
    studio.tell("onModel");
  });
  again.addEventListener("click", files);
  evaluate.addEventListener("click", async () => {
    scores.replaceChildren();
    const answer = await studio.attempt({ do: "evaluate", path: table.value }, error);
    if (answer) scores.replaceChildren(...Object.keys(answer.targets).map((name) => judged(name, answer)), h("p", { class: "about" }, `${whole(answer.rows)} rows, ${whole(answer.without_target)} without a target`));
  });
  function show(answer) {
    studio.opened = answer;
    close.hidden = false;
    const layers = answer.layers.map((layer, k) => {
      const canvas = h("canvas", { class: "matrix", role: "img", "aria-label": `weights of layer ${k + 2}` });
      paintWeights(canvas, layer);
      return h("figure", { class: "layer-figure" }, h("figcaption", {}, `layer ${k + 2}: ${whole(answer.sizes[k])} × ${whole(answer.sizes[k + 1])} weights`), canvas);
    });
    const columns = (answer.columns ?? []).map((c) => h("tr", {}, h("th", { scope: "row" }, c.name), h("td", {}, c.kind), h("td", {}, c.reading)));
    about.replaceChildren(
      h("p", { class: "about" }, `${answer.kind}: ${answer.network}, ${whole(answer.parameters)} parameters in ${answer.dtype}`),
      h("div", { class: "matrices" }, ...layers),
      columns.length ? h("table", {}, h("caption", {}, `columns, for ${answer.targets.join(", ")}`), ...columns) : null);
    studio.tell("onModel");
  }
  function judged(name, answer) {
    const rows = Object.entries(answer.targets[name]).filter(([, value]) => typeof value === "number");
    const wrong = answer.mistakes[name];
    return h("section", {}, h("h3", {}, name),
      h("table", {}, h("caption", {}, "scores"), ...rows.map(([score, value]) => h("tr", {}, h("th", { scope: "row" }, score.replaceAll("_", " ")), h("td", { class: "number" }, shortNumber(value))))),
      ...(wrong?.confused ? [matrix(wrong), confused(wrong.confused)] : [worst(wrong)]).filter(Boolean));
  }
  function toRow(number) {
    studio.judged = table.value;
    studio.tabs.show("What if");
    studio.parts.find((part) => part.toRow).toRow(number);
  }
  // How often each class is taken for each: the darker, the more rows.
  function matrix({ classes, confusion }) {
    if (!confusion || confusion.length > 10) return null;
    const most = Math.max(1, ...confusion.flat());
    const names = classes.map((each) => String(each.class));
    const cell = (count) => {
      const box = h("td", { class: "number" }, whole(count));
      box.style.background = `color-mix(in srgb, var(--blue) ${Math.round((45 * count) / most)}%, transparent)`;
      return box;
    };
    return h("table", { class: "confusion" }, h("caption", {}, "rows by their class (down) and the answer (across)"),
      h("tr", {}, h("td", {}), ...names.map((name) => h("th", { scope: "col" }, name))),
      ...confusion.map((counts, k) => h("tr", {}, h("th", { scope: "row" }, names[k]), ...counts.map(cell))));
  }
  function confused(pairs) {
    if (!pairs.length) return h("p", {}, "No row is answered with a wrong class.");
    return h("table", {}, h("caption", {}, "where it goes wrong"), ...pairs.slice(0, 12).map((p) => h("tr", {}, h("th", { scope: "row" }, `${p.true} taken for ${p.said}`), h("td", { class: "number" }, `${whole(p.rows)} rows`))));
  }
  function worst(wrong) {
    const rows = wrong?.worst ?? [];
    return h("table", {}, h("caption", {}, "the rows farthest off"), ...rows.slice(0, 12).map((w) => h("tr", {}, h("th", { scope: "row" }, h("button", { type: "button", class: "link", onclick: () => toRow(w.row) }, `row ${whole(w.row + 1)}`)), h("td", {}, `true ${shortNumber(w.true)}, answered ${shortNumber(w.answer)}`))));
  }
  return {
    element, onOpen: files,
    onSetup: () => { for (const each of [open, evaluate, again]) each.disabled = studio.recorded; setText(error, ""); },
  };
}
