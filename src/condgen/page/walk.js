// View: latent interpolation between two seeds, with a fixed label.

import { h } from "./dom.js";
import { Gallery } from "./gallery.js";
import { seedField } from "./seed.js";
import { t } from "./text.js";

const STEPS = 10;

export class WalkView {
  constructor(page) {
    this.page = page;
    const { state, about, open } = page;
    this.ends = [seedField(state, "seed", "from"), seedField(state, "to", "to")];
    this.now = new Gallery(about.image, "hero", (items, n) => open(items, n));
    this.way = new Gallery(about.image, "strip", (items, n) => open(items, n));
    this.slider = h("input", { type: "range", min: 0, max: 100, step: 1, "aria-label": t("part") });
    this.slider.addEventListener("input", () => state.set({ part: Number(this.slider.value) }));
    this.element = h(
      "div",
      {},
      h("p", { class: "tells" }, t("walk-tells")),
      h("div", { class: "walk" }, this.now.element, this.slider, this.way.element, ...this.ends.map((end) => end.element)),
    );
  }

  items({ label, seed, to, part }) {
    const at = (share) => ({ label, z: { from: { seed, index: 0 }, to: { seed: to, index: 0 }, part: share } });
    return [at(part / 100), ...Array.from({ length: STEPS + 1 }, (_, step) => at(step / STEPS))];
  }

  place([now, ...way], { part }) {
    this.slider.value = part;
    this.slider.setAttribute("aria-valuetext", `${part} %`);
    this.ends.forEach((end) => end.show());
    this.now.place([now]);
    this.way.place(way.map((item, step) => ({ ...item, marked: step === Math.round((part * STEPS) / 100) })));
  }

  paint(generated) {
    this.now.paint(generated);
    this.way.paint(generated, 1);
  }

  code(now) {
    return this.page.code.point(this.items(now)[0]);
  }
}
