// Download of many images as one zip file with a manifest.

import { h, save } from "./dom.js";
import { count, t } from "./text.js";
import { Trouble } from "./trouble.js";

export class Archive {
  constructor(page, engine) {
    this.page = page;
    this.engine = engine;
    const { labels } = page;
    const most = Math.max(1, Math.floor((page.about.limits.images) / labels.each.length));
    const kind = labels.single ? "zip-each-single" : labels.attributes ? "zip-each-attributes" : "zip-each";
    this.field = h("input", { type: "number", min: 1, max: most, step: 1, value: Math.min(10, most), inputmode: "numeric", required: true });
    this.button = h("button", { type: "submit" }, t("zip-start"));
    this.status = h("p", { class: "soft small", role: "status" });
    const form = h("form", { class: "archive" }, h("label", {}, h("span", {}, t(kind)), this.field), this.button);
    form.addEventListener("submit", (event) => this.start(event));
    this.element = h("section", {}, h("h2", {}, t("zip")), form, this.status);
  }

  show({ seed }) {
    if (!this.works) this.status.textContent = t("zip-tells", { seed });
  }

  async start(event) {
    event.preventDefault();
    const { labels, about, state } = this.page;
    const { seed, options } = state.now;
    const each = Number(this.field.value);
    const n = count(each * labels.each.length);
    this.works = this.button.disabled = true;
    this.status.textContent = t("zip-works", { n });
    try {
      const file = await this.engine.zip({ labels: "all", count: each, seed, ...options });
      save(file, `${about.name.replace(/[^\w-]+/g, "-")}_labels-all_count-${each}_seed-${seed}.zip`);
      this.status.textContent = t("zip-done", { n });
    } catch (trouble) {
      this.status.textContent = trouble instanceof Trouble ? t(trouble.kind, { message: trouble.message }) : String(trouble);
    } finally {
      this.works = this.button.disabled = false;
    }
  }
}
