// Lists that move can be stopped: by a button, by pointing at them, by going into them with the keyboard.

import { redraw } from "./frame.js";
import { $, mark, say } from "./tools.js";

export const holds = {};

/** A list that moves stands still while its button says so, a pointer is over it or the keyboard is in it. */
export function makeHold(name, listId) {
  const hold = { name, isPaused: false, isPointed: false, isFocused: false, kept: null, newest: 0 };
  const button = $(`${name}-pause`);
  button.addEventListener("click", () => {
    hold.isPaused = !hold.isPaused;
    mark(button, "aria-pressed", String(hold.isPaused));
    say(button, hold.isPaused ? "Go on" : "Pause");
    redraw();
  });
  const list = $(listId);
  const set = (field, value) => () => {
    hold[field] = value;
    redraw();
  };
  list.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && set("isPointed", true)());
  list.addEventListener("pointerleave", set("isPointed", false));
  list.addEventListener("focusin", (event) => event.target.matches(":focus-visible") && set("isFocused", true)());
  list.addEventListener("focusout", set("isFocused", false));
  holds[name] = hold;
}

/** The items to show: the newest, or those from when the list was stopped. `order` numbers an item. */
export function held(name, items, order) {
  const hold = holds[name];
  const newest = items.length > 0 ? order(items[0]) : 0;
  const isHeld = hold.isPaused || hold.isPointed || hold.isFocused;
  if (!isHeld || hold.kept === null) Object.assign(hold, { kept: items, newest });
  if (!isHeld) hold.kept = null;
  const count = items.filter((item) => order(item) > hold.newest).length;
  const newer = count > 0 && count === items.length ? `${count}+` : count;
  const why = hold.isPaused ? "Paused" : "Held";
  say($(`${name}-live`), isHeld ? `${why}${count > 0 ? ` · ${newer} newer` : ""}` : "Live");
  mark($(`${name}-live`), "data-held", String(isHeld));
  return hold.kept ?? items;
}
