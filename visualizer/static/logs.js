// The tab Logs: every event as a line, filtered.

import { held, holds } from "./holds.js";
import { KINDS, model } from "./model.js";
import { $, h, keyed, millisOf, number } from "./tools.js";

export const hiddenKinds = new Set(Object.keys(KINDS).filter((kind) => KINDS[kind].isOff));

export function drawLogs() {
  const wanted = $("log-filter").value.trim().toLowerCase();
  const found = [];
  for (let at = model.logs.length - 1; at >= 0 && found.length < 250; at -= 1) {
    const line = model.logs[at];
    if (!hiddenKinds.has(line.kind) && line.search.includes(wanted)) found.push(line);
  }
  const stamp = `${wanted} ${[...hiddenKinds]}`;
  if (drawLogs.stamp !== stamp) holds.logs.kept = null; // another question gets another answer, paused or not
  drawLogs.stamp = stamp;
  const lines = held("logs", found, (line) => line.id);
  $("logs-empty").hidden = lines.length > 0;
  $("logs").hidden = lines.length === 0;
  keyed($("logs"), lines, (line) => line.id, makeLine);
}

function makeLine(line) {
  return h(
    "li",
    { "data-kind": line.kind },
    h("time", { datetime: new Date(line.at).toISOString() }, millisOf(line.at)),
    h("span", { class: "tag" }, KINDS[line.kind].label),
    h("span", { class: "at num" }, line.view === null ? "" : number(line.view)),
    h("span", { class: "what" }, line.text),
  );
}
