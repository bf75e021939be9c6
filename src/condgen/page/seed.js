// Input field for a seed, with a button for the next one.

import { h } from "./dom.js";
import { t } from "./text.js";

/** name: "seed" or "to", a key of the state. title: a key of text.js. */
export function seedField(state, name, title) {
  const field = h("input", { type: "number", min: 0, max: Number.MAX_SAFE_INTEGER, step: 1, inputmode: "numeric" });
  const changed = () => field.value !== "" && field.validity.valid && state.set({ [name]: Number(field.value) });
  const next = () => state.set({ [name]: state.now[name] + 1 });
  field.addEventListener("input", changed);
  const element = h(
    "div",
    { class: "seed" },
    h("label", {}, h("span", {}, t(title)), field),
    h("button", { type: "button", onclick: next }, t("another")),
  );
  const show = () => document.activeElement === field && Number(field.value) === state.now[name] ? null : (field.value = state.now[name]);
  return { element, show };
}
