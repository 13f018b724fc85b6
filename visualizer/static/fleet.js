// The tab Fleet: all validators side by side, and this node's connections.

import { hearsVotes, model, n, now, peerName, self } from "./model.js";
import { $, capital, h, keyed, mark, number, plural, say, shortHash, span, spanMs } from "./tools.js";
import { BEHIND_BLOCKS, entryOf, isLost, lagOf, silences } from "./verdict.js";

/** What is known of one validator, from the fleet's answers, the connections and its votes. */
export function validatorRows() {
  return silences().map((silence) => {
    const { validator } = silence;
    const isSelf = validator === self();
    const entry = entryOf(validator) ?? {};
    const own = isSelf
      ? {
          height: model.height,
          view: model.currentView,
          lag_blocks: Math.max(0, (model.node.known_height ?? 0) - model.height),
          finality_p50_us: model.node.finality_p50_us,
          finalized_hash: model.health.finalized_hash,
          last_seen_ms: now(),
        }
      : {};
    return { ...entry, ...own, validator, silence, isSelf, ...stateOf(validator, entry, silence, isSelf) };
  });
}

function stateOf(validator, entry, silence, isSelf) {
  const reasons = (entry.reasons ?? []).join(", ");
  if (entry.diverged) return { state: "bad", word: "Diverged", why: "its final blocks differ from the others'" };
  if (entry.reachable === false && silence.isSilent) return { state: "bad", word: "Down", why: entry.error };
  if (silence.isSilent) return { state: "bad", word: "Silent", why: `no vote for ${plural(silence.views, "view")}` };
  if (entry.reachable === false) return { state: "warn", word: "Page unreachable", why: entry.error };
  const peer = isSelf ? null : model.peers.get(validator);
  if (peer && isLost(peer)) return { state: "warn", word: "Not connected", why: peer.last_error };
  if (entry.reachable && lagOf(entry) > BEHIND_BLOCKS) return { state: "warn", word: "Behind", why: reasons };
  if (entry.status === "degraded" || (isSelf && model.health.status === "degraded"))
    return { state: "warn", word: "Degraded", why: reasons || model.health.reasons.join(", ") };
  return { state: "ok", word: "Healthy", why: null };
}

export function drawFleet() {
  const alarm = model.fleet?.alarm ?? null;
  $("fleet-alarm").hidden = alarm === null;
  say($("fleet-alarm"), capital(alarm ?? ""));
  $("fleet-empty").hidden = Boolean(model.fleet);
  const rows = validatorRows();
  const well = rows.filter((row) => row.state === "ok").length;
  say($("fleet-note"), `${number(well)} of ${number(n())} healthy`);
  keyed($("fleet"), rows, (row) => `${row.validator} ${row.url}`, makeValidator, showValidator);
  drawPeers();
}

function makeValidator(row) {
  const url = /^https?:\/\//.test(row.url ?? "") && !row.isSelf ? row.url : null;
  const name = url
    ? h("a", { class: "link", href: url, rel: "noreferrer" }, `Validator ${row.validator}`)
    : h("b", null, `Validator ${row.validator}`);
  return h(
    "tr",
    null,
    h("td", null, name, row.isSelf ? h("span", { class: "why" }, "this node") : null),
    h("td"),
    h("td", { class: "num" }),
    h("td", { class: "num" }),
    h("td", { class: "num opt" }),
    h("td", { class: "num mid" }),
    h("td", { class: "num" }),
    h("td", { class: "num opt" }),
    h("td", { class: "mono opt" }),
  );
}

function showValidator(element, row) {
  mark(element, "data-state", row.state);
  const stamp = `${row.state} ${row.word} ${row.why}`;
  const cells = element.children;
  if (element.stamp !== stamp) {
    element.stamp = stamp;
    cells[1].replaceChildren(
      h("span", { class: "state", "data-state": row.state }, row.word),
      row.why ? h("span", { class: "why" }, row.why) : "",
    );
    mark(cells[1], "class", "wrap");
  }
  const { views, isWhole } = row.silence;
  const vote = !hearsVotes() ? "–" : views === 0 ? "now" : isWhole ? "none seen" : `${plural(views, "view")} ago`;
  const isKnown = Boolean(row.finalized_hash);
  const seen = row.last_seen_ms ? now() - row.last_seen_ms : NaN;
  const texts = [
    number(isKnown ? row.height : NaN),
    number(isKnown ? (row.isSelf ? row.lag_blocks : lagOf(row)) : NaN),
    number(isKnown ? row.view : NaN),
    span(row.finality_p50_us || NaN),
    vote,
    seen < 1500 ? "now" : Number.isFinite(seen) ? `${spanMs(seen)} ago` : "–",
    shortHash(row.finalized_hash),
  ];
  texts.forEach((text, index) => say(cells[index + 2], text));
}

function drawPeers() {
  const peers = [...model.peers.values()].sort((a, b) => a.peer - b.peer);
  const connected = peers.filter((peer) => peer.connected).length;
  say($("peers-note"), `${number(connected)} of ${number(peers.length)} connected`);
  $("peers-empty").hidden = peers.length > 0;
  const make = () =>
    h(
      "tr",
      null,
      h("td"),
      h("td", null, h("span", { class: "state" })),
      h("td", { class: "num" }),
      h("td", { class: "mono opt" }),
      h("td", { class: "wrap muted" }),
    );
  keyed(
    $("peers"),
    peers,
    (peer) => peer.peer,
    make,
    (row, peer) => {
      const cells = row.children;
      say(cells[0], capital(peerName(peer.peer)));
      mark(cells[1].firstChild, "data-state", peer.connected ? "ok" : isLost(peer) ? "bad" : "unknown");
      say(cells[1].firstChild, peer.connected ? "Connected" : isLost(peer) ? "Not connected" : "Not dialled");
      say(cells[2], peer.connected ? span(peer.rtt_us || NaN) : "–");
      say(cells[3], peer.address || "–");
      say(cells[4], peer.last_error || "–");
    },
  );
}
