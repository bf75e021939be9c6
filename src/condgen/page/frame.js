// Header and footer: facts about the model, switches for language and theme.

import { h } from "./dom.js";
import { count, switchLanguage, t } from "./text.js";
import { isDark, switchTheme } from "./theme.js";

/** again(): rebuilds the page after a switch of the language. */
export function header(about, labels, again) {
  const theme = h("button", { type: "button", class: "quiet", id: "theme" }, themeWord());
  theme.addEventListener("click", () => {
    switchTheme();
    theme.textContent = themeWord();
  });
  const other = t("language") === "English" ? "en" : "zh-CN";
  const language = h("button", { type: "button", class: "quiet", id: "language", lang: other }, t("language"));
  language.addEventListener("click", () => {
    switchLanguage();
    again();
    document.getElementById("language").focus();
  });
  const switches = h("div", { class: "switches" }, language, theme);
  const facts = h("p", { class: "soft facts" }, ...factsOf(about, labels).map((fact) => h("span", {}, fact)));
  return h("header", {}, h("h1", {}, about.name), switches, facts);
}

export function footer(key) {
  return h("footer", { class: "soft small" }, t(key));
}

function themeWord() {
  return t(isDark() ? "to-light" : "to-dark");
}

/** A summary of the model, such as: cvae, 10 classes, 28 × 28 grey, 400,000 images seen in training. */
function factsOf({ name, system, image, images }, labels) {
  const kind = labels.single ? "single" : labels.attributes ? "attributes" : "classes";
  const words = [
    system === name ? "" : system,
    t(`facts-${kind}`, { n: labels.size }),
    `${image.width} × ${image.height} ${t({ 1: "grey", 4: "transparent" }[image.channels] ?? "colour")}`,
    images ? t("images", { n: count(images) }) : "",
  ];
  return words.filter(Boolean);
}
