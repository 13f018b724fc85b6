// The tab Blocks, and the dialog that shows one.

import { held } from "./holds.js";
import { model, n, nameOf, statusOf } from "./model.js";
import { badge } from "./parts.js";
import { $, capital, digits, h, keyed, number, plural, say, shortHash, size, span, timeOf } from "./tools.js";
import { namesOf } from "./verdict.js";

function statusOfBlock(block) {
  if (block.isFinal) return "finalized";
  const slot = model.slots.get(block.view);
  if (slot) return statusOf(slot);
  return block.height <= model.height ? "passed" : "in_progress";
}

export function drawBlocks() {
  const newest = [...model.blocks.values()].sort((a, b) => b.view - a.view).slice(0, 100);
  const blocks = held("blocks", newest, (block) => block.view);
  $("blocks-empty").hidden = blocks.length > 0;
  keyed($("blocks"), blocks, (block) => block.view, makeBlockRow, showBlockRow);
}

function makeBlockRow(block) {
  const open = h("button", { type: "button", class: "link" }, number(block.height));
  const cells = Array.from({ length: 9 }, (_, index) =>
    h("td", {
      class:
        `${index === 1 || index === 4 ? "" : "num"} ${[3, 4, 6, 8].includes(index) ? "opt" : ""} ${index === 4 ? "mono" : ""}`.trim(),
    }),
  );
  cells[0].append(open);
  return h("tr", { class: "opens", onclick: () => openBlock(block.height, block) }, cells);
}

function showBlockRow(row, block) {
  const status = statusOfBlock(block);
  const stamp = `${block.rev} ${status}`;
  if (row.stamp === stamp) return;
  row.stamp = stamp;
  const cells = row.children;
  say(cells[0].firstChild, number(block.height));
  cells[1].replaceChildren(badge(status));
  const texts = [
    number(block.view),
    block.leader ?? "–",
    shortHash(block.hash),
    number(block.transactions),
    size(block.bytes),
    span(block.latency ?? NaN),
    timeOf(block.at),
  ];
  texts.forEach((text, index) => say(cells[index + 2], String(text)));
}

export async function openBlock(height, known) {
  const dialog = $("block");
  openBlock.height = height;
  say($("block-title"), `Block ${number(height)}`);
  $("block-body").replaceChildren(h("p", { class: "muted" }, "Loading…"));
  if (!dialog.open) dialog.showModal();
  const show = (...parts) => openBlock.height === height && $("block-body").replaceChildren(...parts.filter(Boolean));
  try {
    const answer = await fetch(`/api/blocks/${height}`, { signal: AbortSignal.timeout(5000) });
    const block = await answer.json();
    if (answer.ok) return show(blockFacts(block), ...certificateOf(block), ...transactionsOf(block));
    show(h("p", null, capital(block.error ?? "This node has no such block.")), known && proposalFacts(known));
  } catch (error) {
    show(
      h("p", null, `This node gave no answer (${error.message}). Close this and try again.`),
      known && proposalFacts(known),
    );
  }
}

function factList(facts) {
  return h(
    "dl",
    { class: "facts" },
    facts.map(([name, value, mono]) => [h("dt", null, name), h("dd", { class: mono ? "mono" : null }, value)]),
  );
}

function proposalFacts(block) {
  const status = statusOfBlock(block);
  return factList([
    ["Status", badge(status)],
    ["View", number(block.view)],
    ["Leader", `validator ${block.leader}`],
    ["Hash", block.hash, true],
    ["Transactions", number(block.transactions)],
  ]);
}

function blockFacts(block) {
  const gas = `${number(block.gas_used)} of ${number(block.gas_limit)} (${((100 * block.gas_used) / Math.max(1, block.gas_limit)).toFixed(1)} %)`;
  return factList([
    ["Status", badge("finalized")],
    ["View", number(block.view)],
    ["Leader", nameOf(block.leader)],
    ["Time", `${new Date(block.time_ms).toISOString().replace("T", " ").replace("Z", "")} UTC`],
    ["Size", `${size(block.bytes)}, ${plural(block.tx_count, "transaction")}`],
    ["Gas", gas],
    ["Base fee", `${digits(block.base_fee)} wei`],
    ["Hash", block.hash, true],
    ["Parent", block.parent_hash, true],
    ["State root", block.state_root, true],
    ["Transactions", block.transactions_root, true],
    ["Receipts", block.receipts_root, true],
  ]);
}

function certificateOf(block) {
  const certificate = block.certificate;
  const title = h("h3", null, "Certificate");
  if (!certificate)
    return [title, h("p", { class: "muted" }, "None of its own: a later block's certificate makes it final too.")];
  const chips = Array.from({ length: n() }, (_, validator) =>
    h("span", { "data-vote": certificate.signers.includes(validator) ? "voted" : "none" }, String(validator)),
  );
  const missing = Array.from({ length: n() }, (_, validator) => validator).filter(
    (validator) => !certificate.signers.includes(validator),
  );
  const who = `${capital(certificate.kind)} of view ${number(certificate.view)}: signed by ${certificate.signers.length} of ${n()} validators, ${model.health.l} are needed.`;
  return [
    title,
    h("div", { class: "who signers", role: "img", "aria-label": `Signers: ${certificate.signers.join(", ")}` }, chips),
    h("p", { class: "muted" }, missing.length ? `${who} Without ${namesOf(missing)}.` : who),
  ];
}

function transactionsOf(block) {
  if (block.transactions.length === 0) return [h("h3", null, "Transactions"), h("p", { class: "muted" }, "None.")];
  const more =
    block.tx_count > block.transactions.length
      ? `, the first ${block.transactions.length} of ${number(block.tx_count)}`
      : "";
  return [
    h("h3", null, `Transactions${more}`),
    h(
      "ol",
      { class: "hashes" },
      block.transactions.map((hash) => h("li", null, hash)),
    ),
  ];
}
