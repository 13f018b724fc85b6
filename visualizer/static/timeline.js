// The tab Timeline: each view with its votes, thresholds, stages and times.

import { held } from "./holds.js";
import { STATUS, isEntered, model, n, statusOf } from "./model.js";
import { missingVotes, voteOf } from "./parts.js";
import { $, h, keyed, mark, number, say, span } from "./tools.js";
import { isNullified } from "./verdict.js";

export function drawTimeline() {
  const { m, l } = model.health;
  say(
    $("timeline-note"),
    `${n()} validators. M: ${m} votes, validators move on. L: ${l} votes, the block is final. ${m} votes to nullify end a view without a block.`,
  );
  const slots = held("timeline", [...model.slots.values()].slice(-50).reverse(), (slot) => slot.view);
  keyed($("timeline"), slots, (slot) => slot.view, makeView, showView);
}

function makeView(slot) {
  const row = h("li", { "data-view": slot.view });
  row.parts = {
    key: h("span", { class: "key", "aria-hidden": "true" }),
    leader: h("small"),
    stages: ["Proposed", "M", "L", "Final"].map((name) => h("span", { class: "stage" }, name)),
    votes: makeMeter("finalized", [
      [model.health.m, "M"],
      [model.health.l, "L"],
    ]),
    nulls: makeMeter("nullified", [[model.health.m, "M"]]),
    who: Array.from({ length: n() }, (_, validator) => h("span", { "data-vote": "none" }, String(validator))),
    times: ["to M", "to L", "final"].map(() => h("span", null, "–")),
  };
  const { key, leader, stages, votes, nulls, who, times } = row.parts;
  row.append(
    h("div", { class: "t-view" }, key, h("div", null, h("b", null, number(slot.view)), leader)),
    h("div", { class: "t-stages" }, stages),
    h("div", { class: "t-votes" }, votes.box),
    h("div", { class: "t-nulls" }, nulls.box),
    h("div", { class: "who t-who", role: "img" }, who),
    h(
      "div",
      { class: "t-times" },
      ["to M", "to L", "final"].map((name, index) => h("div", null, times[index], h("small", null, name))),
    ),
  );
  return row;
}

function makeMeter(status, marks) {
  const fill = h("div", { class: "meter-fill", "data-status": status });
  const lines = marks.map(([at, name]) => {
    const line = h("div", { class: "meter-mark" }, h("span", null, name));
    line.style.left = `${(100 * at) / n()}%`;
    return line;
  });
  const count = h("span", { class: "count" });
  const box = h(
    "div",
    { class: "meter" },
    h("div", { class: "meter-track", "aria-hidden": "true" }, fill, lines),
    count,
  );
  return { box, fill, count };
}

function showMeter(meter, count, what) {
  meter.fill.style.width = `${(100 * count) / n()}%`;
  meter.count.replaceChildren(
    h("b", null, String(count)),
    h("small", null, `/${n()}`),
    h("span", { class: "unseen" }, ` ${what}`),
  );
}

function showView(row, slot) {
  const status = statusOf(slot);
  const stamp = `${slot.rev} ${status}`;
  if (row.stamp === stamp) return;
  row.stamp = stamp;
  const { key, leader, stages, votes, nulls, who, times } = row.parts;
  const { letter, word } = STATUS[status];
  mark(row, "data-status", status);
  mark(key, "data-status", status);
  say(key, letter);
  leader.replaceChildren(`validator ${slot.leader}`, h("span", { class: "unseen" }, `, ${word}`));
  const isOut = isNullified(slot);
  const reached = [
    slot.proposal !== null,
    slot.m_after_us !== null,
    slot.l_after_us !== null,
    slot.status === "finalized" || isOut || status === "passed",
  ];
  const tones = ["", "notarized", "finalized", isOut ? slot.status : status === "passed" ? "" : "finalized"];
  say(stages[3], { nullified: "Nullified", nullified_late: "Null late", passed: "Passed" }[status] ?? "Final");
  stages.forEach((stage, index) => {
    mark(stage, "class", reached[index] ? "stage on" : "stage");
    mark(stage, "data-status", reached[index] ? tones[index] : "");
  });
  mark(
    votes.fill,
    "data-status",
    slot.votes.length >= model.health.l
      ? "finalized"
      : slot.votes.length >= model.health.m
        ? "notarized"
        : "in_progress",
  );
  showMeter(votes, slot.votes.length, "votes");
  showMeter(nulls, slot.nullify_votes.length, "votes to nullify");
  who.forEach((each, validator) => mark(each, "data-vote", voteOf(slot, validator)));
  const missing = missingVotes(slot);
  mark(
    who[0].parentNode,
    "aria-label",
    missing.length === 0
      ? "All validators voted"
      : `Voted: ${slot.votes.join(", ") || "nobody"}. To nullify: ${slot.nullify_votes.join(", ") || "nobody"}.`,
  );
  const last = isOut ? slot.nullified_after_us : slot.finalized_after_us;
  [slot.m_after_us, slot.l_after_us, last].forEach((us, index) =>
    say(times[index], isEntered(slot) ? span(us ?? NaN) : "–"),
  );
  say(times[2].nextElementSibling, isOut ? "null" : "final");
}
