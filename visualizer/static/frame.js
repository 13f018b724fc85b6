// Drawing happens once a frame at most, whatever asks for it.

export const frame = { draw: null, isAsked: false, isSoon: false };

/** Asks for a drawing in the next frame; `soon` before the open tab's usual time. */
export function redraw(soon = false) {
  frame.isSoon ||= soon;
  if (frame.isAsked) return;
  frame.isAsked = true;
  requestAnimationFrame(() => {
    frame.isAsked = false;
    frame.draw();
  });
}
