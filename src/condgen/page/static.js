// The page as one file: the network and the runtime that runs it stand further up in the same file.

import { OnnxEngine } from "./onnx.js";
import { start } from "./page.js";

/** What stands in a <script> that the browser does not run. */
const written = (id) => document.getElementById(id).textContent;
const bytes = (id) => Uint8Array.from(atob(written(id)), (letter) => letter.charCodeAt(0));

async function session() {
  const { env, InferenceSession } = globalThis.ort;
  env.wasm.numThreads = 1; // more would need headers that no file has
  env.wasm.wasmPaths = { mjs: URL.createObjectURL(new Blob([bytes("glue")], { type: "text/javascript" })) };
  env.wasm.wasmBinary = await unpacked(bytes("wasm"));
  return InferenceSession.create(bytes("model"), { executionProviders: ["wasm"] });
}

function unpacked(gzip) {
  return new Response(new Blob([gzip]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

start(new OnnxEngine(JSON.parse(written("card")), session(), (...words) => new globalThis.ort.Tensor(...words)));
