// Take it along: the model file, an export, the Python, a recording.
import { h, labelled, options, errorLine, setText } from "./dom.js";
import { whole } from "./numbers.js";

export function takePanel(studio) {
  const error = errorLine();
  const done = h("p", { class: "done", role: "status" });
  const savePath = h("input", { type: "text", value: "model.safetensors" });
  const exportPath = h("input", { type: "text", value: "model.py" });
  const format = h("select", {});
  const recordPath = h("input", { type: "text", value: "training.html" });
  const code = h("pre", { class: "python", tabindex: "0", "aria-label": "The Python that makes this training" });
  code.hidden = true;
  const copy = h("button", { type: "button" }, "Copy");
  copy.hidden = true;
  const buttons = [];
  const button = (text, act) => {
    buttons.push(h("button", { type: "button", onclick: act }, text));
    return buttons[buttons.length - 1];
  };
  async function write(command, words) {
    setText(done, "");
    const answer = await studio.attempt(command, error);
    if (answer) setText(done, `${words} ${answer.path} (${whole(answer.bytes)} bytes)`);
  }
  const save = button("Save the model", () => write({ do: "save", path: savePath.value }, "the model is in"));
  const send = button("Export", () => write({ do: "export", path: exportPath.value, to: format.value }, "the program is in"));
  const record = button("Write a recording", () => write({ do: "record", path: recordPath.value }, "the recording is in"));
  const python = button("Show the Python", async () => {
    const answer = await studio.attempt({ do: "python" }, error);
    code.hidden = copy.hidden = !answer;
    if (answer) code.textContent = answer.python;
  });
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.textContent);
    setText(done, "the Python is in the clipboard");
  });
  format.addEventListener("change", () => {
    const ending = studio.form.formats.find((each) => each.name === format.value).ending;
    exportPath.value = exportPath.value.replace(/\.\w+$/, "") + ending;
  });
  const element = h("div", { class: "take" },
    h("p", { class: "hint" }, "Files are written into the folder that the studio was started in."),
    h("div", { class: "line" }, labelled("Model file", savePath), save),
    h("div", { class: "line" }, labelled("Program", exportPath), labelled("Format", format), send),
    h("div", { class: "line" }, labelled("Recording, one HTML file", recordPath), record),
    h("div", { class: "line" }, python, copy), done, error, code);
  return {
    element,
    onForm: (form) => options(format, form.formats.map((each) => each.name), "python", (name) => form.formats.find((each) => each.name === name).title),
    onSetup: (setup) => {
      for (const each of buttons) each.disabled = !setup.dataset || (studio.recorded && each !== python);
      code.hidden = copy.hidden = true;
    },
  };
}
