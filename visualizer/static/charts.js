// Latency, throughput and the times of the views as SVG.

import { redraw } from "./frame.js";
import { isEntered, model, now } from "./model.js";
import { $, h, mark, median, number, plural, s, span, timeOf } from "./tools.js";
import { WINDOW } from "./verdict.js";

function niceTop(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 3, 4, 5, 8, 10].map((step) => step * power).find((top) => top >= value);
}

/** A frame with a scale on the left and time or views below; `paint` draws into it. */
export class Chart {
  constructor(id, label, readout) {
    this.box = $(id);
    this.label = label;
    this.readout = readout && $(readout);
    this.svg = s("svg", { role: "img", "aria-label": label });
    this.box.append(this.svg);
    this.hover = null;
    this.stamp = "";
    this.box.addEventListener("pointermove", (event) =>
      this.point(event.clientX - this.box.getBoundingClientRect().left),
    );
    this.box.addEventListener("pointerleave", () => this.point(null));
    new ResizeObserver(() => this.point(this.hover)).observe(this.box);
  }
  point(x) {
    this.hover = x;
    this.stamp = "";
    redraw();
  }
  begin(top, format, stamp) {
    const width = this.box.clientWidth;
    if (this.stamp === `${stamp} ${width}` || width === 0) return false;
    this.stamp = `${stamp} ${width}`;
    const labels = [0, 0.5, 1].map((part) => format(top * part));
    // Figures are narrower than seven pixels; the longest are minutes.
    const left = Math.max(46, 10 + 6.5 * Math.max(...labels.map((label) => label.length)));
    Object.assign(this, { left, right: width - 4, top: 8, bottom: 146, width });
    this.y = (value) => this.bottom - (Math.min(value, top) / top) * (this.bottom - this.top);
    mark(this.svg, "viewBox", `0 0 ${width} 168`);
    this.parts = [];
    labels.forEach((label, index) => {
      const y = Math.round(this.y((top * index) / 2)) + 0.5;
      this.parts.push(s("line", { class: "grid", x1: this.left, x2: this.right, y1: y, y2: y }));
      this.parts.push(s("text", { x: this.left - 7, y: y + 4, "text-anchor": "end" }, label));
    });
    return true;
  }
  caption(x, anchor, text) {
    this.parts.push(s("text", { x, y: 163, "text-anchor": anchor }, text));
  }
  cursor(x) {
    this.parts.push(s("line", { class: "cursor", x1: x, x2: x, y1: this.top, y2: this.bottom }));
  }
  end(summary) {
    this.svg.replaceChildren(...this.parts);
    mark(this.svg, "aria-label", `${this.label}: ${summary}`);
  }
}

/** The last minute, or three once so much is known: a bucket for each second, the running one left out. */
function secondsShown() {
  const last = Math.floor(now() / 1000) - 1;
  const first = Math.min(...model.seconds.keys(), last);
  const length = last - first < 60 ? 60 : 180;
  const from = last - length + 1;
  return Array.from({ length }, (_, index) => {
    const second = from + index;
    return (
      model.seconds.get(second) ?? {
        second,
        blocks: 0,
        transactions: 0,
        latencies: [],
        unknown: second <= first,
        unheard: model.unheard.has(second),
      }
    );
  });
}

function drawTime(chart, buckets, top, format, paint, tell) {
  const stamp = `${buckets.at(-1).second} ${model.seconds.size}`;
  if (!chart.begin(top, format, stamp)) return;
  const step = (chart.right - chart.left) / buckets.length;
  const x = (index) => chart.left + (index + 0.5) * step;
  const hovered = chart.hover === null ? -1 : Math.floor((chart.hover - chart.left) / step);
  const gaps = buckets
    .map((bucket, index) => (bucket.blocks === 0 && !bucket.unknown ? index : -1))
    .filter((index) => index >= 0);
  for (const index of gaps) {
    const kind = buckets[index].unheard ? "gap unheard" : "gap";
    const x0 = Math.round(x(index) - step / 2);
    const width = Math.round(x(index) + step / 2) - x0;
    chart.parts.push(s("rect", { class: kind, x: x0, y: chart.top, width, height: chart.bottom - chart.top }));
  }
  paint(x, step);
  if (buckets[hovered]) chart.cursor(x(hovered));
  const isShort = buckets.length === 60;
  chart.caption(chart.left, "start", isShort ? "1 min ago" : "3 min ago");
  chart.caption((chart.left + chart.right) / 2, "middle", isShort ? "30 s" : "90 s");
  chart.caption(chart.right, "end", "now");
  const bucket = buckets[hovered] ?? null;
  chart.readout.replaceChildren(...tell(bucket));
  const stalls = gaps.length ? ` ${plural(gaps.length, "second")} without a final block.` : "";
  chart.end(`${chart.readout.textContent}.${stalls}`);
}

/** SVG path through points; a gap where a value is missing. */
function path(values, x, y) {
  let text = "";
  let isDown = false;
  values.forEach((value, index) => {
    if (!Number.isFinite(value)) isDown = false;
    else {
      text += `${isDown ? "L" : "M"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
      isDown = true;
    }
  });
  return text;
}

/** The area below the same points. */
function area(values, x, y, floor) {
  let text = "";
  let start = -1;
  [...values, NaN].forEach((value, index) => {
    if (Number.isFinite(value)) {
      if (start < 0) text += `M${x((start = index)).toFixed(1)} ${floor}`;
      text += `L${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    } else if (start >= 0) {
      text += `L${x(index - 1).toFixed(1)} ${floor}Z`;
      start = -1;
    }
  });
  return text;
}

export function drawLatency(chart) {
  const buckets = secondsShown();
  const middle = buckets.map((bucket) => median(bucket.latencies));
  const slowest = buckets.map((bucket) => (bucket.latencies.length ? Math.max(...bucket.latencies) : NaN));
  const known = slowest.filter(Number.isFinite);
  const top = niceTop(Math.max(1000, ...known) / 1000) * 1000;
  const paint = (x) => {
    chart.parts.push(s("path", { class: "area", d: area(middle, x, chart.y, chart.bottom) }));
    chart.parts.push(s("path", { class: "line max", d: path(slowest, x, chart.y) }));
    chart.parts.push(s("path", { class: "line", d: path(middle, x, chart.y) }));
  };
  drawTime(
    chart,
    buckets,
    top,
    (us) => (us === 0 ? "0" : span(us).replace(".0 ", " ")),
    paint,
    (bucket) => {
      if (bucket?.unheard) return [`${timeOf(bucket.second * 1000)} · not connected`];
      if (bucket?.blocks === 0) return [`${timeOf(bucket.second * 1000)} · no final block`];
      const from = bucket ? [bucket] : buckets.slice(-10);
      const all = from.flatMap((each) => each.latencies);
      if (all.length === 0 && from.some((each) => each.blocks > 0)) return ["no view of this node's own"];
      if (all.length === 0) return ["no final block in 10 s"];
      const when = bucket ? `${timeOf(bucket.second * 1000)} · ` : "";
      return [
        when,
        "median ",
        h("b", null, span(median(all))),
        " · slowest ",
        h("b", null, span(all.length ? Math.max(...all) : NaN)),
      ];
    },
  );
}

export function drawThroughput(chart) {
  const buckets = secondsShown();
  const values = buckets.map((bucket) => bucket.transactions);
  const top = niceTop(Math.max(4, ...values));
  const paint = (x, step) => {
    const width = Math.max(1, step - 1);
    values.forEach((value, index) => {
      if (value > 0)
        chart.parts.push(
          s("rect", {
            class: "column",
            x: (x(index) - width / 2).toFixed(1),
            y: chart.y(value).toFixed(1),
            width: width.toFixed(1),
            height: (chart.bottom - chart.y(value)).toFixed(1),
          }),
        );
    });
  };
  drawTime(
    chart,
    buckets,
    top,
    (value) => (value >= 10_000 ? `${value / 1000}k` : number(value)),
    paint,
    (bucket) => {
      const from = bucket ? [bucket] : buckets.slice(-10).filter((each) => !each.unknown);
      const rate = (field) => from.reduce((sum, each) => sum + each[field], 0) / Math.max(1, from.length);
      const when = bucket ? `${timeOf(bucket.second * 1000)} · ` : "";
      return [
        when,
        h("b", null, number(Math.round(rate("transactions")))),
        " tx/s · ",
        h("b", null, rate("blocks").toFixed(bucket ? 0 : 1)),
        " blocks/s",
      ];
    },
  );
}

export function drawStages(chart) {
  const slots = [...model.slots.values()]
    .filter((slot) => slot.status !== "in_progress" && isEntered(slot))
    .slice(-WINDOW);
  const times = slots
    .flatMap((slot) => [slot.m_after_us, slot.l_after_us, slot.nullified_after_us])
    .filter(Number.isFinite);
  const top = niceTop(Math.max(1000, ...times) / 1000) * 1000;
  const stamp = slots.map((slot) => slot.rev).reduce((sum, rev) => sum + rev, slots.at(-1)?.view ?? 0);
  if (!chart.begin(top, (us) => (us === 0 ? "0" : span(us).replace(".0 ", " ")), `${stamp} ${top}`)) return;
  const step = (chart.right - chart.left) / WINDOW;
  slots.forEach((slot, index) => {
    const x = chart.left + (WINDOW - slots.length + index + 0.5) * step;
    const at = (us) => (Number.isFinite(us) ? chart.y(us) : null);
    const [m, l, x0] = [at(slot.m_after_us), at(slot.l_after_us), at(slot.nullified_after_us)];
    if (l !== null) chart.parts.push(s("rect", { class: "dot-l", x: x - 3, y: l - 3, width: 6, height: 6 }));
    if (m !== null) chart.parts.push(s("circle", { class: "dot-m", cx: x, cy: m, r: 3 }));
    if (x0 !== null) chart.parts.push(s("path", { class: "dot-x", d: `M${x - 3} ${x0 - 3}l6 6m0 -6l-6 6` }));
  });
  if (slots.length > 0) {
    chart.caption(chart.left, "start", `view ${number(slots[0].view)}`);
    chart.caption(chart.right, "end", `view ${number(slots.at(-1).view)}`);
  }
  chart.end(
    `${slots.length} views, median to M ${span(median(slots.map((slot) => slot.m_after_us).filter(Number.isFinite)))}`,
  );
}

/** The charts of the page, once it is prepared. */
export const charts = {};
