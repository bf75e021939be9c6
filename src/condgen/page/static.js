// The page as one file: the network and the runtime that runs it are further down in the same file.

import { OnnxEngine } from "./onnx.js";
import { start } from "./page.js";

/** What stands in a <script type="..."> of the page: kept from the browser's eyes, read here. */
const written = (id) => document.getElementById(id).textContent.trim();

start(new OnnxEngine(JSON.parse(written("card")), session(), (...words) => new globalThis.ort.Tensor(...words)));

async function session() {
  const { env, InferenceSession } = globalThis.ort;
  const glue = new Blob([written("glue")], { type: "text/javascript" });
  env.wasm.numThreads = 1; // more would need headers that no file has
  env.wasm.wasmPaths = { mjs: URL.createObjectURL(glue) };
  env.wasm.wasmBinary = await unpacked(written("wasm"));
  return InferenceSession.create(bytes(written("model")), { executionProviders: ["wasm"] });
}

const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

function unpacked(base64) {
  const stream = new Blob([bytes(base64)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}
