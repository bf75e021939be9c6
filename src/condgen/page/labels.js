// What can be asked for: one of K classes, or K attributes switched on and off. As condgen/labels.py has it.

import { blake2b } from "./blake2b.js";

export class Labels {
  /** about: what the engine tells of the model. A label is a class number, or an array of 0 and 1 per attribute.
   * single: there is nothing to choose, the generator takes no label. */
  constructor(about) {
    this.names = about.names;
    this.attributes = about.kind === "attributes";
    this.single = about.kind === "any";
    this.words = this.names.map((name, i) => (PLAIN.test(name) && !WORDS.has(name.toLowerCase()) ? name : String(i)));
    this.slugs = slugsOf(this.names, this.attributes ? ["none"] : []);
  }

  get size() {
    return this.names.length;
  }

  /** Every label once: each class, or each attribute alone. */
  get each() {
    return this.names.map((_, i) => (this.attributes ? this.names.map((_, j) => Number(i === j)) : i));
  }

  /** A label to begin with. */
  get first() {
    return this.attributes ? this.names.map(() => 0) : 0;
  }

  /** As the network sees it: K numbers. */
  encode(label) {
    return this.attributes ? label : this.names.map((_, i) => Number(i === label));
  }

  title(label) {
    return this.joined(label, this.names);
  }

  /** The title as a part of a file name. */
  slug(label) {
    return this.attributes ? bounded(this.joined(label, this.slugs)) : this.slugs[label];
  }

  /** As one types it after --labels: names, or numbers where a name would be read otherwise. */
  typed(label) {
    return this.joined(label, this.words);
  }

  /** The label that `typed` wrote, or null. */
  parse(text) {
    if (this.attributes) return this.several(text);
    const place = this.words.indexOf(text);
    return place < 0 ? null : place;
  }

  several(text) {
    const words = new Set(text.split("+"));
    const label = this.words.map((word) => Number(words.has(word)));
    return this.typed(label) === text ? label : null;
  }

  joined(label, words) {
    if (!this.attributes) return words[label];
    return words.filter((_, i) => label[i]).join("+") || "none";
  }
}

const PLAIN = /^[^\s,+-]([^,+]*[^\s,+])?$/u;
const WORDS = new Set(["all", "none"]);

// File names, by the rules of condgen/slugs.py.

const LONGEST = 100;
const KEPT = 80;
const LONGEST_PART = 150;
const DEVICES = /^(con|prn|aux|nul|(com|lpt)[0-9])$/;
const bytes = new TextEncoder();

function slugsOf(names, taken) {
  const slugs = names.map((name) =>
    name.normalize("NFC").toLowerCase().replace(/[^\p{L}\p{N}_]+/gu, "-").replace(/^[-_]+|[-_]+$/g, ""));
  const alike = slugs.map((slug) => slug.normalize("NFKD").toUpperCase().toLowerCase());
  const fits = (slug) => slug && !DEVICES.test(slug) && !taken.includes(slug) && bytes.encode(slug).length <= LONGEST;
  if (new Set(alike).size === slugs.length && slugs.every(fits)) return slugs;
  return slugs.map((slug, i) => (slug ? `${cut(slug)}-${i}` : String(i)));
}

function bounded(text) {
  if (bytes.encode(text).length <= LONGEST_PART) return text;
  return `${cut(text)}-${blake2b(bytes.encode(text)).toString(16).padStart(16, "0")}`;
}

/** The first bytes of a text, without half a character at the end. */
function cut(text) {
  let kept = "";
  let size = 0;
  for (const sign of text) {
    size += bytes.encode(sign).length;
    if (size > KEPT) break;
    kept += sign;
  }
  return kept.replace(/[-_]+$/, "");
}
