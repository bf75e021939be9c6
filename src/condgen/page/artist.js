// Requests images from an engine, one request at a time. Of the waiting requests, only the newest is sent. Failed requests
// are retried.

import { Trouble } from "./trouble.js";

const RETRY_SECONDS = 3;
/** Seconds between two attempts to reach a server that does not respond. */

export class Artist {
  /** say(trouble or null, seconds): called with an error and the time until the next attempt, and with null on success. */
  constructor(engine, say) {
    this.engine = engine;
    this.say = say;
    this.busy = Promise.resolve();
    this.newest = null;
    this.wake = () => {};
  }

  /** Generate the images of `points` under these sampling options; null if a newer request was made meanwhile. */
  async generate(points, options) {
    const ticket = (this.newest = {});
    this.wake();
    await this.busy;
    if (ticket !== this.newest) return null;
    const work = this.tryOn(ticket, points, options);
    this.busy = work.catch(() => {});
    return work;
  }

  /** Retry now instead of waiting. */
  now() {
    this.wake();
  }

  async tryOn(ticket, points, options) {
    for (;;) {
      try {
        const generated = await this.engine.generate(points, options);
        this.say(null);
        return ticket === this.newest ? generated : null;
      } catch (error) {
        const trouble = error instanceof Trouble ? error : new Trouble("refused", String(error));
        const waits = trouble.kind === "gone" ? RETRY_SECONDS : trouble.seconds;
        this.say(trouble, waits);
        if (trouble.kind === "refused") return null;
        await this.pause(trouble.kind === "token" ? Infinity : waits);
        if (ticket !== this.newest) return null;
      }
    }
  }

  pause(seconds) {
    return new Promise((done) => {
      const timer = seconds < Infinity ? setTimeout(done, seconds * 1000) : 0;
      this.wake = () => {
        clearTimeout(timer);
        done();
      };
    });
  }
}
