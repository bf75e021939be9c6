// Error message with the action that resolves it.

import { h } from "./dom.js";
import { t } from "./text.js";

export class Notice {
  /** retry(): retries now. unlock(token): continues with this token. */
  constructor(retry, unlock) {
    this.retry = retry;
    this.unlock = unlock;
    this.element = h("div", { class: "notice", role: "status", hidden: true });
  }

  /** trouble: a Trouble, or null to hide the message. seconds: until the next attempt. */
  show(trouble, seconds) {
    clearInterval(this.clock);
    this.element.hidden = !trouble;
    this.element.dataset.kind = trouble?.kind ?? "";
    this.element.replaceChildren(...(trouble ? this.parts(trouble, seconds) : []));
  }

  parts({ kind, message }, seconds) {
    if (kind === "token") return [h("p", {}, t("token")), this.lock()];
    if (kind === "refused") return [h("p", {}, t("refused", { message }))];
    const left = h("span", { class: "soft", "aria-hidden": "true" });
    this.count(left, seconds);
    return [h("p", {}, t(kind), " ", left), h("button", { type: "button", onclick: this.retry }, t("retry"))];
  }

  count(place, seconds) {
    const tick = () => (place.textContent = t("again", { seconds: Math.max(0, Math.ceil(seconds--)) }));
    tick();
    this.clock = setInterval(tick, 1000);
  }

  lock() {
    const field = h("input", { type: "password", autocomplete: "off", "aria-label": t("token-field"), required: true });
    const submit = (event) => {
      event.preventDefault();
      this.unlock(field.value.trim());
    };
    return h("form", { class: "bar", onsubmit: submit }, field, h("button", {}, t("unlock")));
  }
}
