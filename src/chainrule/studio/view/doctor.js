// The doctor's findings as they come, and the certificate of the gradient.
import { h, errorLine, setText } from "./dom.js";

export function doctorPanel(studio) {
  const list = h("ul", { class: "findings", "aria-live": "polite" });
  const none = h("p", { class: "hint" }, "Nothing is wrong so far. The doctor looks at the layers, their errors, the data and the curves while training runs.");
  const error = errorLine();
  const button = h("button", { type: "button" }, "Certify the gradient");
  const verdict = h("p", { class: "verdict", role: "status" });
  const lines = h("pre", { class: "certificate", tabindex: "0", "aria-label": "The certificate" });
  lines.hidden = true;
  const element = h("div", {}, h("h3", {}, "Findings"), none, list, h("h3", {}, "Gradient certificate"),
    h("p", { class: "hint" }, "Compares the gradient of the engine with derivatives of the cost that are computed without backpropagation, parameter by parameter."),
    button, verdict, lines, error);
  let shown = "";

  button.addEventListener("click", async () => {
    setText(verdict, "comparing …");
    const answer = await studio.attempt({ do: "certificate" }, error);
    setText(verdict, answer ? (answer.ok ? "The gradient is certified." : "The gradient is not certified: see where.") : "");
    lines.hidden = !answer;
    if (answer) lines.textContent = answer.text;
  });
  function onView(view) {
    const key = JSON.stringify(view.findings);
    if (key === shown) return;
    shown = key;
    studio.tabs.count("Doctor", view.findings.length);
    none.hidden = view.findings.length > 0;
    list.replaceChildren(...view.findings.map((finding) => h("li", {}, h("strong", {}, `${finding.name}: `), finding.words, h("br"), h("em", {}, "to fix it: "), finding.change)));
  }
  function onSetup(setup) {
    button.disabled = !setup.dataset || studio.recorded;
    setText(verdict, "");
    lines.hidden = true;
  }
  return { element, onView, onSetup };
}
