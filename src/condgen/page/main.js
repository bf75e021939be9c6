// The page as `condgen serve` serves it.

import { HttpEngine } from "./http.js";
import { start } from "./page.js";

start(new HttpEngine(), location.origin);
