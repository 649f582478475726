// A CA team: takes the CA's key away from a node, and signs requests with openssl alone.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pki } from "./control-plane.ts";
import { freshFolder } from "./fixtures.ts";

export interface CaTeam {
  /** Where requests are left for the team. */
  readonly requests: string;
  /** Where it puts its answers. */
  readonly answers: string;
  readonly certificate: string;
  readonly key: string;
}

/** Moves the key of an authority (`ca`, `etcd/ca`) out of the tree. */
export function caTeamOf(root: string, name = "ca"): CaTeam {
  const folder = freshFolder();
  const key = join(folder, "ca.key");
  renameSync(pki(root, `${name}.key`), key);
  const answers = join(folder, "answers");
  mkdirSync(answers);
  return { requests: join(folder, "requests"), answers, certificate: pki(root, `${name}.crt`), key };
}

export interface Signing {
  /** Arguments of `openssl x509 -req` beside the usual. */
  readonly more?: readonly string[];
  readonly days?: number;
  /** Instead of the extensions of the request: lines of an extension file. */
  readonly extensions?: string;
  readonly as?: string;
}

/** Signs one request, by its name without `.csr`; returns the answer's path. */
export function signOne(team: CaTeam, name: string, signing: Signing = {}): string {
  const { more = [], days = 365, extensions, as = `${name}.crt` } = signing;
  const out = join(team.answers, as);
  const kept = ["-copy_extensions", "copyall"];
  const file = join(team.answers, "..", "extensions.cnf");
  if (extensions !== undefined) writeFileSync(file, extensions);
  const request = ["x509", "-req", "-in", join(team.requests, `${name}.csr`), "-out", out];
  const issuer = ["-CA", team.certificate, "-CAkey", team.key, "-CAcreateserial", "-CAserial", `${out}.srl`];
  execFileSync(
    "openssl",
    [
      ...request,
      ...issuer,
      ...(extensions === undefined ? kept : ["-extfile", file]),
      "-days",
      String(days),
      ...more,
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  execFileSync("rm", [`${out}.srl`]);
  return out;
}

/** Signs every request. */
export function signAll(team: CaTeam): readonly string[] {
  const names = readdirSync(team.requests).map((name) => name.replace(/\.csr$/, ""));
  return names.map((name) => signOne(team, name));
}
