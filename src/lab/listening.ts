// A server that listens, or says why not.
import type { Server } from "node:net";

export function listening(server: Server, address = "127.0.0.1", port = "0"): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(Number(port), address, resolve);
  });
}
