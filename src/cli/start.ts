// What the launcher loads: nothing but the call.
import { run } from "./main.ts";

void run();
