// The engine behind `condgen serve`: every picture is drawn by the server.

import { Trouble } from "./trouble.js";

const TOKEN = "condgen-token";

export class HttpEngine {
  constructor(origin = location.origin) {
    this.origin = origin;
  }

  /** What the server tells of its model. */
  async about() {
    return (await this.ask("/about")).json();
  }

  /** points: [{y, z}] -> {shape: [n, h, w, c], pixels: Uint8Array}. */
  async draw(points) {
    const answer = await (await this.ask("/points", { points })).json();
    return { shape: answer.shape, pixels: Uint8Array.fromBase64?.(answer.pixels) ?? bytesOf(answer.pixels) };
  }

  /** A zip of `count` pictures per label, with manifest.json: the bytes that the command line writes. */
  async zip(request) {
    return (await this.ask("/sample", { ...request, format: "zip" })).blob();
  }

  /** Remember the token that the server printed when it started, for as long as the tab is open. */
  unlock(token) {
    sessionStorage.setItem(TOKEN, token);
  }

  async ask(path, body) {
    const headers = { "Content-Type": "application/json" };
    const token = sessionStorage.getItem(TOKEN);
    if (token) headers.Authorization = `Bearer ${token}`;
    const request = body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers };
    const answer = await fetch(this.origin + path, request).catch(() => {
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
