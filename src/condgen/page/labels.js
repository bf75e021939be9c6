// Labels that can be requested: one of K classes, or K attributes that are on or off. Mirrors condgen/labels.py.

export class Labels {
  /** about: facts about the model. A label is a class index, or an array with 0 or 1 per attribute.
   * single: the generator is unconditional, so there is nothing to choose. */
  constructor(about) {
    this.names = about.names;
    this.attributes = about.kind === "attributes";
    this.single = about.kind === "any";
    this.slugs = slugsOf(this.names);
  }

  get size() {
    return this.names.length;
  }

  /** All labels: each class, or each attribute alone. */
  get each() {
    return this.names.map((_, i) => (this.attributes ? this.names.map((_, j) => Number(i === j)) : i));
  }

  /** The initial label. */
  get first() {
    return this.attributes ? this.names.map(() => 0) : 0;
  }

  /** The label vector y of K numbers. */
  encode(label) {
    return this.attributes ? label : this.names.map((_, i) => Number(i === label));
  }

  title(label) {
    return this.joined(label, this.names);
  }

  /** The label as a part of a file name. */
  slug(label) {
    return this.joined(label, this.slugs);
  }

  /** The label as an argument of --labels: names, or indices where a name would be ambiguous. */
  typed(label) {
    return this.joined(label, this.names.map((name, i) => (PLAIN.test(name) && !WORDS.has(name.toLowerCase()) ? name : String(i))));
  }

  /** The inverse of `typed`; null if there is no such label. */
  parse(text) {
    return [this.first, ...this.each].find((label) => this.typed(label) === text) ?? this.several(text);
  }

  several(text) {
    if (!this.attributes) return null;
    const words = text.split("+");
    const label = this.names.map((_, i) => Number(words.includes(this.typed(this.each[i]))));
    return this.typed(label) === text ? label : null;
  }

  joined(label, words) {
    if (!this.attributes) return words[label];
    return words.filter((_, i) => label[i]).join("+") || "none";
  }
}

const PLAIN = /^[^\s,+-]([^,+]*[^\s,+])?$/u;
const WORDS = new Set(["all", "none"]);

function slugsOf(names) {
  const slugs = names.map((name) => name.replace(/[^\p{L}\p{N}_]+/gu, "-").replace(/^[-_]+|[-_]+$/g, "").toLowerCase());
  if (new Set(slugs).size === slugs.length && slugs.every(Boolean)) return slugs;
  return slugs.map((slug, i) => (slug ? `${slug}-${i}` : String(i)));
}
