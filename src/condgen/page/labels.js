// Labels that can be requested: one of K classes, or K attributes that are on or off. Mirrors condgen/labels.py.

import { blake2b } from "./blake2b.js";

export class Labels {
  /** about: facts about the model. A label is a class index, or an array with 0 or 1 per attribute.
   * single: the generator is unconditional, so there is nothing to choose. */
  constructor(about) {
    this.names = about.names;
    this.attributes = about.kind === "attributes";
    this.single = about.kind === "any";
    this.words = this.names.map((name, i) => this.word(name, i));
    this.empty = new Set(about.empty ?? []); // indices of labels without training images, which cannot be generated
    this.slugs = slugsOf(this.names, this.attributes ? ["none"] : []);
  }

  get size() {
    return this.names.length;
  }

  /** All labels: each class, or each attribute alone. */
  get each() {
    const trained = this.names.map((_, i) => i).filter((i) => !this.empty.has(i));
    return trained.map((i) => (this.attributes ? this.names.map((_, j) => Number(i === j)) : i));
  }

  /** The initial label. */
  get first() {
    return this.attributes ? this.names.map(() => 0) : (this.each[0] ?? 0);
  }

  /** The label vector y of K numbers. */
  encode(label) {
    return this.attributes ? label : this.names.map((_, i) => Number(i === label));
  }

  title(label) {
    const titles = this.names.map((name) => (this.attributes && (name.includes("+") || name === "none") ? inQuotes(name) : name));
    return this.joined(label, titles);
  }

  /** The label as a part of a file name. */
  slug(label) {
    return this.attributes ? bounded(this.joined(label, this.slugs)) : this.slugs[label];
  }

  /** The label as an argument of --labels: names, in double quotes where a name would be ambiguous. */
  typed(label) {
    const several = this.attributes && label.filter(Boolean).length > 1 && this.names.some((name) => name.includes("+"));
    return this.joined(label, several ? this.names.map(inQuotes) : this.words);
  }

  /** A name as an argument of --labels; its index if it has invisible characters. */
  word(name, index) {
    const isIndex = (other, i) => i !== index && other.replace(/\p{Cc}/gu, " ").replace(/\p{Cf}/gu, "").trim() === String(index);
    if (!VISIBLE.test(name) && !this.names.some(isIndex)) return String(index);
    return PLAIN.test(name) && !WORDS.has(name.toLowerCase()) ? name : inQuotes(name);
  }

  /** The inverse of `typed`; null if there is no such label. */
  parse(text) {
    if (this.attributes) return this.several(text);
    const place = this.words.indexOf(text);
    return place < 0 || this.empty.has(place) ? null : place;
  }

  several(text) {
    const words = new Set(text.match(/"(?:[^"]|"")*"|[^"+]+/g));
    const label = this.words.map((word, i) => Number(words.has(word) || words.has(inQuotes(this.names[i]))));
    return this.typed(label) === text && !label.some((on, i) => on && this.empty.has(i)) ? label : null;
  }

  joined(label, words) {
    if (!this.attributes) return words[label];
    return words.filter((_, i) => label[i]).join("+") || "none";
  }
}

const inQuotes = (name) => `"${name.replaceAll('"', '""')}"`;

// By the rules of condgen/label_text.py.
const PLAIN = /^[^\s,+"=:-]([^,+"=:]*[^\s,+"=:])?$/u;
const VISIBLE = /^( |[^\p{C}\p{Z}])*$/u;
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

/** The first bytes of a text in UTF-8, cut between characters. */
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
