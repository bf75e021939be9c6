// State of the page, stored in the URL after '#', so that a view can be bookmarked and shared.

import { parsed, startOf } from "./options.js";

const BEGIN = { view: "samples", seed: 0, to: 1, part: 50, right: 0.8, up: 0.3 };
/** part: interpolation between seeds `seed` and `to`, in per cent. right, up: position on the plane, 0 to 1. */
const LARGEST = Number.MAX_SAFE_INTEGER;

export class State {
  /** labels: a Labels. views: names of the available views. about: the model as the engine describes it.
   * changed(): called after every change. */
  constructor(labels, views, about, changed) {
    this.labels = labels;
    this.views = views;
    this.about = about;
    this.changed = changed;
    this.start = startOf(about);
    this.read();
    addEventListener("hashchange", () => {
      this.read();
      this.changed();
    });
  }

  set(changes) {
    Object.assign(this.now, changes);
    history.replaceState(null, "", `#${this.written()}`);
    this.changed();
  }

  /** The URL fragment: only values that differ from the defaults. */
  written() {
    const words = new URLSearchParams();
    if (this.labels.typed(this.now.label) !== this.labels.typed(this.labels.first)) {
      words.set("label", this.labels.typed(this.now.label));
    }
    for (const [name, value] of Object.entries(BEGIN)) {
      if (this.now[name] !== value) words.set(name, this.now[name]);
    }
    for (const [name, value] of Object.entries(this.start)) {
      if (this.now.options[name] !== value) words.set(name, this.now.options[name]);
    }
    return words.toString();
  }

  /** Read the state from the URL; invalid values are replaced by the defaults. */
  read() {
    const words = new URLSearchParams(location.hash.slice(1));
    const number = (name, highest, whole = true) => {
      const value = words.has(name) && words.get(name) !== "" ? Number(words.get(name)) : NaN;
      return value >= 0 && value <= highest && (!whole || Number.isInteger(value)) ? value : BEGIN[name];
    };
    this.now = {
      view: this.views.includes(words.get("view")) ? words.get("view") : BEGIN.view,
      label: this.labels.parse(words.get("label") ?? "") ?? this.labels.first,
      seed: number("seed", LARGEST),
      to: number("to", LARGEST),
      part: number("part", 100),
      right: number("right", 1, false),
      up: number("up", 1, false),
      options: Object.fromEntries(
        this.about.options.map((option) => [option.name, parsed(option, words.get(option.name)) ?? this.start[option.name]]),
      ),
    };
  }
}
