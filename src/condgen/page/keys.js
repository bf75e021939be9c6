// Keyboard navigation within a group: one tab stop, then arrow keys, Home and End.

/** Make the elements matching `selector` in `group` one tab stop; `moved(element)` is called when an arrow moves there. */
export function arrows(group, selector, moved = (_element) => {}) {
  group.addEventListener("keydown", (event) => {
    const all = [...group.querySelectorAll(selector)];
    const from = all.indexOf(document.activeElement);
    const to = from < 0 ? -1 : target(event.key, all, from);
    if (to < 0) return;
    event.preventDefault();
    all[to].focus();
    moved(all[to]);
  });
  group.addEventListener("focusin", (event) => {
    const reached = event.target.closest(selector);
    if (reached) stop(group, selector, reached);
  });
}

/** Make `element` the only tab stop of the group. */
export function stop(group, selector, element) {
  for (const other of group.querySelectorAll(selector)) other.tabIndex = other === element ? 0 : -1;
}

function target(key, all, from) {
  const columns = all.filter((element) => element.offsetTop === all[0].offsetTop).length;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
  if (key === "Home") return 0;
  if (key === "End") return all.length - 1;
  if (!(key in steps)) return -1;
  if (columns === all.length && Math.abs(steps[key]) === columns) return (from + Math.sign(steps[key]) + columns) % columns;
  const to = from + steps[key];
  return to < 0 || to >= all.length ? -1 : to;
}
