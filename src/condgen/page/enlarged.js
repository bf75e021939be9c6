// Dialog with one enlarged image: title, PNG download, code, and similar images.

import { Artist } from "./artist.js";
import { h, save } from "./dom.js";
import { Gallery } from "./gallery.js";
import { nearTo } from "./near.js";
import { Notice } from "./notice.js";
import { originOf } from "./options.js";
import { blank, paint, pixelsOf } from "./image.js";
import { png } from "./png.js";
import { Snippets } from "./snippets.js";
import { t } from "./text.js";
import { fileOf, titleOf } from "./title.js";

export class Enlarged {
  /** page: a Page of page.js. engine: generates the images. */
  constructor(page, engine) {
    this.page = page;
    this.items = [];
    this.n = 0;
    this.notice = new Notice(() => this.artist.now(), (token) => this.unlock(engine, token));
    this.artist = new Artist(engine, (trouble, seconds) => this.notice.show(trouble, seconds));
    this.canvas = blank(page.about.image);
    this.title = h("h2", { id: "enlarged-title" });
    this.near = new Gallery(page.about.image, "near", (items, n) => this.deeper(items, n));
    this.code = new Snippets(page.kinds);
    this.buttons = this.controls();
    this.element = h("dialog", { class: "enlarged", "aria-labelledby": "enlarged-title" }, ...this.parts());
    this.element.addEventListener("keydown", (event) => this.turn(event));
    this.element.addEventListener("click", (event) => event.target === this.element && this.element.close());
  }

  /** Show image n of items. */
  open(items, n) {
    this.before = [];
    this.go(items, n);
    if (!this.element.open) this.element.showModal();
    this.buttons.save.focus();
  }

  controls() {
    const button = (key, onclick, kind = "") => h("button", { type: "button", class: kind, onclick }, t(key));
    const arrow = (key, sign, by) =>
      h("button", { type: "button", class: "quiet", "aria-label": t(key), title: t(key), onclick: () => this.by(by) }, sign);
    return {
      previous: arrow("previous", "←", -1),
      next: arrow("next", "→", 1),
      save: button("download", () => this.save(), "strong"),
      back: button("back", () => this.back(), "quiet"),
      close: h("button", { type: "button", class: "quiet close", "aria-label": t("close"), title: t("close"), onclick: () => this.element.close() }, "×"),
    };
  }

  parts() {
    const { previous, next, save, back, close } = this.buttons;
    const turning = h("div", { class: "turning" }, previous, next);
    return [
      close,
      h("div", { class: "shown" }, this.canvas, turning),
      h(
        "div",
        { class: "about" },
        this.title,
        h("div", { class: "bar" }, save, back),
        this.notice.element,
        h("h3", {}, t("near")),
        this.near.element,
        this.code.element,
      ),
    ];
  }

  async go(items, n) {
    this.items = items;
    this.n = n;
    const { labels, about } = this.page;
    const item = items[n];
    const near = nearTo(item, about.latent).map((other) => ({ ...other, title: t("near") }));
    this.title.textContent = titleOf(item, labels);
    this.buttons.previous.disabled = n === 0;
    this.buttons.next.disabled = n === items.length - 1;
    this.buttons.back.hidden = this.before.length === 0;
    this.near.place(near);
    this.code.show(this.codeOf(item));
    const generated = await this.artist.generate(this.page.points([item, ...near]), this.page.state.now.options);
    if (!generated) return;
    this.generated = { ...generated, item };
    paint(this.canvas, generated);
    this.near.paint(generated, 1);
  }

  codeOf(item) {
    const { code } = this.page;
    return item.z.index !== undefined && !item.z.near ? code.image({ label: item.label, ...item.z }) : code.point(item);
  }

  by(steps) {
    const n = this.n + steps;
    if (n >= 0 && n < this.items.length) this.go(this.items, n);
  }

  deeper(items, n) {
    this.before.push([this.items, this.n]);
    this.go(items, n);
    this.buttons.save.focus();
  }

  back() {
    this.go(...this.before.pop());
    this.buttons.save.focus();
  }

  turn(event) {
    if (event.target.closest(".gallery, [role=tablist], pre, input")) return;
    if (event.key === "ArrowLeft") this.by(-1);
    if (event.key === "ArrowRight") this.by(1);
  }

  unlock(engine, token) {
    engine.unlock?.(token);
    this.artist.now();
  }

  async save() {
    if (!this.generated) return;
    const { labels, about, state } = this.page;
    const { item, shape } = this.generated;
    const metadata = item.z.index !== undefined && !item.z.near ? item.z : { z: item.z };
    const origin = originOf(about, state.now.options);
    const bytes = await png(pixelsOf(this.generated, 0), shape.slice(1), { label: labels.title(item.label), ...metadata, ...origin });
    save(new Blob([bytes], { type: "image/png" }), `${fileOf(item, labels)}.png`);
  }
}
