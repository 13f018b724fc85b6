// Pieces that several tabs show.

import { redraw } from "./frame.js";
import { STATUS, n } from "./model.js";
import { $, capital, h, mark, say } from "./tools.js";

export function tile(id, label) {
  return h(
    "div",
    null,
    h("dt", null, label),
    h("dd", { class: "value", id: `${id}-value` }, "–"),
    h("dd", { class: "more", id: `${id}-more` }, "\u00a0"),
  );
}

export function showTile(id, value, more, tone = "") {
  say($(`${id}-value`), value);
  mark($(`${id}-value`), "data-tone", tone);
  say($(`${id}-more`), more || "\u00a0");
}

export function voteOf(slot, validator) {
  const votes = slot.votes.includes(validator);
  const nulls = slot.nullify_votes.includes(validator);
  return votes && nulls ? "both" : votes ? "voted" : nulls ? "nullify" : "none";
}

export function badge(status, text = STATUS[status].word, letter = STATUS[status].letter) {
  return h(
    "span",
    { class: "badge", "data-status": status },
    h("span", { class: "key", "aria-hidden": "true" }, letter),
    text,
  );
}

export function makeChips(boxId, kinds, hidden) {
  for (const [kind, { label, letter, status }] of Object.entries(kinds)) {
    const text = letter && letter < "a" ? `${letter} · ${label}` : capital(label);
    const chip = h(
      "button",
      {
        type: "button",
        class: "chip",
        "data-kind": kind,
        "data-status": status,
        "aria-pressed": String(!hidden.has(kind)),
      },
      text,
    );
    chip.addEventListener("click", () => {
      if (!hidden.delete(kind)) hidden.add(kind);
      mark(chip, "aria-pressed", String(!hidden.has(kind)));
      redraw(true);
    });
    $(boxId).append(chip);
  }
}

export function missingVotes(slot) {
  const missing = [];
  for (let validator = 0; validator < n(); validator += 1) if (!slot.votes.includes(validator)) missing.push(validator);
  return missing;
}
