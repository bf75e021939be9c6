// Zip writer without compression, since PNG files are compressed already.

import { crc32 } from "./crc.js";
import { joined } from "./png.js";

const DATE = 0x21;
/** 1 January 1980, the earliest date of the format; a fixed date makes equal files give equal zips. */
const UTF8 = 0x800;

/** files: [[name, bytes], ...] -> the bytes of a zip. */
export function zip(files) {
  const members = [];
  const directory = [];
  let offset = 0;
  for (const [name, bytes] of files) {
    const title = new TextEncoder().encode(name);
    const facts = [0, DATE, crc32(bytes), bytes.length, bytes.length, title.length, 0];
    const local = record("IHHHHHIIIHH", [0x04034b50, 20, UTF8, 0, ...facts]);
    const central = record("IHHHHHHIIIHHHHHII", [0x02014b50, 20, 20, UTF8, 0, ...facts, 0, 0, 0, 0, offset]);
    members.push(local, title, bytes);
    directory.push(central, title);
    offset += local.length + title.length + bytes.length;
  }
  const list = joined(directory);
  const end = record("IHHHHIIH", [0x06054b50, 0, 0, files.length, files.length, list.length, offset, 0]);
  return joined([...members, list, end]);
}

/** Bytes of little-endian integers: H has 16 bits, I has 32. */
function record(types, numbers) {
  const view = new DataView(new ArrayBuffer([...types].reduce((sum, type) => sum + (type === "I" ? 4 : 2), 0)));
  let end = 0;
  numbers.forEach((number, i) => {
    if (types[i] === "I") view.setUint32(end, number, true);
    else view.setUint16(end, number, true);
    end += types[i] === "I" ? 4 : 2;
  });
  return new Uint8Array(view.buffer);
}
