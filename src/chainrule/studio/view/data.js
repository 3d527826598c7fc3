// Data: a set of the playground, or a table by path or dropped on the page.
import { h, labelled, options, errorLine, setText } from "./dom.js";
import { whole } from "./numbers.js";

const SETS = { circles: "Circles", xor: "Exclusive or", gauss: "Two clouds", spirals: "Spirals", plane: "Plane (numbers)", digits: "Digits" };

export function dataPanel(studio) {
  const error = errorLine();
  const hint = h("p", { class: "hint" }, "Choose a set to begin, or bring a table of your own: pick one from the folder, or drop a CSV file anywhere on this page.");
  const resume = h("button", { type: "button", class: "resume" });
  resume.hidden = true;
  const sets = h("div", { class: "sets", role: "group", "aria-label": "Sets" });
  const rows = h("input", { type: "number", min: 4, max: 5000, step: 1, value: 400 });
  const noise = h("input", { type: "number", min: 0, max: 1, step: 0.01, value: 0.05 });
  const held = h("input", { type: "number", min: 0, max: 0.9, step: 0.05, value: 0.3 });
  const features = h("fieldset", { class: "features" }, h("legend", {}, "Inputs"));
  const file = h("select", {});
  const target = h("select", {});
  const leave = h("input", { type: "text", placeholder: "names, separated by commas" });
  const upload = h("input", { type: "file", accept: ".csv,.tsv,.parquet,.arrow,.feather,.gz" });
  const openTable = h("button", { type: "button" }, "Open the table");
  const about = h("p", { class: "about" });
  const reading = h("tbody");
  const columns = h("details", { class: "columns-read" }, h("summary", {}, "How the columns are read"),
    h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, "column"), h("th", {}, "read as"))), reading));
  const setBox = h("div", { class: "grid" }, labelled("Rows", rows), labelled("Noise", noise), labelled("Held out", held));
  const tableBox = h("details", { class: "own" }, h("summary", {}, "Your own table"),
    labelled("In this folder", file), labelled("From this machine", upload), labelled("Column to learn", target),
    labelled("Leave out", leave), openTable);
  const element = h("section", { class: "panel data", "aria-label": "Data" }, h("h2", {}, "Data"), resume, hint, sets, setBox, features, tableBox, about, columns, error);

  const chosen = { set: null, inputs: new Set(["x1", "x2"]) };
  const buttons = {};
  let kept = null;

  async function openSet(name) {
    const inputs = [...features.querySelectorAll("input:checked")].map((box) => box.value);
    const command = { do: "open", set: name, rows: Number(rows.value), noise: Number(noise.value), held_out: Number(held.value), features: inputs };
    opened(await studio.attempt(command, error));
  }
  function opened(setup) {
    if (!setup) return;
    studio.choose(null);
    studio.setUp(setup);
  }
  resume.addEventListener("click", async () => opened(await studio.attempt({ do: "resume" }, error)));
  async function columnsOf(path) {
    if (!path) return;
    const answer = await studio.attempt({ do: "columns", path }, error);
    const names = answer?.columns ?? [];
    options(target, names, names[names.length - 1]);
  }
  async function filesAgain(choice) {
    const files = await studio.attempt({ do: "files" }, error);
    if (!files) return;
    options(file, ["", ...files.tables], choice, (name) => name || (files.tables.length ? "choose a file" : "no table is in this folder"));
    await columnsOf(file.value);
  }
  async function drop(dropped) {
    const bytes = new Uint8Array(await dropped.arrayBuffer());
    let text = "";
    for (let k = 0; k < bytes.length; k += 32768) text += String.fromCharCode(...bytes.subarray(k, k + 32768));
    const answer = await studio.attempt({ do: "drop", name: dropped.name, data: btoa(text) }, error);
    if (!answer) return;
    await filesAgain(answer.path);
    tableBox.open = true;
    target.focus();
  }
  openTable.addEventListener("click", async () => {
    const names = leave.value.split(",").map((name) => name.trim()).filter(Boolean);
    const command = { do: "open", path: file.value, target: target.value, held_out: Number(held.value), drop: names };
    if (!file.value) setText(error, "choose a file first, or drop one on this page");
    else opened(await studio.attempt(command, error));
  });
  file.addEventListener("change", () => columnsOf(file.value));
  upload.addEventListener("change", () => upload.files[0] && drop(upload.files[0]));
  for (const each of [rows, noise, held]) each.addEventListener("change", () => chosen.set && openSet(chosen.set));
  tableBox.addEventListener("toggle", () => tableBox.open && !file.options.length && filesAgain(""));
  if (!studio.recorded) {
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer?.files[0]) drop(event.dataTransfer.files[0]);
    });
  }

  // It is offered until something is trained here.
  function offer(place) {
    if (place?.update) kept = null;
    resume.hidden = !kept;
  }
  function onForm(form) {
    kept = form.kept;
    if (kept) setText(resume, `Go on with ${kept.title} at update ${whole(kept.update)}, where the studio ended`);
    sets.replaceChildren(...form.sets.map((name) => {
      buttons[name] = h("button", { type: "button", "aria-pressed": "false", onclick: () => openSet(name) }, SETS[name] ?? name);
      return buttons[name];
    }));
    for (const name of form.features) {
      const box = h("input", { type: "checkbox", value: name, checked: chosen.inputs.has(name) });
      box.addEventListener("change", () => chosen.set && openSet(chosen.set));
      features.append(h("label", { class: "check" }, box, name));
    }
  }
  function onSetup(setup) {
    const d = setup.dataset;
    chosen.set = setup.source?.set ?? null;
    for (const [name, button] of Object.entries(buttons)) button.setAttribute("aria-pressed", String(name === chosen.set));
    hint.hidden = Boolean(d);
    offer(setup.place);
    setBox.hidden = features.hidden = Boolean(d) && !(chosen.set && chosen.set !== "digits");
    if (chosen.set && chosen.set !== "digits") {
      for (const box of features.querySelectorAll("input")) box.checked = setup.source.features.includes(box.value);
    }
    setText(about, d ? `${d.title}: ${whole(d.rows)} rows to train on, ${whole(d.held_out)} held out, ${whole(setup.sizes[0])} inputs` : "");
    columns.hidden = !d?.columns.length;
    reading.replaceChildren(...(d?.columns ?? []).map((c) => h("tr", {}, h("th", { scope: "row" }, c.name), h("td", {}, `${c.kind}: ${c.reading}`))));
  }
  return { element, onForm, onSetup, onView: (view) => kept && offer(view.place) };
}
