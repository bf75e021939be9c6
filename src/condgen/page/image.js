// Shows images: uint8 pixels on a canvas.

import { h } from "./dom.js";

const CRISP = 96;
/** Images up to this width are shown with sharp pixels, larger ones smoothly. */

/** An empty canvas for images of this size, {height, width, channels}. */
export function blank({ height, width, channels }) {
  const canvas = h("canvas", { width, height, class: "blank" });
  if (width <= CRISP) canvas.classList.add("crisp");
  if (channels === 4) canvas.classList.add("transparent");
  return canvas;
}

/** Image n of an engine's result, uint8 (h, w, c), as a view. */
export function pixelsOf({ shape, pixels }, n) {
  const size = shape[1] * shape[2] * shape[3];
  return pixels.subarray(n * size, (n + 1) * size);
}

/** Paint image n of an engine's result at (left, top) of the canvas. */
export function paint(canvas, generated, n = 0, left = 0, top = 0) {
  const [, height, width, channels] = generated.shape;
  canvas.getContext("2d").putImageData(coloured(pixelsOf(generated, n), width, height, channels), left, top);
  canvas.classList.remove("blank");
}

function coloured(pixels, width, height, channels) {
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = pixels[i * channels + (channels === 1 ? 0 : c)];
    image.data[4 * i + 3] = channels === 4 ? pixels[4 * i + 3] : 255;
  }
  return image;
}
