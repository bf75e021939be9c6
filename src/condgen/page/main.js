// The page as `condgen serve` serves it.

import { HttpEngine } from "./http.js";
import { start } from "./page.js";

if (location.search) history.replaceState(null, "", location.pathname + location.hash); // the cookie has the token now
start(new HttpEngine(), location.origin);
