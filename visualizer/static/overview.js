// The tab Overview: figures, the strip of the last views with everybody's votes, charts.

import { charts, drawLatency, drawThroughput } from "./charts.js";
import { STATUS, hearsVotes, isEntered, model, n, now, self, statusOf } from "./model.js";
import { showTile, voteOf } from "./parts.js";
import { $, h, keyed, mark, median, number, plural, say, size, span } from "./tools.js";
import { BEHIND_BLOCKS, WINDOW, isNullified, namesOf, pace, settledViews, silences } from "./verdict.js";

export function drawOverview() {
  drawTiles();
  drawStrip();
  drawLatency(charts.latency);
  drawThroughput(charts.throughput);
}

function drawTiles() {
  const { node, health } = model;
  const slot = model.slots.get(model.currentView);
  const behind = (node.known_height ?? 0) - model.height;
  const connected = [...model.peers.values()].filter((peer) => peer.connected && peer.peer < n());
  const trips = connected.map((peer) => peer.rtt_us).filter((us) => us > 0);
  const others = n() - (self() === null ? 0 : 1);
  const peers = node.peers ?? health.peers;
  const nullified = settledViews().slice(-WINDOW).filter(isNullified).length;
  showTile(
    "height",
    number(model.height),
    behind > 0 ? `${plural(behind, "block")} behind` : "level with peers",
    behind > BEHIND_BLOCKS ? "warn" : "",
  );
  showTile("view", number(model.currentView), slot ? `led by validator ${slot.leader}` : "");
  showTile(
    "finalized-view",
    number(model.finalizedView),
    `${plural(Math.max(0, model.currentView - model.finalizedView), "view")} behind`,
  );
  showTile("finality", span(node.finality_p50_us || NaN), `p99 ${span(node.finality_p99_us || NaN)}`);
  const rate = node.tps ?? 0;
  showTile(
    "rate",
    `${rate > 0 && rate < 10 ? rate.toFixed(1) : number(Math.round(rate))} tx/s`,
    Number.isFinite(pace()) ? `${(1000 / pace()).toFixed(1)} blocks/s` : "none in 10 s",
  );
  showTile(
    "peers",
    `${number(peers)} of ${number(others)}`,
    trips.length ? `round trip ${span(median(trips))}` : "none measured",
    peers < others ? (peers === 0 ? "bad" : "warn") : "",
  );
  showTile("pool", number(node.pending ?? NaN), `${number(node.queued ?? 0)} queued · ${size(node.pool_bytes ?? 0)}`);
  showTile("nullified", number(nullified), `of ${WINDOW} views`, nullified > WINDOW / 10 ? "warn" : "");
}

const strip = { names: null, views: null, shownFor: -1 };

function prepareStrip() {
  if (strip.shownFor === n()) return;
  strip.shownFor = n();
  strip.names = h(
    "div",
    { class: "strip-names" },
    Array.from({ length: n() }, (_, validator) => h("span", null, String(validator))),
  );
  strip.views = h("div", { class: "strip-views" });
  $("strip").replaceChildren(strip.names, strip.views);
}

function drawStrip() {
  prepareStrip();
  const width = $("strip").clientWidth;
  const columns = width < 520 ? 30 : width < 900 ? 44 : WINDOW;
  const slots = [...model.slots.values()].slice(-columns);
  keyed(strip.views, slots, (slot) => slot.view, makeColumn, showColumn);
  // Columns keep their width while there are fewer views than room.
  strip.views.style.paddingLeft = `${(100 * (columns - slots.length)) / columns}%`;
  const silent = silences();
  silent.forEach((entry, validator) => mark(strip.names.children[validator], "class", entry.isSilent ? "blamed" : ""));
  const count = (status) => slots.filter((slot) => statusOf(slot) === status).length;
  const parts = Object.entries(STATUS)
    .map(([status, { word }]) => [count(status), word])
    .filter(([many]) => many > 0);
  const blamed = silent.filter((entry) => entry.isSilent).map((entry) => entry.validator);
  mark(
    $("strip"),
    "aria-label",
    `Last ${slots.length} views: ${parts.map(([many, word]) => `${many} ${word}`).join(", ")}.${blamed.length ? ` Silent: ${namesOf(blamed)}.` : ""}`,
  );
  say($("strip-oldest"), slots.length ? `view ${number(slots[0].view)}` : "\u00a0");
  say($("strip-newest"), slots.length ? `view ${number(slots.at(-1).view)}` : "\u00a0");
}

function makeColumn() {
  const marks = Array.from({ length: n() }, () => h("span", { class: "mark", "data-vote": "none" }));
  return h("div", { class: "strip-view" }, h("span", { class: "head" }), marks);
}

function showColumn(column, slot) {
  const status = statusOf(slot);
  // A vote that is still on its way is not missed, nor one that nobody sends here.
  const isOver = slot.view < model.currentView && now() - slot.started_at_ms > 1000;
  const isMissable = isOver && hearsVotes() && isEntered(slot) && status !== "passed";
  const stamp = `${slot.rev} ${status} ${isMissable}`;
  if (column.stamp === stamp) return;
  column.stamp = stamp;
  const [head, ...marks] = column.children;
  mark(head, "data-status", status);
  say(head, STATUS[status].letter);
  marks.forEach((each, validator) => {
    const vote = voteOf(slot, validator);
    mark(each, "data-vote", vote === "none" && isMissable ? "missed" : vote === "both" ? "voted" : vote);
    mark(each, "class", validator === slot.leader ? "mark lead" : "mark");
  });
  mark(
    column,
    "title",
    `View ${number(slot.view)}, led by validator ${slot.leader}: ${STATUS[status].word}${slot.votes.length ? `, ${slot.votes.length} of ${n()} votes` : ""}`,
  );
}
