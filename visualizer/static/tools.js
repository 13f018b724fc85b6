// Small things that every part uses: elements, numbers as text, medians.

export const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

function furnish(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}
export const h = (tag, attributes, ...children) => furnish(document.createElement(tag), attributes, children);
export const s = (tag, attributes, ...children) => furnish(document.createElementNS(SVG, tag), attributes, children);

export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
export function mark(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** Makes the children of `parent` those of `items`, in order, and keeps the elements of items that stay. */
export function keyed(parent, items, key, make, update) {
  const known = (parent.known ??= new Map());
  const wanted = new Set();
  let at = parent.firstElementChild;
  for (const item of items) {
    const name = key(item);
    let row = known.get(name);
    if (!row) known.set(name, (row = make(item)));
    if (update) update(row, item);
    if (row === at) at = at.nextElementSibling;
    else parent.insertBefore(row, at);
    wanted.add(name);
  }
  for (const [name, row] of known) {
    if (!wanted.has(name)) {
      row.remove();
      known.delete(name);
    }
  }
}

const grouped = new Intl.NumberFormat("en-US");
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const WORDS = "no one two three four five six seven eight nine ten eleven twelve".split(" ");
export const number = (value) => (Number.isFinite(value) ? grouped.format(value) : "–");
/** A whole number of any size, as text: a JavaScript number holds 53 bits. */
export const digits = (text) => String(text).replace(/\B(?=(\d{3})+$)/g, ",");
export const word = (value) => WORDS[value] ?? number(value);
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;
export const timeOf = (ms) => clock.format(ms);
export const millisOf = (ms) => `${clock.format(ms)}.${String(Math.floor(ms) % 1000).padStart(3, "0")}`;
export const shortHash = (hash) => (hash ? `${hash.slice(0, 10)}…${hash.slice(-4)}` : "–");

export function span(us) {
  if (!Number.isFinite(us)) return "–";
  const ms = Math.max(0, us) / 1000;
  if (ms < 1) return `${Math.round(us)} µs`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor(ms / 1000) % 60} s`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor(minutes / 60) % 24} h`;
}
export const spanMs = (ms) => span(ms * 1000);

export function size(bytes) {
  if (!Number.isFinite(bytes)) return "–";
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(bytes < 1e5 ? 1 : 0)} kB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

function quantile(values, part) {
  if (values.length === 0) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}
export const median = (values) => quantile(values, 0.5);
