// The reader of encrypted archives in tests: identities, the library's decrypter, the system's tar.
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  Decrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from "age-encryption";
import { freshFolder } from "./fixtures.ts";

export interface Person {
  readonly identity: string;
  readonly recipient: string;
}

export async function person(kind: "x25519" | "hybrid" = "x25519"): Promise<Person> {
  const identity = kind === "hybrid" ? await generateHybridIdentity() : await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

export async function decrypt(file: string, { identity }: Person): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return decrypter.decrypt(readFileSync(file));
}

/** Unpacks a tar file with the system's program; resolves to the folder. */
export function untar(bytes: Uint8Array): string {
  const folder = freshFolder();
  const archive = join(freshFolder(), "archive.tar");
  writeFileSync(archive, bytes);
  execFileSync("tar", ["-x", "-p", "--numeric-owner", "-f", archive, "-C", folder]);
  return folder;
}

/** `age -d -i KEY FILE | tar xp`, and the one folder that is in there. */
export async function unpack(file: string, reader: Person): Promise<string> {
  const folder = untar(await decrypt(file, reader));
  const [top = "", ...others] = readdirSync(folder);
  if (others.length > 0) throw new Error(`more than one folder: ${others.join(", ")}`);
  return join(folder, top);
}
