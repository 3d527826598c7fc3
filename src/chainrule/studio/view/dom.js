// Elements, made without markup: text never becomes script, whatever a column is called.

const SVG = "http://www.w3.org/2000/svg";

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function s(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

let numbers = 0;
export function freshId(prefix) {
  numbers += 1;
  return `${prefix}-${numbers}`;
}

export function labelled(text, control, more = {}) {
  control.id = control.id || freshId("field");
  return h("div", { class: "field", ...more }, h("label", { for: control.id }, text), control);
}

export function options(select, names, chosen, labels = (name) => name) {
  select.replaceChildren(...names.map((name) => {
    const option = h("option", { value: String(name) }, labels(name));
    option.selected = String(name) === String(chosen);
    return option;
  }));
  return select;
}

export function errorLine() {
  return h("p", { class: "error", role: "alert" });
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
