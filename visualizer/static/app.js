// The dashboard of one node. It draws what the node tells (a snapshot, then events) and asks nobody else.
//
// The model knows no element; a tab only reads the model; only the open tab is drawn, once a frame at most.

import { drawBlocks, openBlock } from "./blocks.js";
import { Chart, charts } from "./charts.js";
import { drawFleet, validatorRows } from "./fleet.js";
import { frame, redraw } from "./frame.js";
import { holds, makeHold } from "./holds.js";
import { drawLogs, hiddenKinds } from "./logs.js";
import { KINDS, addLog, model, n } from "./model.js";
import { NOTE_KINDS, drawNotarizations, hiddenNotes } from "./notarizations.js";
import { drawOverview } from "./overview.js";
import { makeChips, tile } from "./parts.js";
import { connect, link, refreshHealth, watch } from "./stream.js";
import { drawTimeline } from "./timeline.js";
import { $, capital, h, mark, number, say, spanMs } from "./tools.js";
import { judge } from "./verdict.js";

const TABS = {
  overview: { draw: drawOverview, everyMs: 90 },
  timeline: { draw: drawTimeline, everyMs: 100 },
  blocks: { draw: drawBlocks, everyMs: 150 },
  notarizations: { draw: drawNotarizations, everyMs: 200 },
  logs: { draw: drawLogs, everyMs: 150 },
  fleet: { draw: drawFleet, everyMs: 200 },
};
const NAMES = Object.keys(TABS);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
export const page = { tab: "overview", drawnAt: 0, judgedAt: 0, key: "" };

function draw() {
  const at = performance.now();
  if (frame.isSoon) page.drawnAt = 0;
  frame.isSoon = false;
  if (at - page.judgedAt >= 200) {
    page.judgedAt = at;
    drawVerdict();
    drawHead();
  }
  const tab = TABS[page.tab];
  if (model.health && at - page.drawnAt >= (calm.matches ? Math.max(tab.everyMs, 500) : tab.everyMs)) {
    page.drawnAt = at;
    tab.draw();
  }
}

function drawVerdict() {
  const verdict = judge();
  mark($("verdict"), "data-level", verdict.level);
  mark($("verdict"), "data-key", verdict.key);
  mark($("verdict-icon"), "href", `#icon-${verdict.level}`);
  say($("verdict-title"), verdict.title);
  say($("verdict-detail"), verdict.detail);
  if (verdict.key !== page.key) {
    page.key = verdict.key;
    say($("announce"), verdict.title);
    const tone = { ok: "status", wait: "status", warn: "alarm", bad: "alarm" }[verdict.level];
    if (model.health && verdict.key !== "lost") addLog(tone, null, verdict.title);
  }
  const sign = { ok: "✓", warn: "!", bad: "✕", wait: "…" }[verdict.level];
  document.title = `${sign} ${model.health ? number(model.height) : ""} Minuet`.replace("  ", " ");
}

function drawHead() {
  const { health } = model;
  mark($("connection"), "data-state", link.state);
  const age = Date.now() - link.heardAt;
  const texts = {
    live: "Live",
    connecting: "Connecting",
    lost: link.heardAt ? `Connection lost · data ${spanMs(age)} old` : "No connection",
  };
  say($("connection-text"), texts[link.state]);
  if (!health) return;
  const who = health.validator === null ? capital(health.role) : `Validator ${health.validator}`;
  $("identity").replaceChildren(
    h("b", null, who),
    ` of ${number(n())} · chain ${health.chain_id} · v${health.version} · up ${spanMs(model.node.uptime_ms ?? health.uptime_ms)}`,
  );
  const troubled = validatorRows().filter((row) => row.state === "bad").length;
  $("fleet-badge").hidden = troubled === 0;
  if (troubled) $("fleet-badge").replaceChildren(String(troubled), h("span", { class: "unseen" }, " in trouble"));
}

function openTab(name, withFocus = false) {
  page.tab = name;
  for (const other of NAMES) {
    const button = $(`tab-${other}`);
    mark(button, "aria-selected", String(other === name));
    button.tabIndex = other === name ? 0 : -1;
    $(`panel-${other}`).hidden = other !== name;
  }
  if (withFocus) $(`tab-${name}`).focus();
  $(`tab-${name}`).scrollIntoView({ block: "nearest", inline: "nearest" });
  history.replaceState(null, "", `#${name}`);
  redraw(true);
}

function prepareTabs() {
  NAMES.forEach((name, index) => {
    $(`tab-${name}`).addEventListener("click", () => openTab(name));
    $(`tab-${name}`).addEventListener("keydown", (event) => {
      const to = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: NAMES.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      openTab(NAMES.at(to % NAMES.length), true);
    });
  });
  const asked = () => NAMES.find((name) => `#${name}` === location.hash);
  addEventListener("hashchange", () => asked() && openTab(asked()));
  openTab(asked() ?? "overview");
}

function prepareTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage may be forbidden; then the choice lasts as long as the page
    }
  };
  let chosen = stored();
  const show = () => {
    const isDark = (chosen ?? (dark.matches ? "dark" : "light")) === "dark";
    if (chosen) document.documentElement.dataset.theme = chosen;
    say($("theme"), isDark ? "Light" : "Dark");
    mark($("theme"), "aria-label", isDark ? "Light colours" : "Dark colours");
    return isDark;
  };
  $("theme").addEventListener("click", () => {
    chosen = show() ? "light" : "dark";
    try {
      localStorage.setItem("theme", chosen);
    } catch {
      // as above
    }
    show();
  });
  dark.addEventListener("change", show);
  show();
}

function prepare() {
  frame.draw = draw;
  prepareTheme();
  $("tiles").append(
    ...[
      ["height", "Height"],
      ["view", "Current view"],
      ["finalized-view", "Finalized view"],
      ["finality", "Finality, median"],
      ["rate", "Throughput"],
      ["peers", "Peers"],
      ["pool", "Mempool"],
      ["nullified", "Nullified"],
    ].map(([id, label]) => tile(id, label)),
  );
  $("stages").append(tile("m", "Median to M"), tile("l", "Median to L"), tile("null", "Nullified views"));
  charts.latency = new Chart("latency-chart", "Finality latency", "latency-readout");
  charts.throughput = new Chart("throughput-chart", "Throughput", "throughput-readout");
  charts.stages = new Chart("stages-chart", "Time to M and L by view");
  makeChips("notarization-kinds", NOTE_KINDS, hiddenNotes);
  makeChips("log-kinds", KINDS, hiddenKinds);
  for (const name of ["timeline", "blocks", "notarizations", "logs"]) makeHold(name, name);
  $("log-filter").addEventListener("input", () => redraw(true));
  $("logs-clear").addEventListener("click", () => {
    model.logs.length = 0;
    holds.logs.kept = null;
    redraw(true);
  });
  $("lookup").addEventListener("submit", (event) => {
    event.preventDefault();
    openBlock(Number($("lookup-height").value));
  });
  $("block-close").addEventListener("click", () => $("block").close());
  $("block").addEventListener("click", (event) => event.target === $("block") && $("block").close());
  prepareTabs();
  connect();
  setInterval(watch, 250);
  setInterval(refreshHealth, 2000);
}

prepare();
