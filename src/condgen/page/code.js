// Code that generates exactly the images on screen: a command, Python, and curl.

import { startOf } from "./options.js";

const HERE = "http://127.0.0.1:8000";

/** Code snippets for one model. origin: of the server, or null if there is none. */
export class Code {
  constructor(about, labels, origin) {
    this.run = about.name;
    this.labels = labels;
    this.origin = origin ?? HERE;
    this.about = about;
    this.options = startOf(about);
  }

  /** The sampling options to include: those that differ from the initial values or from the declared defaults. */
  get chosen() {
    const start = startOf(this.about);
    const named = this.about.options.filter(({ name, default: usual }) => this.options[name] !== start[name] || start[name] !== usual);
    return Object.fromEntries(named.map(({ name }) => [name, this.options[name]]));
  }

  /** The sampling options as words of a command line. */
  get words() {
    return Object.entries(this.chosen).map(([name, value]) => `--${name.replaceAll("_", "-")} ${value} `).join("");
  }

  /** The sampling options as keyword arguments of a Python call, each preceded by a comma. */
  get keywords() {
    return Object.entries(this.chosen).map(([name, value]) => `, ${name}=${JSON.stringify(value)}`).join("");
  }

  /** Code for images that `condgen sample` generates. Request: {labels: [label...], count, seed, grid}. */
  sample({ labels, count, seed, grid = false }) {
    const text = this.list(labels);
    const words = this.labels.single ? [] : ["--labels", quoted(text)];
    const flags = [...words, ...this.words.split(" ").filter(Boolean), "--count", count, "--seed", seed, ...(grid ? ["--grid", "--out", "sheet.png"] : ["--out", "images"])];
    const request = { labels: this.labels.single ? "all" : text, count, seed, ...this.chosen, format: grid ? "grid" : "zip" };
    return {
      command: `condgen sample ${quoted(this.run)} ${flags.join(" ")}`,
      python: `${this.load()}\nimages = sampler.sample(${this.labelsArgument(text)}, count=${count}, seed=${seed}${this.keywords})`,
      curl: this.curl("/sample", request, grid ? "sheet.png" : "images.zip"),
    };
  }

  /** Code for the image `index` of a label and seed. */
  image({ label, seed, index }) {
    const text = this.labels.typed(label);
    const words = this.labels.single ? "" : `--labels ${quoted(text)} `;
    const which = index ? ` --out images  # image ${index}` : ` --out image.png`;
    return {
      command: `condgen sample ${quoted(this.run)} ${words}${this.words}--count ${index + 1} --seed ${seed}${which}`,
      python: `${this.load()}\nimage = sampler.sample(${this.labelsArgument(text)}, count=${index + 1}, seed=${seed}${this.keywords})[${index}]`,
      curl: index
        ? this.curlOf({ label, z: { seed, index } })
        : this.curl("/sample", { labels: this.labels.single ? "all" : text, count: 1, seed, ...this.chosen, format: "png" }, "image.png"),
    };
  }

  /** Code for a latent point without seed and index: {label, z}. */
  point({ label, z }, command = null) {
    const y = `torch.from_numpy(sampler.spec.labels.encode(sampler.labels(${this.labelsArgument(this.labels.typed(label))})))`;
    const imports = z.at ? "import torch" : "import torch\nfrom condgen.noise import draw_at, walk";
    return {
      ...(command ? { command } : {}),
      python: `${imports}\n${this.load(this.keywords)}\ny = ${y}\n${pythonOf(z)}\nimage = sampler.decode(z, y)[0]`,
      curl: this.curlOf({ label, z }),
    };
  }

  curlOf({ label, z }) {
    return this.curl("/points", { points: [{ y: this.labels.encode(label), z }], ...this.chosen }, "points.json");
  }

  /** The command for a grid of the whole latent plane. */
  manifold(label) {
    const words = this.labels.single ? "" : ` --label ${quoted(this.labels.typed(label))}`;
    return `condgen figure manifold ${quoted(this.run)}${words}${this.words ? ` ${this.words.trim()}` : ""}`;
  }

  load(options = "") {
    return `import condgen\nsampler = condgen.load(${JSON.stringify(this.run)}${options})`;
  }

  list(labels) {
    const every = this.labels.each.map((label) => this.labels.typed(label)).join(",");
    const text = labels.map((label) => this.labels.typed(label)).join(",");
    return text === every && labels.length > 1 ? "all" : text;
  }

  labelsArgument(text) {
    return this.labels.single ? '"all"' : JSON.stringify(text);
  }

  curl(path, request, file) {
    const body = quoted(JSON.stringify(request));
    return `curl ${this.origin}${path} -H 'Content-Type: application/json' \\\n  -d ${body} -o ${file}`;
  }
}

/** Python lines that set z, of shape (1, dim). */
function pythonOf(z) {
  if (z.at) return `z = torch.tensor([[${[...z.at].map((number) => Number(number.toPrecision(8))).join(", ")}]])`;
  const near = z.near !== undefined;
  const [start, end, part] = near ? [z.near, z, z.distance] : [z.from, z.to, z.part];
  const ends = [start, end].map(({ seed, index }) => `draw_at(sampler.prior, ${seed}, [${index}])[0]`);
  return `start, end = ${ends.join(", ")}\nz = walk(sampler.prior, start, end, 101)[[${Math.round(100 * part)}]]`;
}

/** Quote a word for a POSIX shell. */
function quoted(word) {
  return /^[\w./:,+@%=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
