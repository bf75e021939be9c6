// View: images of one label, each from different noise.

import { h } from "./dom.js";
import { Gallery } from "./gallery.js";
import { seedField } from "./seed.js";
import { t } from "./text.js";

const COUNT = 24;

export class SamplesView {
  constructor(page) {
    this.page = page;
    this.seed = seedField(page.state, "seed", "seed");
    this.gallery = new Gallery(page.about.image, "large", page.open);
    this.hint = h("p", { class: "tells" });
    this.element = h("div", {}, h("div", { class: "bar" }, this.hint, this.seed.element), this.gallery.element);
  }

  items({ label, seed }) {
    return Array.from({ length: COUNT }, (_, index) => ({ label, z: { seed, index } }));
  }

  place(items, { label }) {
    const { labels } = this.page;
    this.hint.textContent = labels.single ? t("samples-tells-single") : t("samples-tells", { label: labels.title(label) });
    this.seed.show();
    this.gallery.place(items);
  }

  paint(generated) {
    this.gallery.paint(generated);
  }

  code({ label, seed }) {
    return this.page.code.sample({ labels: [label], count: COUNT, seed });
  }
}
