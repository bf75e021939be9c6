// View: a two-dimensional latent space at quantiles of its prior, with a point to drag.

import { h } from "./dom.js";
import { Gallery } from "./gallery.js";
import { blank, paint } from "./image.js";
import { quantile } from "./quantile.js";
import { t } from "./text.js";

const SIDE = 15;
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const STEP = 0.02;

export class PlaneView {
  constructor(page) {
    this.page = page;
    const { height, width, channels } = page.about.image;
    this.now = new Gallery(page.about.image, "hero", page.open);
    this.sheet = blank({ height: SIDE * height, width: SIDE * width, channels });
    this.sheet.classList.add("crisp");
    this.point = h("span", { class: "point" });
    this.where = h("output", { class: "soft" });
    this.plane = h("div", { class: "plane", tabindex: 0, role: "application", "aria-label": t("plane-label") }, this.sheet, this.point);
    this.plane.addEventListener("pointerdown", (event) => this.grab(event));
    this.plane.addEventListener("pointermove", (event) => this.plane.hasPointerCapture(event.pointerId) && this.follow(event));
    this.plane.addEventListener("keydown", (event) => this.step(event));
    const side = h("div", { class: "beside" }, this.now.element, this.where);
    this.element = h("div", {}, h("p", { class: "tells" }, t("plane-tells")), h("div", { class: "planes" }, this.plane, side));
  }

  /** The item at the point, followed by those of the whole grid if its label or options have changed. */
  items({ label, right, up, options }) {
    const point = this.item(label, right, up);
    this.wanted = `${this.page.labels.typed(label)} ${JSON.stringify(options)}`;
    return this.shown === this.wanted ? [point] : [point, ...this.cells(label)];
  }

  place([item], { right, up }) {
    this.point.style.left = `${100 * right}%`;
    this.point.style.top = `${100 * (1 - up)}%`;
    this.where.textContent = `(${item.z.at.map((number) => number.toFixed(2)).join(", ")})`;
    this.now.place([item]);
  }

  paint(generated) {
    this.now.paint(generated);
    if (generated.shape[0] === 1) return;
    const [, height, width] = generated.shape;
    for (let n = 0; n < SIDE * SIDE; n++) {
      paint(this.sheet, generated, n + 1, (n % SIDE) * width, Math.floor(n / SIDE) * height);
    }
    this.shown = this.wanted;
  }

  code({ label, right, up }) {
    return this.page.code.point(this.item(label, right, up), this.page.code.manifold(label));
  }

  item(label, right, up) {
    const number = this.page.about.latent.kind === "uniform" ? (share) => share : quantile;
    return { label, z: { at: [number(right), number(up)] } };
  }

  cells(label) {
    const share = (n) => (n + 0.5) / SIDE;
    return Array.from({ length: SIDE * SIDE }, (_, n) => this.item(label, share(n % SIDE), share(SIDE - 1 - Math.floor(n / SIDE))));
  }

  grab(event) {
    this.plane.setPointerCapture(event.pointerId);
    this.follow(event);
  }

  follow(event) {
    const box = this.plane.getBoundingClientRect();
    this.go((event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height);
  }

  step(event) {
    const [right, up] = KEYS[event.key] ?? [];
    if (right === undefined) return;
    event.preventDefault();
    const { now } = this.page.state;
    this.go(now.right + STEP * right, now.up + STEP * up);
  }

  go(right, up) {
    const inside = (share) => Number(Math.min(0.995, Math.max(0.005, share)).toFixed(3));
    this.page.state.set({ right: inside(right), up: inside(up) });
  }
}
