// A crictl that knows one container, and the API server in it, for scripts of `plan --script`.
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSecureContext } from "node:tls";

const crictl = `#!/bin/sh
echo "$*" >>"$FAKE/calls"
case $1 in
ps) cat "$FAKE/id" ;;
pods) echo pod-1 ;;
stop) echo "after-$4" >"$FAKE/id"; : >"$FAKE/restarted" ;;
esac
`;

export interface FakeRuntime {
  /** For the front of PATH. */
  readonly folder: string;
  /** Below another root nothing else says where its runtime is. */
  readonly environment: Readonly<Record<string, string>>;
  readonly port: number;
  /** Words of crictl, in order. */
  readonly calls: () => readonly string[];
  /** `METHOD path`, in order. */
  readonly asked: readonly string[];
  readonly close: () => void;
}

/** Presents the API server's certificate below `root` as it was until crictl stops the container, as it is from then on. */
export async function startFakeRuntime(root: string): Promise<FakeRuntime> {
  const folder = mkdtempSync(join(tmpdir(), "fake-runtime-"));
  writeFileSync(join(folder, "crictl"), crictl, { mode: 0o755 });
  writeFileSync(join(folder, "id"), "old-1\n");
  const pki = join(root, "etc/kubernetes/pki");
  const pair = (): { cert: Buffer; key: Buffer } => ({
    cert: readFileSync(join(pki, "apiserver.crt")),
    key: readFileSync(join(pki, "apiserver.key")),
  });
  const old = pair();
  const asked: string[] = [];
  const server = createServer({
    ...old,
    SNICallback: (_, done) =>
      done(null, createSecureContext(existsSync(join(folder, "restarted")) ? pair() : old)),
  });
  server.on("request", (incoming, answer) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    answer.statusCode = incoming.method === "POST" ? 201 : 200;
    incoming.resume().on("end", () => answer.end("{}"));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    folder,
    environment: { FAKE: folder, CONTAINER_RUNTIME_ENDPOINT: "unix:///nowhere" },
    port: (server.address() as AddressInfo).port,
    calls: () => readFileSync(join(folder, "calls"), "utf8").trimEnd().split("\n"),
    asked,
    close: () => server.close(),
  };
}
