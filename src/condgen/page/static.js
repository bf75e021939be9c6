// Entry point of the one-file page: network and runtime are embedded earlier in the same file.

import { OnnxEngine } from "./onnx.js";
import { start } from "./page.js";

/** Text of a <script> element that is data, not code. */
const written = (id) => document.getElementById(id).textContent;
const bytes = (id) => Uint8Array.from(atob(written(id)), (letter) => letter.charCodeAt(0));

async function session() {
  const { env, InferenceSession } = globalThis.ort;
  env.wasm.numThreads = 1; // several threads require HTTP headers, which a local file does not have
  env.wasm.wasmPaths = { mjs: URL.createObjectURL(new Blob([bytes("glue")], { type: "text/javascript" })) };
  env.wasm.wasmBinary = await unpacked(bytes("wasm"));
  return InferenceSession.create(bytes("model"), { executionProviders: ["wasm"] });
}

function unpacked(gzip) {
  return new Response(new Blob([gzip]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

start(new OnnxEngine(JSON.parse(written("card")), session(), (...words) => new globalThis.ort.Tensor(...words)));
