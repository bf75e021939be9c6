// Creates elements. Strings are always inserted as text, so a label name cannot be markup.

/** h("button", {class: "x", onclick: f, "aria-label": "y"}, children...) -> the element; strings become text. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value === "boolean") element[name] = value;
    else if (value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Download `content` (a Blob) as a file. */
export function save(content, name) {
  const url = URL.createObjectURL(content);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Settings in localStorage; null where that is not available, such as in private windows. */
export const memory = {
  get(key) {
    try {
      return localStorage.getItem(`condgen-${key}`);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(`condgen-${key}`, value);
    } catch {
      /* not available */
    }
  },
};
