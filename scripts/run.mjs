// Runs one command in the foreground; a failure ends the script with the command's own exit code.
import { spawnSync } from "node:child_process";

export function run(command, words, options = {}) {
  const result = spawnSync(command, words, { stdio: "inherit", ...options });
  if (result.error) {
    console.error(`error: ${command} could not be started: ${result.error.message}`);
    process.exit(1);
  }
  if (result.status !== 0) {
    console.error(`error: ${[command, ...words].join(" ")} ended with ${result.status ?? result.signal}`);
    process.exit(result.status ?? 1);
  }
}
