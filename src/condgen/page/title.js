// Title and file name of an image.

import { t } from "./text.js";

/** item: {label, z}. */
export function titleOf({ label, z }, labels) {
  const name = labels.single ? "" : labels.title(label);
  return t(keyOf(z), { ...valuesOf(z), label: name }).replace(/^[,\uff0c]\s*/, "");
}

function keyOf(z) {
  if (z.at) return z.at.length <= 2 ? "title-at" : "title-point";
  if (z.from) return "title-walk";
  return z.near ? "title-near" : "title-index";
}

function valuesOf(z) {
  if (z.at) return { numbers: [...z.at].map((number) => number.toFixed(2)).join(", ") };
  if (z.from) return { from: z.from.seed, to: z.to.seed, part: Math.round(100 * z.part) };
  return z.near ?? z;
}

/** File name without extension; equal to that of `condgen sample` where it has one. */
export function fileOf({ label, z }, labels) {
  if (z.index !== undefined && !z.near) return `${labels.slug(label)}_seed${z.seed}_${String(z.index).padStart(5, "0")}`;
  if (z.from) return `${labels.slug(label)}_seed${z.from.seed}-${z.to.seed}_${Math.round(100 * z.part)}`;
  return `${labels.slug(label)}_${z.near ? "near" : "point"}`;
}
