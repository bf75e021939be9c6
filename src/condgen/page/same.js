// View: the same z with every label, or with each attribute flipped.

import { h } from "./dom.js";
import { Gallery } from "./gallery.js";
import { seedField } from "./seed.js";
import { t } from "./text.js";

export class SameView {
  constructor(page) {
    this.page = page;
    this.seed = seedField(page.state, "seed", "seed");
    this.gallery = new Gallery(page.about.image, "row", page.open);
    const hint = h("p", { class: "tells" }, t(page.labels.attributes ? "same-tells-attributes" : "same-tells"));
    this.element = h("div", {}, h("div", { class: "bar" }, hint, this.seed.element), this.gallery.element);
  }

  items({ label, seed }) {
    return this.columns(label).map((column) => ({ ...column, z: { seed, index: 0 } }));
  }

  place(items) {
    this.seed.show();
    const longest = Math.max(...items.map((item) => item.caption.length));
    this.gallery.element.style.setProperty("--columns", items.length);
    this.gallery.element.style.setProperty("--least", `${Math.min(9, Math.max(4, longest / 2))}rem`);
    this.gallery.place(items);
  }

  paint(generated) {
    this.gallery.paint(generated);
  }

  code({ label, seed }) {
    const shown = this.columns(label).map((column) => column.label);
    return this.page.code.sample({ labels: shown, count: 1, seed, grid: true });
  }

  /** The columns, [{label, caption, marked}]; at most as many as the images allowed in one request. */
  columns(label) {
    const { labels, most } = this.page;
    const found = labels.attributes ? this.switched(label) : labels.each.map((each) => ({
      label: each, caption: labels.title(each), marked: each === label,
    }));
    return found.slice(0, most);
  }

  switched(label) {
    const { labels } = this.page;
    const trained = labels.names.map((_, i) => i).filter((i) => !labels.empty.has(i));
    const others = trained.map((i) => ({
      label: label.map((on, j) => (i === j ? 1 - on : on)),
      caption: `${label[i] ? "−" : "+"}\u00a0${labels.names[i].replaceAll("_", " ")}`,
    }));
    return [{ label, caption: labels.title(label).replaceAll("_", " "), marked: true }, ...others];
  }
}
