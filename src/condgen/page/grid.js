// View: a grid of ten labels and ten noise vectors, equal to `condgen sample --grid`.

import { h } from "./dom.js";
import { Gallery } from "./gallery.js";
import { seedField } from "./seed.js";
import { t } from "./text.js";

const SIDE = 10;

export class GridView {
  constructor(page) {
    this.page = page;
    this.seed = seedField(page.state, "seed", "seed");
    this.gallery = new Gallery(page.about.image, "sheet", page.open);
    this.columns = page.labels.single ? Array(SIDE).fill(0) : page.labels.each.slice(0, SIDE);
    this.heads = this.columns.map((label) => h("span", {}, page.labels.title(label).replaceAll("_", " ")));
    const hint = h("p", { class: "tells" }, t(page.labels.single ? "samples-tells-single" : "grid-tells"));
    const heads = h("div", { class: "heads", "aria-hidden": "true", hidden: page.labels.single }, ...this.heads);
    const sheet = h("div", { class: "framed" }, heads, this.gallery.element);
    sheet.style.setProperty("--columns", this.columns.length);
    sheet.style.setProperty("--width", page.about.image.width);
    this.element = h("div", {}, h("div", { class: "bar" }, hint, this.seed.element), sheet);
  }

  items({ seed }) {
    const rows = Array.from({ length: SIDE }, (_, row) => row);
    const index = (row, column) => (this.page.labels.single ? row * SIDE + column : row);
    return rows.flatMap((row) => this.columns.map((label, column) => ({ label, z: { seed, index: index(row, column) } })));
  }

  place(items, { label }) {
    const { labels } = this.page;
    this.seed.show();
    this.heads.forEach((head, i) => head.classList.toggle("marked", labels.typed(this.columns[i]) === labels.typed(label)));
    this.gallery.place(items);
  }

  paint(generated) {
    this.gallery.paint(generated);
  }

  code({ seed }) {
    return this.page.code.sample({ labels: this.columns, count: SIDE, seed, grid: true });
  }
}
