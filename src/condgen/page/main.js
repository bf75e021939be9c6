// Entry point of the page of `condgen serve`.

import { HttpEngine } from "./http.js";
import { start } from "./page.js";

if (location.search) history.replaceState(null, "", location.pathname + location.hash); // the token is in the cookie now
const here = new URL(".", location.href).href.slice(0, -1); // also correct behind a proxy with a path prefix
start(new HttpEngine(here), here);
