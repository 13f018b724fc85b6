// The connection to the node: opened, watched, and opened anew when it is lost.

import { redraw } from "./frame.js";
import { EVENTS, LIMITS, addLog, loadSnapshot, model, now, trim } from "./model.js";
import { spanMs } from "./tools.js";

const SILENCE_MS = 3500; // the node says something each second
const PATIENCE_MS = 2500; // for the browser's own attempt, which resumes where it was
export const link = { source: null, state: "connecting", heardAt: 0, triedAt: 0, lostAt: 0, tries: 0 };

export function connect() {
  link.source?.close();
  const source = new EventSource("/api/events");
  Object.assign(link, { source, triedAt: Date.now() });
  source.addEventListener("error", () => {
    if (source === link.source) lose();
  });
  listen(source, "snapshot", loadSnapshot);
  for (const kind of Object.keys(EVENTS)) {
    listen(source, kind, (data) => {
      if (model.health) EVENTS[kind](data);
    });
  }
}

function listen(source, kind, apply) {
  source.addEventListener(kind, (message) => {
    if (source !== link.source) return;
    heard();
    apply(JSON.parse(message.data));
    redraw();
  });
}

function heard() {
  const wasLost = link.state === "lost";
  Object.assign(link, { heardAt: Date.now(), state: "live", tries: 0 });
  if (wasLost) addLog("status", null, `The connection is back after ${spanMs(Date.now() - link.lostAt)}`);
}

function lose() {
  if (link.state !== "lost") {
    Object.assign(link, { state: "lost", lostAt: Date.now(), tries: 0 });
    if (model.health) addLog("alarm", null, "The connection to this node is lost");
  }
  redraw();
}

/** Each quarter of a second: a stream that is silent is lost, and one that is lost is opened anew. */
export function watch() {
  const at = Date.now();
  if (link.state === "live" && at - link.heardAt > SILENCE_MS) lose();
  if (link.state === "lost") {
    const first = Math.max(link.heardAt, at - LIMITS.seconds * 1000) + model.skew;
    for (let second = Math.floor(first / 1000); second <= now() / 1000; second += 1) model.unheard.set(second, true);
    trim(model.unheard, LIMITS.seconds);
  }
  const patience = link.source.readyState === EventSource.CLOSED ? Math.min(250 * 2 ** link.tries, 2000) : PATIENCE_MS;
  const waited = at - Math.max(link.triedAt, link.lostAt);
  if (link.state !== "live" && waited > patience) {
    link.tries += 1;
    connect();
  }
  redraw();
}

/** Reasons for a degraded state stand in no event. */
export async function refreshHealth() {
  if (link.state !== "live" || document.hidden || !model.health) return;
  const asked = link.source;
  try {
    const health = await (await fetch("/api/health", { signal: AbortSignal.timeout(4000) })).json();
    if (asked === link.source && link.state === "live") Object.assign(model.health, health);
  } catch {
    // The stream notices when the node is gone.
  }
}
