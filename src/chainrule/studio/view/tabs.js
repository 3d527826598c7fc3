// Tabs, as screen readers and keyboards expect them.
import { h, freshId } from "./dom.js";

export function tabs(panels, studio) {
  const names = Object.keys(panels);
  const list = h("div", { class: "tablist", role: "tablist", "aria-label": "What to look at" });
  const boxes = {};
  const buttons = {};
  let open = null;
  for (const name of names) {
    const id = freshId("tab");
    const box = h("section", { role: "tabpanel", id: `${id}-panel`, "aria-labelledby": id, tabindex: "0" }, panels[name].element);
    box.hidden = true;
    boxes[name] = box;
    buttons[name] = h("button", {
      type: "button", role: "tab", id, "aria-controls": box.id, "aria-selected": "false", tabindex: "-1",
      onclick: () => show(name),
    }, name);
    list.append(buttons[name]);
  }
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const to = step ? names[(names.indexOf(open) + step + names.length) % names.length]
      : { Home: names[0], End: names[names.length - 1] }[event.key];
    if (!to) return;
    event.preventDefault();
    show(to);
    buttons[to].focus();
  });
  function show(name) {
    open = name;
    for (const each of names) {
      boxes[each].hidden = each !== name;
      buttons[each].setAttribute("aria-selected", String(each === name));
      buttons[each].tabIndex = each === name ? 0 : -1;
    }
    panels[name].onOpen?.();
  }
  function count(name, number) {
    buttons[name].textContent = number ? `${name} (${number})` : name;
  }
  show(names[0]);
  const element = h("div", { class: "tabs" }, list, ...Object.values(boxes));
  return { element, show, count, isOpen: (name) => open === name };
}
