// What an engineer should know first: whether the chain is well, and if not, who or which threshold is to blame.

import { hearsVotes, isEntered, model, n, nameOf, now, statusOf } from "./model.js";
import { missingVotes } from "./parts.js";
import { link } from "./stream.js";
import { capital, median, number, plural, span, spanMs, word } from "./tools.js";

const SILENT_VIEWS = 4;
const SILENT_MS = 700;
const STALL_MS = 2000;
const PACE_MS = 10_000;
export const BEHIND_BLOCKS = 8;
export const WINDOW = 60;

/** Views of which nothing more is awaited. */
export function settledViews() {
  const at = now();
  const isSettled = (slot) => at - slot.started_at_ms > (slot.view < model.currentView ? 250 : 1500);
  return [...model.slots.values()].filter(isSettled);
}

/** For each validator how many settled views have passed without any vote of it, and how long ago its last one was. */
export function silences(settled = settledViews()) {
  const last = new Array(n()).fill(null);
  for (const slot of model.slots.values()) {
    for (const validator of slot.votes) last[validator] = slot;
    for (const validator of slot.nullify_votes) last[validator] = slot;
  }
  const whole = settled.filter(isEntered); // of the others only certificates are here
  const first = whole[0]?.started_at_ms ?? now();
  const stuck = stuckView();
  const isStuck = stuck && stuck.votes.length + stuck.nullify_votes.length > 0;
  return last.map((slot, validator) => {
    const views = slot ? whole.filter((other) => other.view > slot.view).length : whole.length;
    const ms = now() - (slot?.started_at_ms ?? first);
    const peer = model.peers.get(validator);
    const isDown = (peer && isLost(peer)) || entryOf(validator)?.reachable === false;
    const isMute = (views >= SILENT_VIEWS && ms >= SILENT_MS) || (isDown && views >= 2) || (isStuck && slot !== stuck);
    return { validator, views, ms, isDown, isSilent: isMute && hearsVotes(), isWhole: slot === null };
  });
}

/** A peer that should be there. One without an address is never dialled: whether it connects is its own affair. */
export const isLost = (peer) => !peer.connected && Boolean(peer.address);

/** The current view, once it has stood for so long that it is no view that still runs. */
function stuckView() {
  const slot = model.slots.get(model.currentView);
  return slot && now() - slot.started_at_ms > STALL_MS ? slot : null;
}

export const entryOf = (validator) => model.fleet?.validators.find((entry) => entry.validator === validator);

export function namesOf(validators) {
  const [first, ...rest] = validators;
  if (rest.length === 0) return nameOf(first);
  return `validators ${[first, ...rest].slice(0, -1).join(", ")} and ${rest.at(-1)}`;
}

/**
 * Milliseconds for each final block of the last ten seconds. The time is the whole window's: when a stall ends, many blocks
 * become final in one moment.
 */
export function pace() {
  const recent = model.finals.filter((final) => now() - final.at < PACE_MS);
  if (recent.length < 3) return NaN;
  return Math.min(PACE_MS, now() - model.finals[0].at) / recent.length;
}

/** The usual time from one final block to the next; pauses and bursts do not change it. */
function usualGap() {
  const last = model.finals.slice(-30);
  return median(last.slice(1).map((final, index) => final.at - last[index].at)) || 0;
}

/** How many blocks a validator was behind this node when it was last asked: what became final since is no lag. */
export function lagOf(entry) {
  const then = model.finals.findLast((final) => final.at <= entry.last_seen_ms);
  if (!entry.reachable || !then) return entry.lag_blocks;
  return Math.max(0, Math.min(entry.lag_blocks, then.height - entry.height));
}

/** What an engineer should know first: a level, a sentence and the reason behind it. */
export function judge() {
  if (!model.health) {
    if (link.state === "lost")
      return {
        level: "bad",
        key: "lost",
        title: "Connection lost, trying again",
        detail: "This node does not answer. Nothing has been heard from it yet.",
      };
    return {
      level: "wait",
      key: "connecting",
      title: "Connecting to the node",
      detail: "The first picture of the chain comes within a second.",
    };
  }
  if (link.state === "lost") {
    const age = spanMs(Date.now() - link.heardAt);
    return {
      level: "bad",
      key: "lost",
      title: "Connection lost, trying again",
      detail: `What is shown is ${age} old. This node may be stopped; the others may be well.`,
    };
  }
  if (model.fleet?.alarm)
    return {
      level: "bad",
      key: "divergence",
      title: divergence(),
      detail: `${capital(model.fleet.alarm)}.`,
    };
  return withContradictions(judgeLag() ?? judgeVotes(settledViews()) ?? judgeRest());
}

/** Contradictions stay on record until the node starts again: they stand beside what is the matter now, not before it. */
function withContradictions(verdict) {
  const count = model.node.equivocations ?? 0;
  if (count === 0) return verdict;
  const told = `${plural(count, "contradiction")} by validators since this node started: 'minuet evidence' shows which key signed what.`;
  if (verdict.key !== "ok") return { ...verdict, detail: `${verdict.detail} ${told}` };
  return {
    level: "warn",
    key: "equivocation",
    title: "A validator contradicted itself",
    detail: `${verdict.title} ${told}`,
  };
}

function divergence() {
  const alone = model.fleet.validators.filter((entry) => entry.diverged).map((entry) => entry.validator);
  if (alone.length === 0 || alone.length > n() / 2) return "Validators hold different final blocks";
  return `${capital(namesOf(alone))} ${alone.length === 1 ? "holds" : "hold"} another final block than the others`;
}

function judgeLag() {
  const behind = (model.node.known_height ?? 0) - model.height;
  if (behind <= BEHIND_BLOCKS) return null;
  return {
    level: "warn",
    key: "behind",
    title: `This node is ${plural(behind, "block")} behind and catches up`,
    detail: `Height ${number(model.height)} of ${number(model.node.known_height)}. The chain itself goes on.`,
  };
}

function judgeVotes(settled) {
  const { m, l } = model.health;
  const age = now() - model.lastFinalAt;
  const isStalled = age > Math.max(STALL_MS, 8 * usualGap());
  const silent = silences(settled).filter((entry) => entry.isSilent);
  const voters = n() - silent.length;
  const isCutOff = (model.node.peers ?? model.health.peers) === 0 && n() > 1;
  const stall = `No block final for ${spanMs(age)}`;
  if (isCutOff && isStalled)
    return {
      level: "bad",
      key: "cut-off",
      title: "This node hears no other validator",
      detail: `${stall}. No peer is connected: look at its network, or at the others.`,
    };
  if (silent.length > 0 && voters < l) {
    const names = silent.map((entry) => entry.validator);
    const missing = `${names.length === 1 ? "validator" : "validators"} ${names.join(", ")} ${names.length === 1 ? "is" : "are"} missing`;
    const stuck = stuckView();
    const views = stuck
      ? noEnd(stuck)
      : voters < m
        ? `Views do not change either: that takes ${m} votes.`
        : `Views still change, which takes ${m} votes.`;
    return {
      level: "bad",
      key: `quorum ${names}`,
      title: `${voters} of ${l} votes needed for finality: ${missing}`,
      detail: `${isStalled ? stall : "Nothing becomes final"}. ${views}`,
    };
  }
  if (isStalled) return { level: "bad", key: "stalled", title: stall, detail: stallReason(settled) };
  if (silent.length > 0) return judgeSilent(silent, voters);
  return null;
}

function noEnd(slot) {
  const votes = plural(slot.votes.length, "vote");
  return `View ${number(slot.view)} does not end: ${votes}, ${slot.nullify_votes.length} to nullify, either takes ${model.health.m}.`;
}

function stallReason(settled) {
  const { l } = model.health;
  if (!hearsVotes()) return "This node hears no votes: a validator's page shows whose are missing.";
  const stuck = stuckView();
  if (stuck?.nullify_votes.length > 0) return noEnd(stuck);
  const slot = settled.filter((candidate) => !["finalized", "passed"].includes(statusOf(candidate))).at(-1);
  if (!slot) return "No view has been seen meanwhile.";
  const who = `View ${number(slot.view)}, led by validator ${slot.leader}`;
  if (!slot.proposal) return `${who}: no proposal came.`;
  if (slot.votes.length < l)
    return `${who}: ${slot.votes.length} of ${l} votes needed for finality; missing ${namesOf(missingVotes(slot))}.`;
  return `${who}, has its ${l} votes but is not stored: look at this node's disk.`;
}

function judgeSilent(silent, voters) {
  const views = Math.min(...silent.map((entry) => entry.views));
  const names = silent.map((entry) => entry.validator);
  const since = silent.some((entry) => entry.isWhole) && views >= 250 ? "more than 250 views" : plural(views, "view");
  const spare = voters - model.health.l;
  const rest = spare === 0 ? "None more may fail." : `${capital(word(spare))} more may fail.`;
  const every = Number.isFinite(pace()) ? ` every ${spanMs(pace())}` : "";
  return {
    level: "warn",
    key: `silent ${names}`,
    title: `${capital(namesOf(names))} ${names.length === 1 ? "has" : "have"} not voted for ${since}`,
    detail: `${silent.every((entry) => entry.isDown) ? "Not reachable. " : ""}Blocks are still final${every}: ${word(voters)} of ${word(n())} validators vote, ${word(model.health.l)} are needed. ${rest}`,
  };
}

function judgeRest() {
  const { health, node } = model;
  const far = (model.fleet?.validators ?? []).filter((entry) => entry.reachable && lagOf(entry) > BEHIND_BLOCKS);
  if (far.length > 0)
    return {
      level: "warn",
      key: `lag ${far.map((entry) => entry.validator)}`,
      title: `${capital(namesOf(far.map((entry) => entry.validator)))} ${far.length === 1 ? "is" : "are"} ${plural(Math.max(...far.map(lagOf)), "block")} behind`,
      detail: `${paceSentence()} The tab Fleet shows each validator.`,
    };
  const bad = judgeNullified();
  if (bad) return bad;
  if (node.low_disk)
    return {
      level: "warn",
      key: "disk",
      title: "The disk of this node is almost full",
      detail: `${paceSentence()} Give it room, or keep fewer old blocks.`,
    };
  if (health.status !== "ok" && health.reasons.length > 0)
    return {
      level: "warn",
      key: "degraded",
      title: capital(health.reasons[0]),
      detail:
        health.reasons
          .slice(1)
          .map((reason) => `${capital(reason)}.`)
          .join(" ") || paceSentence(),
    };
  if (model.finals.length > 0 && !hearsVotes())
    return {
      level: "ok",
      key: "ok",
      title: paceSentence(),
      detail: `This node ${health.role === "follower" ? "follows" : "observes"}: it stores every final block and votes on none.`,
    };
  if (model.finals.length === 0)
    return {
      level: "wait",
      key: "waiting",
      title: "Waiting for the first final block",
      detail: `${plural(model.node.peers ?? health.peers, "peer")} connected, ${health.l} of ${n()} votes make a block final.`,
    };
  return {
    level: "ok",
    key: "ok",
    title: `${paceSentence()} ${n() === 1 ? "The one validator votes." : `All ${word(n())} validators vote.`}`,
    detail: `Healthy. A block is final ${span(node.finality_p50_us || NaN)} after it is proposed (p99 ${span(node.finality_p99_us || NaN)}); ${word(health.f)} of ${word(n())} may fail.`,
  };
}

const paceSentence = () => (Number.isFinite(pace()) ? `Final every ${spanMs(pace())}.` : "Blocks become final.");
export const isNullified = (slot) => slot.status === "nullified" || slot.status === "nullified_late";

function judgeNullified() {
  const recent = settledViews().slice(-WINDOW);
  const failed = recent.filter(isNullified);
  if (failed.length < 3 || failed.length < recent.length / 10) return null;
  const worst = leadersOf(recent).sort((a, b) => b.nullified - a.nullified)[0];
  const detail = `${paceSentence()} ${failed.length} of the last ${recent.length} views were nullified${hearsVotes() ? "; all validators vote" : ""}.`;
  if (worst.nullified < failed.length * 0.6)
    return {
      level: "warn",
      key: "nullified",
      title: `${failed.length} of the last ${recent.length} views were nullified`,
      detail: `${paceSentence()} No one leader is to blame: look at the network's delays.`,
    };
  if (leadsAgain(worst.validator)) return null;
  return {
    level: "warn",
    key: `leader ${worst.validator}`,
    title: `${capital(nameOf(worst.validator))} fails as leader: ${worst.nullified} of its last ${worst.led} views were nullified`,
    detail,
  };
}

/** Whether the newest view that a validator led to its end has a block. */
function leadsAgain(validator) {
  const isOver = (slot) => slot.view < model.currentView && slot.status !== "in_progress";
  const last = [...model.slots.values()].findLast((slot) => slot.leader === validator && isOver(slot));
  return last?.status === "finalized" || last?.status === "notarized";
}

export function leadersOf(slots) {
  const table = Array.from({ length: n() }, (_, validator) => ({ validator, led: 0, nullified: 0, times: [] }));
  for (const slot of slots) {
    const entry = table[slot.leader];
    if (!entry || slot.status === "in_progress") continue;
    entry.led += 1;
    if (isNullified(slot)) entry.nullified += 1;
    if (isEntered(slot) && Number.isFinite(slot.m_after_us)) entry.times.push(slot.m_after_us);
  }
  return table;
}
