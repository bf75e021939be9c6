// Controls for the sampling options that the generator declares: a slider for a number, a list for words.

import { h } from "./dom.js";
import { known, t } from "./text.js";

const STEPS = 100;

export class OptionsPanel {
  /** options: as the engine describes them. chosen(values): called with the values of all options when the user changes one. */
  constructor(options, chosen) {
    this.controls = options.map((option) => new Control(option, (value) => chosen({ ...this.values, [option.name]: value })));
    const title = h("h2", { id: "options-title" }, t("options"));
    const list = this.controls.map((control) => control.element);
    this.element = h("section", { class: "options", "aria-labelledby": "options-title", hidden: options.length === 0 }, title, ...list);
  }

  show(values) {
    this.values = values;
    this.controls.forEach((control) => control.show(values[control.name]));
  }
}

class Control {
  constructor(option, changed) {
    this.name = option.name;
    this.number = !option.choices;
    const id = `option-${option.name}`;
    this.field = h(this.number ? "input" : "select", { id, "aria-describedby": `${id}-help`, ...this.bounds(option) }, ...this.words(option));
    this.value = h("output", { for: id, class: "soft" });
    this.field.addEventListener("input", () => changed(this.number ? Number(this.field.value) : this.field.value));
    const name = known(`option-${option.name}`) ?? option.name.replaceAll("_", " ");
    const help = known(`option-${option.name}-help`) ?? option.help;
    this.element = h(
      "div",
      { class: "option" },
      h("label", { for: id }, h("span", {}, name), this.value),
      this.field,
      h("p", { class: "soft small", id: `${id}-help` }, help),
    );
  }

  bounds({ minimum, maximum, default: start }) {
    if (!this.number) return {};
    return { type: "range", min: minimum, max: maximum, step: Number.isInteger(start) && maximum - minimum > 1 ? 1 : (maximum - minimum) / STEPS };
  }

  words({ choices = [] }) {
    return choices.map((word) => h("option", { value: word }, word));
  }

  show(value) {
    this.field.value = value;
    this.value.textContent = this.number ? String(Number(Number(value).toPrecision(6))) : "";
  }
}

/** The initial value of every option. */
export function startOf({ options, sampling }) {
  return Object.fromEntries(options.map((option) => [option.name, sampling[option.name] ?? option.default]));
}

/** The `values` that differ from the defaults that the system declares; these are stored with an image. */
function chosenOf({ options }, values) {
  const chosen = options.filter((option) => values[option.name] !== option.default);
  return Object.fromEntries(chosen.map((option) => [option.name, values[option.name]]));
}

/** Metadata of images generated under these options; equal to that of condgen/sampling/provenance.py. */
export function originOf(about, options) {
  const chosen = chosenOf(about, { ...startOf(about), ...options });
  const sampling = Object.keys(chosen).length ? { sampling: chosen } : {};
  return { ...sampling, system: about.system, weights: about.sha256, micro_batch: about.micro_batch };
}

/** The value of an option that `text` denotes; undefined if it is not a value of this option. */
export function parsed(option, text) {
  if (option.choices) return option.choices.includes(text) ? text : undefined;
  const value = text === "" || text === null ? NaN : Number(text);
  return value >= option.minimum && value <= option.maximum ? value : undefined;
}
