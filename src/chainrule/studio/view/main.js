// The studio over HTTP: commands by POST, views by a stream that is read by fetch. The token is in the address.
import { mount } from "./mount.js";

const token = window.location.hash.slice(1);
const headers = { "x-studio-token": token };

async function ask(command) {
  let answer;
  try {
    answer = await fetch("do", {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify(command),
    });
  } catch {
    throw new Error("the studio does not answer: is it still running in its terminal?");
  }
  const document = await answer.json();
  if (!answer.ok) throw new Error(document.error || `the studio answered ${answer.status}`);
  return document;
}

async function read(answer, onView) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const parts = text.split("\n\n");
    text = parts.pop();
    const last = parts.filter((part) => part.startsWith("data: ")).pop(); // only the newest is drawn
    if (last) onView(JSON.parse(last.slice(6)));
  }
}

async function listen(onView, onState) {
  for (;;) {
    try {
      const answer = await fetch("events", { headers });
      if (answer.status === 401) {
        onState("token");
        return;
      }
      if (answer.ok) {
        onState("live");
        await read(answer, onView);
      }
    } catch {
      // it is tried again
    }
    onState("lost");
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

window.addEventListener("hashchange", () => window.location.reload());
mount(document.getElementById("studio"), { do: ask, listen });
