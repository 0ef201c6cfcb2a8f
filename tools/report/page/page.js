// The report page: reads the JSON that the command put into the page, draws its plots, and shows the
// run that was picked.
import * as echarts from "echarts/core";
import { LineChart, ScatterChart, BarChart } from "echarts/charts";
import {
  DataZoomComponent,
  GridComponent,
  LegendComponent,
  TitleComponent,
  ToolboxComponent,
  TooltipComponent,
} from "echarts/components";
import { SVGRenderer } from "echarts/renderers";
import body from "./page.html";
import css from "./page.css";

echarts.use([
  LineChart, ScatterChart, BarChart, DataZoomComponent, GridComponent, LegendComponent,
  TitleComponent, ToolboxComponent, TooltipComponent, SVGRenderer,
]);

const report = JSON.parse(document.getElementById("report").textContent);
document.head.append(element("style", css));
document.body.insertAdjacentHTML("afterbegin", body);
document.querySelector("h1").textContent = report.title;
// What the command wrote in words stands above what can be clicked.
const words = document.getElementById("words");
if (words) document.querySelector("main").before(words);
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7b61c4", "#5f8a3c"];
const charts = [];
let picked = 0;

const byId = (id) => document.getElementById(id);
const percent = (x) => (x === null ? "-" : (100 * x).toFixed(2) + "%");
const whole = (x) => (x === null ? "-" : Math.round(x).toLocaleString("en-US"));
const real = (x) => (x === null ? "-" : Number(x.toPrecision(4)).toString());
const written = { percent, whole, real };

function element(tag, text, attributes = {}) {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  return e;
}

function ink() {
  const style = getComputedStyle(document.body);
  return {
    text: style.getPropertyValue("--ink").trim(),
    line: style.getPropertyValue("--line").trim(),
    panel: style.getPropertyValue("--panel").trim(),
  };
}

// A chart in the element; `make` gives its option, and is asked again when the colours change.
function chart(id, make) {
  const host = byId(id);
  const c = { host, make, at: echarts.init(host, null, { renderer: "svg" }) };
  charts.push(c);
  redraw(c);
  return c;
}

function redraw(c) {
  const { text, line, panel } = ink();
  const option = c.make();
  const axis = (a) => ({
    nameLocation: "middle", nameGap: 28, scale: true,
    axisLine: { lineStyle: { color: line } },
    axisLabel: { color: text, hideOverlap: true },
    nameTextStyle: { color: text },
    splitLine: { lineStyle: { color: line, opacity: 0.5 } },
    ...a,
  });
  option.xAxis = axis(option.xAxis);
  option.yAxis = axis(option.yAxis);
  c.at.setOption(
    {
      animation: false,
      color: colours,
      textStyle: { color: text, fontFamily: "system-ui, sans-serif" },
      grid: { left: 62, right: 18, top: 34, bottom: 46 },
      legend: { textStyle: { color: text }, top: 0, type: "scroll" },
      ...option,
      tooltip: {
        confine: true, backgroundColor: panel, borderColor: line, textStyle: { color: text },
        ...option.tooltip,
      },
    },
    true,
  );
}

// Points that no other beats in both: less cost, more accuracy.
function front(points) {
  const sorted = [...points].sort((a, b) => a.value[0] - b.value[0] || b.value[1] - a.value[1]);
  let best = -Infinity;
  return sorted.filter((p) => p.value[1] > best && (best = p.value[1]) !== undefined);
}

function pareto(id, key, title, accuracy) {
  const points = report.runs
    .map((run, i) => ({ run, i, value: [run.values[key], run.values[accuracy]] }))
    .filter((p) => p.value[0] !== null && p.value[1] !== null);
  if (points.length === 0) {
    byId(id).remove();
    return;
  }
  const c = chart(id, () => ({
    tooltip: {
      formatter: (p) => {
        const run = report.runs[p.data.run];
        if (!run) return "";
        const box = element("div");
        box.append(element("b", run.label), element("br"));
        for (const column of report.columns)
          if (run.values[column.key] !== null && run.values[column.key] !== undefined)
            box.append(`${column.title}: ${written[column.format](run.values[column.key])}`, element("br"));
        return box.innerHTML;
      },
    },
    toolbox: { right: 4, feature: { dataZoom: {}, restore: {} } },
    dataZoom: [{ type: "inside", xAxisIndex: 0 }, { type: "inside", yAxisIndex: 0 }],
    xAxis: { type: "value", name: title, axisLabel: { color: ink().text, hideOverlap: true, formatter: short } },
    yAxis: { type: "value", name: "", axisLabel: { color: ink().text, formatter: (v) => +(100 * v).toFixed(2) + "%" } },
    series: [
      {
        type: "line", name: "front", step: "end", symbol: "none", silent: true, z: 1,
        lineStyle: { type: "dashed", color: ink().line, width: 2 },
        data: front(points).map((p) => ({ value: p.value })),
      },
      ...report.groups.map((group, g) => ({
        type: "scatter", name: group, symbolSize: 13, color: colours[g % colours.length],
        data: points.filter((p) => p.run.group === g).map((p) => ({ value: p.value, run: p.i })),
      })),
    ],
    legend: { show: false },
  }));
  c.at.on("click", (p) => p.data && p.data.run !== undefined && pick(p.data.run));
}

function short(v) {
  if (Math.abs(v) >= 1e9) return +(v / 1e9).toPrecision(3) + "G";
  if (Math.abs(v) >= 1e6) return +(v / 1e6).toPrecision(3) + "M";
  if (Math.abs(v) >= 1e3) return +(v / 1e3).toPrecision(3) + "k";
  return +v.toPrecision(3) + "";
}

function legend() {
  const host = byId("groups");
  report.groups.forEach((group, g) => {
    const item = element("span", undefined, { class: "group" });
    item.append(element("i", "", { style: `background:${colours[g % colours.length]}` }), group);
    host.append(item);
  });
}

function table() {
  const shown = report.columns.filter((c) => report.runs.some((r) => typeof r.values[c.key] === "number"));
  const head = element("tr");
  head.append(element("th", "run"));
  for (const c of shown) head.append(element("th", c.title));
  byId("runs").append(element("thead"), element("tbody"));
  byId("runs").tHead.append(head);
  report.runs.forEach((run, i) => {
    const row = element("tr", undefined, { tabindex: 0, "data-run": i });
    const name = element("td");
    name.append(element("i", "", { style: `background:${colours[run.group % colours.length]}` }), run.label);
    row.append(name);
    for (const c of shown) row.append(element("td", written[c.format](run.values[c.key])));
    row.addEventListener("click", () => pick(i));
    row.addEventListener("keydown", (e) => e.key === "Enter" && pick(i));
    byId("runs").tBodies[0].append(row);
  });
}

// Lines over the epochs of the picked run, of those columns that it has; `relative`: as a share of
// the first epoch's value.
function lines(id, names, format, relative = false) {
  return chart(id, () => {
    const run = report.runs[picked];
    const present = names.filter(([key]) => run.series[key] && run.series[key].some((v) => v !== null));
    return {
      tooltip: { trigger: "axis", valueFormatter: (v) => (v === null || v === undefined ? "-" : format(v)) },
      xAxis: { type: "value", name: "epoch", min: 1, minInterval: 1 },
      yAxis: { type: "value", name: "", axisLabel: { color: ink().text, formatter: format } },
      series: present.map(([key, name]) => ({
        type: "line", name, showSymbol: run.series[key].length < 30, symbolSize: 5,
        data: run.series[key].map((v, i) => [i + 1, relative && v !== null ? v / run.series[key][0] : v]),
      })),
    };
  });
}

function shares(id) {
  return chart(id, () => {
    const run = report.runs[picked];
    const bars = [...run.shares].reverse();
    return {
      legend: { show: false },
      grid: { left: 150, right: 24, top: 10, bottom: 46 },
      tooltip: { valueFormatter: percent },
      xAxis: { type: "value", name: "share of the expected cost", min: 0, axisLabel: { color: ink().text, formatter: percent } },
      yAxis: { type: "category", data: bars.map((s) => s.edge), name: "", axisLabel: { color: ink().text, fontSize: 10 } },
      series: [{ type: "bar", data: bars.map((s) => s.share), color: colours[0] }],
    };
  });
}

function showEpoch() {
  const run = report.runs[picked];
  const epoch = Number(byId("epoch").value);
  byId("cells").replaceChildren();
  for (const index of run.pictures[epoch - 1] || []) {
    const box = element("figure");
    box.innerHTML = report.pictures[index]; // drawn by the command that wrote this page
    byId("cells").append(box);
  }
  const mark = epoch === run.values.chosen_epoch ? ": its child" : "";
  byId("epoch-text").textContent = `epoch ${epoch} of ${run.pictures.length}${mark}`;
}

function pick(i) {
  picked = i;
  const run = report.runs[i];
  byId("picked").textContent = run.label;
  byId("epoch").max = Math.max(1, run.pictures.length);
  byId("epoch").value = run.values.chosen_epoch ?? run.pictures.length;
  byId("chosen").textContent = run.chosen;
  document.querySelectorAll("#runs tr[data-run]").forEach((row) =>
    row.classList.toggle("picked", Number(row.dataset.run) === i),
  );
  byId("shares").parentElement.hidden = run.shares.length === 0;
  showEpoch();
  charts.forEach(redraw);
  window.dispatchEvent(new CustomEvent("report-picked", { detail: i }));
}

function accuracyColumn() {
  const has = (key) => report.runs.some((r) => r.values[key] !== null);
  return has("test_accuracy") ? ["test_accuracy", "test accuracy"] : ["child_accuracy", "validation accuracy of the child"];
}

legend();
table();
const [accuracy, accuracyTitle] = accuracyColumn();
byId("accuracy").textContent = accuracyTitle;
pareto("by-params", "params", "parameters", accuracy);
pareto("by-madds", "madds", "multiply-adds", accuracy);
// Figures of different protocols stand in one plot only with a word of warning.
if (report.latency_protocols) {
  const how = report.latency_ways === 1 ? "Latency of the exported model, one image, measured with\n"
    : `Latencies were measured in ${report.latency_ways} ways and cannot be compared across them:\n`;
  byId("runs").parentElement.after(element("pre", how + report.latency_protocols, { id: "latency-how" }));
}
pareto("by-latency", "latency_ms", "latency, ms", accuracy);
const kinds = report.kinds;
lines("accuracies", [["train_accuracy", "train"], ["sampled_accuracy", "sampled"], ["child_accuracy", "child"]], (v) => +(100 * v).toFixed(2) + "%");
lines("entropies", kinds.map((k) => [`${k}_entropy`, `${k} cell`]), (v) => +v.toFixed(3) + "");
lines("costs", [["expected_params", "parameters"], ["expected_madds", "multiply-adds"], ["expected_mac", "memory access"]], (v) => +(100 * v).toFixed(1) + "%", true);
shares("shares");
byId("epoch").addEventListener("input", showEpoch);
pick(0);

dark.addEventListener("change", () => charts.forEach(redraw));
window.addEventListener("resize", () => charts.forEach((c) => c.at.resize()));
document.documentElement.dataset.ready = "yes";
