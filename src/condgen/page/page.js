// The whole page: its parts, its layout, and the update after a change of state.

import { Archive } from "./archive.js";
import { Artist } from "./artist.js";
import { Code } from "./code.js";
import { h } from "./dom.js";
import { SamplesView } from "./samples.js";
import { Enlarged } from "./enlarged.js";
import { GridView } from "./grid.js";
import { footer, header } from "./frame.js";
import { arrows, stop } from "./keys.js";
import { Labels } from "./labels.js";
import { Notice } from "./notice.js";
import { OptionsPanel } from "./options.js";
import { Picker } from "./picker.js";
import { PlaneView } from "./plane.js";
import { SameView } from "./same.js";
import { Snippets } from "./snippets.js";
import { State } from "./state.js";
import { language, t } from "./text.js";
import { applyTheme } from "./theme.js";
import { titleOf } from "./title.js";
import { WalkView } from "./walk.js";

const VIEWS = { samples: SamplesView, walk: WalkView, same: SameView, grid: GridView, plane: PlaneView };

/** Build the page for an engine. origin: of the server, for curl snippets; null if there is none. */
export async function start(engine, origin = null) {
  applyTheme();
  document.documentElement.lang = language();
  const about = await described(engine);
  const labels = new Labels(about);
  const views = Object.keys(VIEWS).filter((name) => fits(name, about, labels));
  const state = new State(labels, views, about, () => page.update());
  const page = new Page({ engine, about, labels, state, views, origin });
  page.build();
}

function fits(view, about, labels) {
  if (view === "plane") return about.manifold;
  return view !== "same" || !labels.single;
}

/** Facts about the engine's model, as soon as it responds. */
async function described(engine) {
  const place = h("main", { class: "waiting" }, h("p", { role: "status" }, t("loading")));
  document.getElementById("page").replaceChildren(place);
  const notice = new Notice(() => artist.now(), (token) => { engine.unlock(token); artist.now(); });
  place.append(notice.element);
  const artist = new Artist({ generate: () => engine.about() }, (trouble, seconds) => notice.show(trouble, seconds));
  return artist.generate();
}

class Page {
  constructor({ engine, about, labels, state, views, origin }) {
    this.engine = engine;
    this.about = about;
    this.labels = labels;
    this.state = state;
    this.views = views;
    this.code = new Code(about, labels, origin);
    this.kinds = origin ? ["command", "python", "curl"] : ["command", "python"];
    this.most = about.limits.points;
    this.open = (items, n) => this.enlarged.open(items, n);
  }

  /** Build all elements in the current language. */
  build() {
    const { about, labels, state, engine } = this;
    document.documentElement.lang = language();
    document.title = `${about.name} · condgen`;
    this.notice = new Notice(() => this.artist.now(), (token) => { engine.unlock?.(token); this.artist.now(); });
    this.artist = new Artist(engine, (trouble, seconds) => this.notice.show(trouble, seconds));
    this.picker = new Picker(labels, (label) => state.set({ label }));
    this.options = new OptionsPanel(about.options, (options) => state.set({ options }));
    this.archive = new Archive(this, engine);
    this.snippets = new Snippets(this.kinds);
    this.enlarged = new Enlarged(this, engine);
    this.tabs = this.views.map((name) => this.tab(name));
    this.panel = h("div", { role: "tabpanel", id: "panel", tabindex: -1 });
    this.made = {};
    document.getElementById("page").replaceChildren(
      h("a", { class: "skip", href: "#panel", onclick: (event) => { event.preventDefault(); this.panel.focus(); } }, t("skip")),
      header(about, labels, () => this.build()),
      this.main(),
      footer(this.kinds.includes("curl") ? "footer-http" : "footer-onnx"),
      this.enlarged.element,
    );
    this.update();
  }

  main() {
    const list = h("div", { role: "tablist", class: "tabs views", "aria-label": t("views") }, ...this.tabs);
    arrows(list, "[role=tab]", (tab) => tab.click());
    return h(
      "main",
      { class: this.labels.single ? "single" : "" },
      this.picker.element,
      h("section", { class: "stage" }, list, this.notice.element, this.panel, this.snippets.element),
      h("aside", {}, this.options.element, this.archive.element),
    );
  }

  tab(name) {
    const pick = () => this.state.set({ view: name });
    return h("button", { type: "button", role: "tab", class: "tab", id: `tab-${name}`, "aria-controls": "panel", onclick: pick }, t(name));
  }

  /** Update the page after a change of state. */
  async update() {
    const { now } = this.state;
    this.code.options = now.options;
    const view = (this.made[now.view] ??= new VIEWS[now.view](this));
    const items = view.items(now).map((item) => ({ ...item, title: titleOf(item, this.labels) }));
    this.frame(now, view);
    view.place(items, now);
    this.snippets.show(view.code(now));
    this.panel.classList.add("generating");
    const generated = await this.artist.generate(this.points(items), now.options);
    if (!generated) return;
    view.paint(generated);
    this.panel.classList.remove("generating");
  }

  frame(now, view) {
    this.picker.show(now.label);
    this.options.show(now.options);
    this.archive.show(now);
    this.tabs.forEach((tab, i) => tab.setAttribute("aria-selected", String(this.views[i] === now.view)));
    stop(document.body, ".views [role=tab]", this.tabs[this.views.indexOf(now.view)]);
    this.panel.setAttribute("aria-labelledby", `tab-${now.view}`);
    if (this.panel.firstChild !== view.element) this.panel.replaceChildren(view.element);
  }

  /** Items in the form that engines accept. */
  points(items) {
    return items.map(({ label, z }) => ({ y: this.labels.encode(label), z }));
  }
}
