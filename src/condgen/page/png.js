// PNG encoder (ISO/IEC 15948): 8 bits, grey, RGB or RGBA, with the request as metadata.

import { crc32 } from "./crc.js";

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const COLOUR = { 1: 0, 3: 2, 4: 6 };
/** Colour type of the header by number of channels: 0 is grey, 2 is RGB, 6 is RGBA. */

/** pixels: uint8 (h, w, c) of one image -> the bytes of a PNG file, with `about` as JSON metadata. */
export async function png(pixels, [height, width, channels], about) {
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, 8);
  header.setUint8(9, COLOUR[channels]);
  const rows = new Uint8Array(height * (width * channels + 1)); // each row starts with its filter type, 0: none
  for (let row = 0; row < height; row++) {
    const line = pixels.subarray(row * width * channels, (row + 1) * width * channels);
    rows.set(line, row * (width * channels + 1) + 1);
  }
  return joined([
    Uint8Array.from(SIGNATURE),
    chunk("IHDR", new Uint8Array(header.buffer)),
    chunk("iTXt", note(about)),
    chunk("IDAT", await deflated(rows)),
    chunk("IEND", new Uint8Array()),
  ]);
}

/** An iTXt chunk with the keyword "condgen": JSON in UTF-8, uncompressed, without a language. */
function note(about) {
  return new TextEncoder().encode(`condgen\0\0\0\0\0${JSON.stringify(about)}`);
}

function chunk(name, data) {
  const whole = new DataView(new ArrayBuffer(data.length + 12));
  const bytes = new Uint8Array(whole.buffer);
  whole.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(data, 8);
  whole.setUint32(data.length + 8, crc32(bytes.subarray(4, data.length + 8)));
  return bytes;
}

async function deflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let end = 0;
  for (const part of parts) {
    whole.set(part, end);
    end += part.length;
  }
  return whole;
}
