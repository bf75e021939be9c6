// Asks an engine for pictures: one request at a time, of those that wait only the newest, again after trouble.

import { Trouble } from "./trouble.js";

const PATIENCE = 3;
/** Seconds between two tries to reach a server that is gone. */

export class Artist {
  /** say(trouble or null, seconds): called when something is in the way, and with null when it no longer is. */
  constructor(engine, say) {
    this.engine = engine;
    this.say = say;
    this.busy = Promise.resolve();
    this.newest = null;
    this.wake = () => {};
  }

  /** points -> what the engine generates under these sampling options; null if something newer was requested meanwhile. */
  async draw(points, options) {
    const ticket = (this.newest = {});
    this.wake();
    await this.busy;
    if (ticket !== this.newest) return null;
    const work = this.tryOn(ticket, points, options);
    this.busy = work.catch(() => {});
    return work;
  }

  /** Do not wait any longer; try now. */
  now() {
    this.wake();
  }

  async tryOn(ticket, points, options) {
    for (;;) {
      try {
        const drawn = await this.engine.draw(points, options);
        this.say(null);
        return ticket === this.newest ? drawn : null;
      } catch (error) {
        const trouble = error instanceof Trouble ? error : new Trouble("refused", String(error));
        const waits = trouble.kind === "gone" ? PATIENCE : trouble.seconds;
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
