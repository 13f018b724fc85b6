// The tab Notarizations: M, L and nullifications, their times, and how each leader fares.

import { charts, drawStages } from "./charts.js";
import { held } from "./holds.js";
import { isEntered, model, n } from "./model.js";
import { badge, showTile } from "./parts.js";
import { $, h, keyed, mark, median, number, plural, say, shortHash, span, timeOf } from "./tools.js";
import { isNullified, leadersOf, settledViews } from "./verdict.js";

export const NOTE_KINDS = {
  m_notarization: { letter: "M", label: "notarized", status: "notarized" },
  l_notarization: { letter: "L", label: "final", status: "finalized" },
  nullification: { letter: "×", label: "nullified", status: "nullified" },
  nullification_late: { letter: "↷", label: "nullified late", status: "nullified_late" },
};
export const hiddenNotes = new Set();

export function drawNotarizations() {
  const slots = settledViews();
  const times = (field) =>
    slots
      .filter(isEntered)
      .map((slot) => slot[field])
      .filter(Number.isFinite);
  const [m, l] = [times("m_after_us"), times("l_after_us")];
  const late = slots.filter((slot) => slot.status === "nullified_late").length;
  const failed = slots.filter(isNullified).length;
  showTile("m", span(median(m)), `in ${number(m.length)} of ${number(slots.length)}`);
  showTile("l", span(median(l)), `in ${number(l.length)} of ${number(slots.length)}`);
  showTile(
    "null",
    number(failed),
    late ? `${number(late)} late` : `of ${number(slots.length)}`,
    failed > slots.length / 10 ? "warn" : "",
  );
  drawStages(charts.stages);
  drawLeaders(slots.slice(-120));
  drawNotes();
}

function drawLeaders(slots) {
  say($("leaders-note"), `last ${plural(slots.length, "view")}`);
  const make = () =>
    h(
      "tr",
      null,
      h("td", null, h("span")),
      h("td", { class: "num" }),
      h("td", { class: "num" }),
      h("td", { class: "num" }),
    );
  keyed(
    $("leaders"),
    leadersOf(slots),
    (entry) => entry.validator,
    make,
    (row, entry) => {
      const bad = entry.nullified > 0 && entry.nullified >= entry.led / 4;
      const name = row.children[0].firstChild;
      mark(name, "class", bad ? "state" : "");
      mark(name, "data-state", bad ? "bad" : "ok");
      say(name, String(entry.validator));
      [number(entry.led), number(entry.nullified), span(median(entry.times))].forEach((text, index) =>
        say(row.children[index + 1], text),
      );
    },
  );
}

function drawNotes() {
  const newest = [...model.notes.values()]
    .filter((note) => !hiddenNotes.has(note.kind))
    .slice(-120)
    .reverse();
  const notes = held("notarizations", newest, (note) => note.view);
  $("notarizations-empty").hidden = notes.length > 0;
  keyed($("notarizations"), notes, (note) => note.key, makeNote, showNote);
}

function makeNote(note) {
  const { label, letter, status } = NOTE_KINDS[note.kind];
  return h(
    "tr",
    null,
    h("td", null, badge(status, label, letter)),
    h("td", { class: "num" }, number(note.view)),
    h("td", { class: "num" }, String(note.leader)),
    h("td", { class: "num" }),
    h("td", { class: "num" }, span(note.after)),
    h("td", { class: "opt mono" }, shortHash(note.hash)),
    h("td", { class: "num opt" }, timeOf(note.at)),
  );
}

function showNote(row, note) {
  const slot = model.slots.get(note.view);
  const votes = note.kind.startsWith("null") ? slot?.nullify_votes : slot?.votes;
  if (votes) say(row.children[3], `${votes.length} of ${n()}`);
}
