// Errors between the page and an engine, of four kinds.

export class Trouble extends Error {
  /** kind: "busy" (retry after `seconds`), "gone" (no response), "token" (a token is required) or "refused". */
  constructor(kind, message = "", seconds = 2) {
    super(message);
    this.kind = kind;
    this.seconds = seconds;
  }
}
