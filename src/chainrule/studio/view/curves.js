// Cost and metric over the epochs, on rows trained on and on rows held out.
import uPlot from "./vendor/uPlot.esm.js";
import { h } from "./dom.js";
import { isDark } from "./colours.js";
import { metricName, shortNumber } from "./numbers.js";

const HEIGHT = 150;

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}

export function curvesPanel(studio) {
  const costBox = h("div", { class: "curve" });
  const metricBox = h("div", { class: "curve" });
  const title = h("h2", {}, "Metric");
  const element = h("section", { class: "panel curves", "aria-label": "Curves" }, h("h2", {}, "Cost"), costBox, title, metricBox);
  let charts = [];
  let shape = "";
  let view = null;

  function colours() {
    return isDark() ? ["#6fb3f2", "#f5a742", "#b6bcc6"] : ["#1469b4", "#b45f06", "#5a6069"];
  }
  function chart(box, names) {
    const [first, second, text] = colours();
    const styles = [{ stroke: first, width: 2 }, { stroke: second, width: 2, dash: [6, 4] }];
    const grid = { stroke: isDark() ? "#3a3f47" : "#e3e5e8", width: 1 };
    const axis = { stroke: text, grid, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const label = (value) => (value === null || value === undefined ? "–" : shortNumber(value));
    return new uPlot({
      width: Math.max(200, box.clientWidth), height: HEIGHT, legend: { live: false }, cursor: { drag: { x: false, y: false } },
      scales: { x: { time: false } }, axes: [{ ...axis, size: 28 }, { ...axis, size: 56, values: (_, ticks) => ticks.map((t) => label(t)) }],
      series: [{ label: "epoch" }, ...names.map((name, k) => ({ label: name.includes(",") ? name.split(", ")[1] : name === "cost" ? "trained on" : name, ...styles[k % 2], spanGaps: true, points: { show: (plot) => plot.data[0].length < 3 }, value: (_, v) => label(v) }))],
    }, [[], ...names.map(() => [])], box);
  }
  function groups(lines) {
    const names = Object.keys(lines);
    const metrics = names.filter((name) => name.includes(","));
    const first = metrics[0]?.split(",")[0];
    return [names.filter((name) => !name.includes(",")), metrics.filter((name) => name.startsWith(`${first},`)).reverse()];
  }
  function onView(now) {
    view = now;
    const parts = groups(view.curves.lines);
    if (JSON.stringify(parts) !== shape) rebuild(parts);
    charts.forEach(({ plot, names }) => plot.setData([view.curves.epochs, ...names.map((name) => view.curves.lines[name])]));
  }
  function rebuild(parts) {
    shape = JSON.stringify(parts);
    for (const { plot } of charts) plot.destroy();
    charts = [];
    [costBox, metricBox].forEach((box, k) => {
      if (parts[k].length) charts.push({ plot: chart(box, parts[k]), names: parts[k], box });
    });
    if (parts[1].length) title.textContent = capital(metricName(parts[1][0].split(",")[0]));
    metricBox.hidden = metricBox.previousElementSibling.hidden = !parts[1].length;
  }
  new ResizeObserver(() => {
    for (const { plot, box } of charts) if (box.clientWidth > 50 && Math.abs(box.clientWidth - plot.width) > 2) plot.setSize({ width: box.clientWidth, height: HEIGHT });
  }).observe(element);
  function onColours() {
    shape = "";
    if (view) onView(view);
  }
  return { element, onView, onColours, onSetup: (setup) => { element.hidden = !setup.dataset; } };
}
