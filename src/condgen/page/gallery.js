// A gallery of images, each a button that enlarges it. New images replace the old ones in place, without flicker.

import { h } from "./dom.js";
import { arrows, stop } from "./keys.js";
import { blank, paint } from "./image.js";

export class Gallery {
  /** kind: a class of parts.css. open(items, n): called when image n is chosen. */
  constructor(image, kind, open) {
    this.image = image;
    this.open = open;
    this.items = [];
    this.element = h("div", { class: `gallery ${kind}` });
    arrows(this.element, "button");
  }

  /** Make cells for `items`, [{title, caption?, marked?}, ...]. `paint` adds their images. */
  place(items) {
    this.items = items;
    const cells = this.element.children;
    while (cells.length > items.length) cells[cells.length - 1].remove();
    while (cells.length < items.length) this.element.append(this.cell(cells.length));
    items.forEach((item, n) => tell(cells[n], item));
    if (!this.element.querySelector('[tabindex="0"]') && cells.length) stop(this.element, "button", cells[0]);
  }

  /** Paint the images of the cells; `first`: index of the first cell's image in `generated`. */
  paint(generated, first = 0) {
    [...this.element.children].forEach((cell, n) => paint(cell.firstChild, generated, first + n));
  }

  cell(n) {
    return h(
      "button",
      { type: "button", class: "image", tabindex: -1, onclick: () => this.open(this.items, n) },
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
