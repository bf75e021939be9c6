// Similar images: latent points at a small distance from that of an image.

import { drawAt, pointOf, walk } from "./noise.js";

export const NEAR = 8;
const DISTANCE = 0.25;
const FAR_FROM_ANY = 1000;
/** Index of the first image towards which similar points are moved; large enough not to be on screen. */

/** item: {label, z} -> NEAR items of the same label. prior: {dim, kind}. */
export function nearTo({ label, z }, prior) {
  return Array.from({ length: NEAR }, (_, i) => ({ label, z: nearPoint(z, FAR_FROM_ANY + i, prior) }));
}

/** A similar point. For an image with seed and index, the engine computes it; for other points, the page does. */
function nearPoint(z, index, prior) {
  if (z.index !== undefined && !z.near) return { near: { seed: z.seed, index: z.index }, seed: z.seed, index, distance: DISTANCE };
  const at = walk(prior, pointOf(prior, z), drawAt(prior, 0, index), DISTANCE);
  return { at: Array.from(at, (number) => Number(number.toPrecision(7))) };
}
