// What is known of the chain: a snapshot, changed by events. Knows no element and asks nobody. Every list has a limit, so that
// a page may stay open for weeks.

import { capital, millisOf, number, plural, shortHash, size, span } from "./tools.js";

export const LIMITS = { slots: 256, blocks: 300, notes: 500, logs: 2000, seconds: 190, finals: 400 };

export const STATUS = {
  finalized: { letter: "F", word: "final" },
  notarized: { letter: "M", word: "notarized" },
  nullified: { letter: "×", word: "nullified" },
  nullified_late: { letter: "↷", word: "nullified late" },
  passed: { letter: "P", word: "passed" },
  in_progress: { letter: "·", word: "in progress" },
};

export const model = {
  health: null,
  node: {},
  peers: new Map(),
  fleet: null,
  slots: new Map(), // by view, ascending
  blocks: new Map(), // by view, what was proposed or became final
  notes: new Map(), // M, L and nullifications by kind and view
  finals: [], // {at, height}, for the pace
  seconds: new Map(), // history for the charts, by second
  unheard: new Map(), // seconds in which nothing could be heard
  logs: [],
  currentView: 0,
  finalizedView: 0,
  height: 0,
  lastFinalAt: 0,
  loadedAt: 0,
  counted: 0, // the highest view that is in `seconds`
  skew: 0, // the node's clock less ours
};

export const now = () => Date.now() + model.skew;
export const n = () => model.health?.n ?? 0;
export const self = () => model.health?.validator ?? null;
export const nameOf = (validator) => `validator ${validator}${validator === self() ? " (this node)" : ""}`;

export function trim(map, limit) {
  for (const key of map.keys()) {
    if (map.size <= limit) return;
    map.delete(key);
  }
}

function slotOf(view) {
  let slot = model.slots.get(view);
  if (slot) return slot;
  const last = [...model.slots.keys()].at(-1) ?? -1;
  if (view < last) return null; // older than what is kept
  slot = {
    view,
    leader: n() ? view % n() : 0,
    started_at_ms: now(),
    status: "in_progress",
    proposal: null,
    votes: [],
    nullify_votes: [],
    own: null,
    m_after_us: null,
    l_after_us: null,
    nullified_after_us: null,
    finalized_after_us: null,
    rev: 0,
  };
  model.slots.set(view, slot);
  trim(model.slots, LIMITS.slots);
  return slot;
}

/** Another number for every change: whoever shows a thing sees whether it is another one now. */
function nextRevision() {
  return (nextRevision.last = (nextRevision.last ?? 0) + 1);
}

function changeSlot(view, change) {
  const slot = slotOf(view);
  if (!slot) return null;
  Object.assign(slot, change, { rev: nextRevision() });
  return slot;
}

function addBlock(view, facts) {
  const block = model.blocks.get(view) ?? { view, rev: 0 };
  const isNew = block.rev === 0;
  Object.assign(block, facts);
  block.rev += 1;
  if (isNew) {
    model.blocks.set(view, block);
    trim(model.blocks, LIMITS.blocks);
  }
}

function addNote(kind, slot, afterUs, hash) {
  const key = `${kind} ${slot.view}`;
  if (model.notes.has(key) || !Number.isFinite(afterUs)) return;
  model.notes.set(key, {
    key,
    kind,
    view: slot.view,
    leader: slot.leader,
    after: isEntered(slot) ? afterUs : NaN,
    hash,
    at: slot.started_at_ms + afterUs / 1000,
  });
  trim(model.notes, LIMITS.notes);
}

/** Whether votes come to this node. Without a place in the committee only certificates do, which hold M or L of them. */
export const hearsVotes = () => self() !== null && model.health.role === "validator";

/** A view below the final one of which no proof has come: it is over, however it ended. Without a place none ever comes. */
export const statusOf = (slot) =>
  slot.status === "in_progress" && slot.view < model.finalizedView ? "passed" : slot.status;

/** Whether this node was in the view. Of one that it was not in the first thing heard counts as its beginning: no time is known. */
export function isEntered(slot) {
  const times = [slot.proposal?.after_us, slot.m_after_us, slot.l_after_us, slot.nullified_after_us];
  return slot.own !== null || times.some((us) => us > 0);
}

/** A block became final: into the history, once. */
function countFinal(at, view, height, latencyUs, transactions) {
  if (view <= model.counted && model.counted !== 0) return;
  model.counted = view;
  model.lastFinalAt = Math.max(model.lastFinalAt, at);
  model.finals.push({ at, height });
  if (model.finals.length > LIMITS.finals) model.finals.splice(0, LIMITS.finals / 2);
  const second = Math.floor(at / 1000);
  const bucket = model.seconds.get(second) ?? { second, blocks: 0, transactions: 0, latencies: [] };
  bucket.blocks += 1;
  bucket.transactions += transactions;
  // A minute is no latency but a node that catches up.
  if (latencyUs !== null && latencyUs < 60e6 && bucket.latencies.length < 200) bucket.latencies.push(latencyUs);
  model.seconds.set(second, bucket);
  trim(model.seconds, LIMITS.seconds);
}

export function addLog(kind, view, text, at = now()) {
  const id = (addLog.next = (addLog.next ?? 0) + 1);
  const line = { id, at, kind, view, text };
  line.search =
    `${millisOf(at)} ${KINDS[kind]?.label ?? kind} ${view === null ? "" : `view ${view} `}${text}`.toLowerCase();
  model.logs.push(line);
  if (model.logs.length > LIMITS.logs) model.logs.splice(0, 200);
}

export function loadSnapshot(data) {
  const health = data.health;
  if (model.health && model.health.genesis !== health.genesis) {
    location.reload(); // another chain has taken the address: nothing here is about it
    return;
  }
  Object.assign(model, { health, node: data.node ?? {}, fleet: data.fleet ?? null, skew: health.time_ms - Date.now() });
  Object.assign(model, {
    currentView: health.current_view,
    finalizedView: health.finalized_view,
    height: health.finalized_height,
  });
  model.peers = new Map((data.peers ?? []).map((peer) => [peer.peer, peer]));
  model.slots = new Map(data.slots.map((slot) => [slot.view, { ...slot, rev: nextRevision(), isTold: true }]));
  let lastFinalAt = 0;
  for (const slot of model.slots.values()) {
    if (slot.proposal) {
      const { hash, height, tx_count: transactions, bytes } = slot.proposal;
      addBlock(slot.view, { leader: slot.leader, hash, height, transactions, bytes, at: slot.started_at_ms });
    }
    addNote("m_notarization", slot, slot.m_after_us ?? NaN, slot.proposal?.hash);
    addNote("l_notarization", slot, slot.l_after_us ?? NaN, slot.proposal?.hash);
    addNote(
      slot.status === "nullified_late" ? "nullification_late" : "nullification",
      slot,
      slot.nullified_after_us ?? NaN,
    );
    if (slot.status === "finalized" && Number.isFinite(slot.finalized_after_us)) {
      const at = slot.started_at_ms + slot.finalized_after_us / 1000;
      lastFinalAt = Math.max(lastFinalAt, at);
      const latency = slot.latency_us ?? null;
      addBlock(slot.view, { isFinal: true, latency });
      countFinal(at, slot.view, slot.proposal?.height ?? 0, latency, slot.proposal?.tx_count ?? 0);
    }
  }
  model.loadedAt = now();
  // A node that has just started knows of no view: the wait for a final block begins now.
  model.lastFinalAt = lastFinalAt || model.loadedAt;
  addLog(
    "status",
    null,
    `Connected: height ${number(model.height)}, view ${number(model.currentView)}, ${plural(health.peers, "peer")}`,
  );
}

/** Kinds of lines in the log; what is off is shown on demand. */
export const KINDS = {
  view_started: { label: "View" },
  block_proposed: { label: "Proposal" },
  vote_count_changed: { label: "Votes", isOff: true },
  m_notarization: { label: "M" },
  l_notarization: { label: "L" },
  finalized: { label: "Final" },
  nullification: { label: "Nullified" },
  nullification_late: { label: "Nullified late" },
  peer_changed: { label: "Peers" },
  status: { label: "Node", isOff: true },
  alarm: { label: "Alarm" },
};

/** What each kind of event does to the model, and the line that the log has of it. */
export const EVENTS = {
  current_view_changed({ view }) {
    model.currentView = Math.max(model.currentView, view);
  },
  view_started({ view, leader, timestamp_ms }) {
    model.currentView = Math.max(model.currentView, view);
    const isTold = model.slots.get(view)?.isTold;
    const slot = changeSlot(view, { leader, started_at_ms: timestamp_ms, isTold: true });
    if (slot && !isTold) addLog("view_started", view, `Validator ${leader} leads`, timestamp_ms);
  },
  block_proposed(event) {
    const { view, hash, height, parent_view, tx_count, bytes, after_us } = event;
    const known = model.slots.get(view)?.proposal;
    const slot = changeSlot(view, { proposal: { hash, height, parent_view, tx_count, bytes, after_us } });
    const at = (slot?.started_at_ms ?? now()) + (after_us ?? 0) / 1000;
    addBlock(view, { leader: slot?.leader, hash, height, transactions: tx_count, bytes, at });
    // The header comes first, what it holds with the body.
    if (known?.hash === hash && known.tx_count === tx_count) return;
    const what = tx_count === null ? "" : `, ${plural(tx_count, "transaction")}, ${size(bytes)}`;
    addLog("block_proposed", view, `Block ${number(height)} ${shortHash(hash)}${what}, after ${span(after_us)}`, at);
  },
  vote_count_changed({ view, count, votes, nullify_count, nullify_votes, own }) {
    const slot = changeSlot(view, { votes, nullify_votes, own });
    if (!slot) return;
    const nulls = nullify_count ? `, ${number(nullify_count)} to nullify (${nullify_votes.join(", ")})` : "";
    addLog(
      "vote_count_changed",
      view,
      `${number(count)} of ${n()} votes${count ? ` (${votes.join(", ")})` : ""}${nulls}`,
    );
  },
  m_notarization({ view, hash, after_us }) {
    const slot = changeSlot(view, { m_after_us: after_us });
    if (!slot) return;
    if (slot.status === "in_progress") slot.status = "notarized";
    addNote("m_notarization", slot, after_us, hash);
    addLog(
      "m_notarization",
      view,
      `${model.health.m} votes for ${shortHash(hash)} after ${span(after_us)}: validators move on`,
      slot.started_at_ms + after_us / 1000,
    );
  },
  l_notarization({ view, hash, after_us }) {
    const slot = changeSlot(view, { l_after_us: after_us });
    if (!slot) return;
    addNote("l_notarization", slot, after_us, hash);
    addLog(
      "l_notarization",
      view,
      `${model.health.l} votes for ${shortHash(hash)} after ${span(after_us)}: it is final`,
      slot.started_at_ms + after_us / 1000,
    );
  },
  nullification({ view, after_us, late }) {
    const slot = changeSlot(view, { nullified_after_us: after_us });
    if (!slot) return;
    if (slot.status !== "finalized") slot.status = late ? "nullified_late" : "nullified";
    addNote(late ? "nullification_late" : "nullification", slot, after_us);
    const when = late ? ", after this node had moved on" : "";
    addLog(
      late ? "nullification_late" : "nullification",
      view,
      `Nullified after ${span(after_us)}${when}; validator ${slot.leader} led`,
      slot.started_at_ms + after_us / 1000,
    );
  },
  finalized({ height, view, hash, latency_us, tx_count, bytes, timestamp_ms }) {
    model.height = Math.max(model.height, height);
    model.finalizedView = Math.max(model.finalizedView, view);
    const slot = model.slots.get(view);
    if (slot)
      changeSlot(view, {
        status: "finalized",
        finalized_after_us: Math.max(0, timestamp_ms - slot.started_at_ms) * 1000,
      });
    const latency = slot && isEntered(slot) ? latency_us : null;
    const leader = slot?.leader ?? model.blocks.get(view)?.leader ?? null;
    addBlock(view, {
      leader,
      height,
      hash,
      transactions: tx_count,
      bytes,
      at: timestamp_ms,
      isFinal: true,
      latency,
    });
    countFinal(timestamp_ms, view, height, latency, tx_count);
    addLog(
      "finalized",
      view,
      `Block ${number(height)} ${shortHash(hash)} final${latency === null ? "" : ` after ${span(latency)}`}, ${plural(tx_count, "transaction")}`,
      timestamp_ms,
    );
  },
  peer_changed(event) {
    const before = model.peers.get(event.peer);
    if (event.connected || event.peer < n()) model.peers.set(event.peer, event);
    else model.peers.delete(event.peer); // followers come and go
    if (before?.connected === event.connected) return;
    const why = event.last_error ? `: ${event.last_error}` : "";
    addLog(
      "peer_changed",
      null,
      `${capital(peerName(event.peer))} ${event.connected ? `connected (${event.address ?? "no address"})` : `is gone${why}`}`,
    );
  },
  node_status(event) {
    model.node = event;
    model.currentView = Math.max(model.currentView, event.current_view ?? 0);
    model.finalizedView = Math.max(model.finalizedView, event.finalized_view ?? 0);
    model.height = Math.max(model.height, event.height ?? 0);
    addLog(
      "status",
      null,
      `Height ${number(event.height)}, view ${number(event.current_view)}, ${plural(event.peers, "peer")}, ${number(Math.round(event.tps))} tx/s`,
    );
  },
  fleet(event) {
    if (event.alarm && !model.fleet?.alarm) addLog("alarm", null, event.alarm);
    model.fleet = event;
  },
};
export const peerName = (peer) => (peer < n() ? `validator ${peer}` : `follower ${peer}`);
