// What can go wrong between the page and an engine, in four kinds that the page has words for.

export class Trouble extends Error {
  /** kind: "busy" (ask again after `seconds`), "gone" (nobody answers), "token" (one is wanted) or "refused". */
  constructor(kind, message = "", seconds = 2) {
    super(message);
    this.kind = kind;
    this.seconds = seconds;
  }
}
