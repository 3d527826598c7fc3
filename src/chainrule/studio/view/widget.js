// The view in a notebook: commands and views go through the widget's own messages.
import { mount } from "./mount.js";

function render({ model, el }) {
  const waiting = new Map();
  let number = 0;
  let hear = () => {};
  model.on("msg:custom", (message) => {
    if (message.view) hear(message.view);
    const ended = waiting.get(message.number);
    if (!ended) return;
    waiting.delete(message.number);
    if (message.error) ended.reject(new Error(message.error));
    else ended.resolve(message.answer);
  });
  function ask(command) {
    number += 1;
    const mine = number;
    return new Promise((resolve, reject) => {
      waiting.set(mine, { resolve, reject });
      model.send({ number: mine, command });
    });
  }
  function listen(onView) {
    hear = onView;
    model.send({ listen: true });
  }
  mount(el, { do: ask, listen });
}

export { render as default };
