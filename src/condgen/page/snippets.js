// Panel with the code for the images on screen, and a copy button.

import { h } from "./dom.js";
import { arrows, stop } from "./keys.js";
import { t } from "./text.js";

const KINDS = ["command", "python", "curl"];

/** The text as nodes in which a line never breaks inside an option such as --out. */
function unbroken(text) {
  return text.split(/(?<=\s)(--[\w-]+)/).map((part, i) => (i % 2 ? h("span", { class: "unbroken" }, part) : part));
}

export class Snippets {
  /** kinds: the available ones of command, python and curl. */
  constructor(kinds = KINDS) {
    this.kind = kinds[0];
    this.tabs = kinds.map((kind) =>
      h("button", { type: "button", role: "tab", class: "tab", "data-kind": kind, onclick: () => this.pick(kind) }, t(kind)),
    );
    const list = h("div", { role: "tablist", class: "tabs", "aria-label": t("code") }, ...this.tabs);
    this.text = h("pre", { tabindex: 0 });
    this.copy = h("button", { type: "button", class: "quiet", onclick: () => this.copied() }, t("copy"));
    this.element = h("section", { class: "code" }, h("div", { class: "bar" }, h("h2", {}, t("code")), this.copy), list, this.text);
    arrows(list, "[role=tab]:not([hidden])", (tab) => tab.click());
  }

  /** code: text by kind. Kinds without text are hidden. */
  show(code) {
    this.code = code;
    const kinds = this.tabs.filter((tab) => code[tab.dataset.kind]);
    this.tabs.forEach((tab) => (tab.hidden = !kinds.includes(tab)));
    const chosen = kinds.find((tab) => tab.dataset.kind === this.kind) ?? kinds[0];
    this.tabs.forEach((tab) => tab.setAttribute("aria-selected", String(tab === chosen)));
    stop(this.element, "[role=tab]", chosen);
    this.text.replaceChildren(...unbroken(code[chosen.dataset.kind]));
    this.copy.textContent = t("copy");
  }

  pick(kind) {
    this.kind = kind;
    this.show(this.code);
  }

  async copied() {
    await navigator.clipboard.writeText(this.text.textContent).catch(() => this.copyBySelection());
    this.copy.textContent = t("copied");
  }

  /** Fallback where the clipboard API is not available. */
  copyBySelection() {
    getSelection().selectAllChildren(this.text);
    document.execCommand("copy");
  }
}
