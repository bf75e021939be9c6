// The page as `condgen serve` serves it.

import { HttpEngine } from "./http.js";
import { start } from "./page.js";

if (location.search) history.replaceState(null, "", location.pathname + location.hash); // the cookie has the token now
const here = new URL(".", location.href).href.slice(0, -1); // also behind a proxy that serves us below a path
start(new HttpEngine(here), here);
