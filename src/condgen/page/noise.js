// Latent vector z of an image: equal to that of condgen/noise.py and torch for (seed, index), up to float32 rounding.

import { blake2b } from "./blake2b.js";
import { Twister } from "./twister.js";

const GROUP = 16;

/** z of the image `index` under `seed`, a Float32Array of length prior.dim; prior.kind is "normal" or "uniform". */
export function drawAt(prior, seed, index) {
  const source = new Twister(seedOf(seed, index));
  if (prior.kind === "uniform") return Float32Array.from({ length: prior.dim }, () => source.single());
  return prior.dim < GROUP ? fewNormals(source, prior.dim) : manyNormals(source, prior.dim);
}

/** Latent interpolation at `part` (0 to 1) between two z: spherical for a normal prior, linear for a uniform one. */
export function walk(prior, start, end, part) {
  const cosine = dot(start, end) / Math.max(Math.sqrt(dot(start, start) * dot(end, end)), 1e-8);
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  const straight = prior.kind === "uniform" || Math.sin(angle) < 1e-4;
  const a = straight ? 1 - part : Math.sin((1 - part) * angle) / Math.sin(angle);
  const b = straight ? part : Math.sin(part * angle) / Math.sin(angle);
  return start.map((number, i) => a * number + b * end[i]);
}

/** z of a point in any form that page and engines exchange. */
export function pointOf(prior, z) {
  if (z.at) return Float32Array.from(z.at);
  if (z.from) return walk(prior, pointOf(prior, z.from), pointOf(prior, z.to), z.part);
  if (z.near) return walk(prior, pointOf(prior, z.near), drawAt(prior, z.seed, z.index), z.distance);
  return drawAt(prior, z.seed, z.index);
}

function seedOf(seed, index) {
  return blake2b(new TextEncoder().encode(`(${seed}, 'z', ${index})`)) >> 1n;
}

/** torch's algorithm for fewer than 16 numbers: pairs in double precision. */
function fewNormals(source, count) {
  const numbers = new Float32Array(count + 1);
  for (let i = 0; i < count; i += 2) {
    const [first, second] = [source.double(), source.double()];
    const radius = Math.sqrt(-2 * Math.log1p(-second));
    numbers[i] = radius * Math.cos(2 * Math.PI * first);
    numbers[i + 1] = radius * Math.sin(2 * Math.PI * first);
  }
  return numbers.slice(0, count);
}

/** torch's algorithm for 16 numbers and more: uniforms, transformed in groups of 16; an incomplete last group is redrawn. */
function manyNormals(source, count) {
  const numbers = Float32Array.from({ length: count }, () => source.single());
  for (let i = 0; i + GROUP <= count; i += GROUP) makeNormal(numbers.subarray(i, i + GROUP));
  if (count % GROUP) {
    const last = numbers.subarray(count - GROUP);
    last.forEach((_, i) => (last[i] = source.single()));
    makeNormal(last);
  }
  return numbers;
}

function makeNormal(group) {
  for (let i = 0; i < GROUP / 2; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - group[i]));
    const angle = Math.fround(2 * Math.PI * group[i + GROUP / 2]);
    group[i] = radius * Math.cos(angle);
    group[i + GROUP / 2] = radius * Math.sin(angle);
  }
}

function dot(a, b) {
  return a.reduce((sum, number, i) => sum + number * b[i], 0);
}
