// Light or dark theme: that of the system, unless switched.

import { memory } from "./dom.js";

const SYSTEM = matchMedia("(prefers-color-scheme: dark)");

export function isDark() {
  const chosen = memory.get("theme");
  return chosen ? chosen === "dark" : SYSTEM.matches;
}

export function applyTheme() {
  const chosen = memory.get("theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
}

export function switchTheme() {
  memory.set("theme", isDark() ? "light" : "dark");
  applyTheme();
}
