// Choice of the label: one of the classes, or attributes that are on or off.

import { h } from "./dom.js";
import { arrows, stop } from "./keys.js";
import { t } from "./text.js";

export class Picker {
  /** chosen(label): called on a choice. */
  constructor(labels, chosen) {
    this.labels = labels;
    this.chosen = chosen;
    this.buttons = labels.names.map((name, i) => this.button(name, i));
    const role = labels.attributes ? "group" : "radiogroup";
    this.group = h("div", { class: "chips", role, "aria-labelledby": "picker-title" }, ...this.buttons);
    const title = h("h2", { id: "picker-title" }, t(labels.attributes ? "attributes" : "classes"));
    this.element = h("section", { class: "picker", hidden: labels.single }, title, this.group);
    arrows(this.group, "button", (button) => labels.attributes || button.click());
  }

  show(label) {
    this.label = label;
    this.buttons.forEach((button, i) => {
      button.setAttribute(this.labels.attributes ? "aria-pressed" : "aria-checked", String(this.isOn(i)));
    });
    if (!this.group.contains(document.activeElement)) {
      stop(this.group, "button", this.buttons[this.labels.attributes ? 0 : label]);
    }
  }

  isOn(i) {
    return this.labels.attributes ? this.label[i] === 1 : this.label === i;
  }

  button(name, i) {
    const role = this.labels.attributes ? {} : { role: "radio" };
    const disabled = this.labels.empty.has(i);
    const does = { onclick: () => this.pick(i), disabled };
    return h("button", { type: "button", class: "chip", ...role, ...does }, shown(name, this.labels));
  }

  pick(i) {
    this.chosen(this.labels.attributes ? this.label.map((on, j) => (i === j ? 1 - on : on)) : i);
  }
}

/** Text of a button; underscores in names of attributes are shown as spaces. */
function shown(name, labels) {
  return labels.attributes ? name.replaceAll("_", " ") : name;
}
