// The engine of `condgen serve`: the server generates the images.

import { joined } from "./png.js";
import { Trouble } from "./trouble.js";

const ENVELOPE = 2048;
/** Bytes of a request besides its points: braces and sampling options. */

export class HttpEngine {
  /** address: of the server, without a trailing slash. */
  constructor(address) {
    this.address = address;
  }

  /** Facts about the server's model. */
  async about() {
    const about = await (await this.ask("/about")).json();
    this.limits = about.limits;
    return about;
  }

  /** points: [{y, z}]; options: sampling options by name -> {shape: [n, h, w, c], pixels: Uint8Array}; split into several requests if one would be too long. */
  async generate(points, options = {}) {
    const generated = [];
    for (const some of portions(points, this.limits)) {
      const answer = await (await this.ask("/points", { points: some, ...options })).json();
      generated.push({ shape: answer.shape, pixels: bytesOf(answer.pixels) });
    }
    const shape = [points.length, ...generated[0].shape.slice(1)];
    return { shape, pixels: joined(generated.map((one) => one.pixels)) };
  }

  /** A zip of `count` images per label with manifest.json, byte for byte as from the command line. */
  async zip(request) {
    return (await this.ask("/sample", { ...request, format: "zip" })).blob();
  }

  /** Reload the page with the token that the server printed when it started; the server then sets a cookie. */
  unlock(token) {
    location.assign(`${this.address}/?token=${encodeURIComponent(token)}${location.hash}`);
  }

  async ask(path, body) {
    const headers = { "Content-Type": "application/json" };
    const request = body ? { method: "POST", headers, body: JSON.stringify(body) } : {};
    const answer = await fetch(this.address + path, request).catch(() => {
      throw new Trouble("gone");
    });
    if (!answer.ok) throw await troubleOf(answer);
    return answer;
  }
}

async function troubleOf(answer) {
  const seconds = Number(answer.headers.get("Retry-After")) || 2;
  if (answer.status === 429 || answer.status === 503 || answer.status === 504) return new Trouble("busy", "", seconds);
  if (answer.status === 401) return new Trouble("token");
  const said = await answer.json().catch(() => ({}));
  return new Trouble("refused", said.error?.message ?? String(answer.status));
}

function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Points split in order into parts within the server's limits of points and bytes per request. */
function portions(points, { points: most, body }) {
  const parts = [[]];
  let length = ENVELOPE;
  for (const point of points) {
    const bytes = JSON.stringify(point).length + 1;
    if (parts.at(-1).length === most || length + bytes > body) {
      parts.push([]);
      length = ENVELOPE;
    }
    parts.at(-1).push(point);
    length += bytes;
  }
  return parts;
}
