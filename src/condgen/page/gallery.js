// Pictures in rows, each a button that enlarges it. New pictures are painted over the old ones, so nothing flickers.

import { h } from "./dom.js";
import { arrows, stop } from "./keys.js";
import { blank, paint } from "./picture.js";

export class Gallery {
  /** kind: a class of parts.css. open(items, n): called when picture n is chosen. */
  constructor(image, kind, open) {
    this.image = image;
    this.open = open;
    this.items = [];
    this.element = h("div", { class: `gallery ${kind}` });
    arrows(this.element, "button");
  }

  /** Places for `items`, [{title, caption?, marked?}, ...]; their pictures come with `paint`. */
  place(items) {
    this.items = items;
    const cells = this.element.children;
    while (cells.length > items.length) cells[cells.length - 1].remove();
    while (cells.length < items.length) this.element.append(this.cell(cells.length));
    items.forEach((item, n) => tell(cells[n], item));
    if (!this.element.querySelector('[tabindex="0"]') && cells.length) stop(this.element, "button", cells[0]);
  }

  /** What was drawn for the items that have places, from picture `first` on. */
  paint(drawn, first = 0) {
    [...this.element.children].forEach((cell, n) => paint(cell.firstChild, drawn, first + n));
  }

  cell(n) {
    return h(
      "button",
      { type: "button", class: "picture", tabindex: -1, onclick: () => this.open(this.items, n) },
      blank(this.image),
      h("span", { class: "caption" }),
    );
  }
}

function tell(cell, { title, caption = "", marked = false }) {
  cell.setAttribute("aria-label", title);
  cell.title = title;
  cell.lastChild.textContent = caption;
  cell.lastChild.hidden = !caption;
  cell.classList.toggle("marked", marked);
}
