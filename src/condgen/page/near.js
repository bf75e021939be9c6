// "More like this": points a short walk away from a picture's own.

import { drawAt, pointOf, walk } from "./noise.js";

export const NEAR = 8;
const DISTANCE = 0.25;
const FAR_FROM_ANY = 1000;
/** Index of the first picture that a near point leans towards: none that is on screen. */

/** item: {label, z} -> NEAR items of the same label. prior: {dim, kind}. */
export function nearTo({ label, z }, prior) {
  return Array.from({ length: NEAR }, (_, i) => ({ label, z: nearPoint(z, FAR_FROM_ANY + i, prior) }));
}

/** Of a picture by seed and index the engine knows what is near; of any other point the page works it out. */
function nearPoint(z, index, prior) {
  if (z.index !== undefined && !z.near) return { near: { seed: z.seed, index: z.index }, seed: z.seed, index, distance: DISTANCE };
  const at = walk(prior, pointOf(prior, z), drawAt(prior, 0, index), DISTANCE);
  return { at: Array.from(at, (number) => Number(number.toPrecision(7))) };
}
