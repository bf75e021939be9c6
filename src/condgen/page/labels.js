// What can be asked for: one of K classes, or K attributes switched on and off. As condgen/labels.py has it.

export class Labels {
  /** about: what the engine tells of the model. A label is a class number, or an array of 0 and 1 per attribute.
   * single: there is nothing to choose, the generator takes no label. */
  constructor(about) {
    this.names = about.names;
    this.attributes = about.kind === "attributes";
    this.single = about.kind === "any";
    this.slugs = slugsOf(this.names);
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
    return this.joined(label, this.slugs);
  }

  /** As one types it after --labels: names, or numbers where a name would be read otherwise. */
  typed(label) {
    return this.joined(label, this.names.map((name, i) => (PLAIN.test(name) && !WORDS.has(name.toLowerCase()) ? name : String(i))));
  }

  /** The label that `typed` wrote, or null. */
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
