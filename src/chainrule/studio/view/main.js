// The studio over HTTP: commands by POST, views by a stream that is read by fetch. The token is in the address.
import { mount } from "./mount.js";

const SILENCE = 40_000; // milliseconds after which a stream is taken for lost
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

// Views as they come, until the stream ends or the studio, which says at least every 15 s that it lives, is silent.
async function read(answer, onView, controller) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const silent = setTimeout(() => controller.abort(), SILENCE);
    const { done, value } = await reader.read();
    clearTimeout(silent);
    if (done) return;
    text += value;
    const parts = text.split("\n\n");
    text = parts.pop();
    const last = parts.filter((part) => part.startsWith("data: ")).pop(); // only the newest is drawn
    if (last) onView(JSON.parse(last.slice(6)));
  }
}

function until(target, event, holds) {
  return new Promise((resolve) => {
    const look = () => {
      if (!holds()) return;
      target.removeEventListener(event, look);
      resolve();
    };
    target.addEventListener(event, look);
    look();
  });
}

// A page that nobody sees asks for nothing; one that is seen again asks at once.
async function listen(onView, onState) {
  let controller = null;
  document.addEventListener("visibilitychange", () => document.hidden && controller?.abort());
  for (;;) {
    await until(document, "visibilitychange", () => !document.hidden);
    controller = new AbortController();
    try {
      const answer = await fetch("events", { headers, signal: controller.signal });
      if (answer.status === 401) {
        onState("token");
        return;
      }
      if (answer.ok) {
        onState("live");
        await read(answer, onView, controller);
      }
    } catch {
      // it is tried again
    }
    if (document.hidden) continue;
    onState("lost");
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

window.addEventListener("hashchange", () => window.location.reload());
mount(document.getElementById("studio"), { do: ask, listen });
