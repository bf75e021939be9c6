// The engine of `condgen export --format web`: the network runs in the page, by onnxruntime-web.

import { Labels } from "./labels.js";
import { pointOf } from "./noise.js";
import { originOf, startOf } from "./options.js";
import { png } from "./png.js";
import { zip } from "./zip.js";

export class OnnxEngine {
  /** card: facts about the model, as of /about. session: promise of an onnxruntime session. tensor(type, data, shape): a constructor. */
  constructor(card, session, tensor) {
    this.card = card;
    this.session = session;
    this.tensor = tensor;
  }

  async about() {
    return this.card;
  }

  /** points: [{y, z}]; options: sampling options by name -> {shape: [n, h, w, c], pixels: Uint8Array}. */
  async generate(points, options = {}) {
    const prior = this.card.latent;
    const z = new Float32Array(points.length * prior.dim);
    const y = new Float32Array(points.length * this.card.names.length);
    points.forEach((point, i) => {
      z.set(pointOf(prior, point.z), i * prior.dim);
      y.set(point.y, i * point.y.length);
    });
    const inputs = {
      z: this.tensor("float32", z, [points.length, prior.dim]),
      y: this.tensor("float32", y, [points.length, this.card.names.length]),
    };
    for (const [name, value] of Object.entries({ ...startOf(this.card), ...options })) {
      inputs[name] = this.tensor("float32", Float32Array.of(value), []);
    }
    const { images } = await (await this.session).run(inputs);
    return { shape: images.dims.map(Number), pixels: images.data };
  }

  /** A zip of `count` images per label with manifest.json; file names equal those of the command line. */
  async zip({ count, seed, labels: _, ...options }) {
    const origin = originOf(this.card, options);
    const labels = new Labels(this.card);
    const files = [];
    const listed = [];
    for (const label of labels.each) {
      for (let index = 0; index < count; index++) {
        const generated = await this.generate([{ y: labels.encode(label), z: { seed, index } }], options);
        const metadata = { label: labels.title(label), seed, index };
        const bytes = await png(generated.pixels, generated.shape.slice(1), { ...metadata, ...origin });
        const file = `${labels.slug(label)}_seed${seed}_${String(index).padStart(5, "0")}.png`;
        files.push([file, bytes]);
        listed.push({ file, ...metadata, sha256: await sha256(bytes) });
      }
    }
    const manifest = JSON.stringify({ ...origin, images: listed }, null, 2);
    files.push(["manifest.json", new TextEncoder().encode(manifest + "\n")]);
    const { names, kind } = this.card;
    const mark = { wrote: "condgen sample", data: true, labels: { names, kind: kind === "any" ? "classes" : kind } };
    files.push([".condgen.json", new TextEncoder().encode(`${JSON.stringify(mark, null, 2)}\n`)]);
    return new Blob([zip(files)], { type: "application/zip" });
  }

}

async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
