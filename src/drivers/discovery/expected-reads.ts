// What the discovery of a node will ask for, most likely: for nodes where each question is a way there and back.
import { posix } from "node:path";
import type { Profile } from "../../core/profile/profile.ts";
import type { NodeView } from "../../engine/ports/node-view.ts";
import { pathIn } from "./context.ts";
import { expandPattern } from "./patterns.ts";

export interface ExpectedReads {
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

type Described = readonly [profile: Profile, params: Readonly<Record<string, string>>];

/** Everything that is named, where the profile has it; flags of the node's processes may still lead elsewhere. */
export function expectedReads(...[profile, params]: Described): ExpectedReads {
  const { kubelet } = profile;
  const named = [
    ...profile.consumers.map(({ manifest }) => manifest),
    ...[...profile.certificates, ...profile.authorities].flatMap(({ certificate, key }) => [
      certificate,
      key,
    ]),
    ...profile.keyPairs.flatMap(({ publicKey, privateKey }) => [publicKey, privateKey]),
    ...profile.kubeconfigs.map(({ path }) => path),
    ...(profile.marks ?? []),
    ...Object.values(kubelet).filter((path) => path !== undefined),
    ...patternsOf(profile).filter((pattern) => !pattern.includes("*")),
  ].map((template) => pathIn({ profile, params }, template));
  const folders = patternsOf(profile)
    .filter((pattern) => pattern.includes("*"))
    .map((pattern) => posix.dirname(pathIn({ profile, params }, pattern).replace(/\*.*$/, "*")));
  return { files: named, folders };
}

/** The files that patterns stand for, once their folders were listed. */
export async function expectedByPatterns(
  view: NodeView,
  ...[profile, params]: Described
): Promise<ExpectedReads> {
  const discovery = { view, profile, params, pods: new Map(), notes: [] };
  const patterns = patternsOf(profile).filter((pattern) => pattern.includes("*"));
  const files = await Promise.all(patterns.map((pattern) => expandPattern(discovery, pattern)));
  return { files: files.flat(), folders: [] };
}

function patternsOf({ copies, scan }: Profile): readonly string[] {
  return [...copies.files, ...copies.scan, ...scan];
}
