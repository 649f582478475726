// What must be equal on all nodes of a cluster and is not: authorities, and the key pair of service accounts. Pure.
import type { AnyFinding } from "../model/finding.ts";
import type { NodeName } from "../model/address.ts";
import { sha256Hex } from "../pki/fingerprints.ts";
import type { AuthorityFacts, Facts, KeyPairFacts } from "./facts.ts";
import { findingOf } from "./finding-of.ts";

/** Empty for one node: there is nothing to compare. */
export function nodeDifferences({ authorities, keyPairs, inventory }: Facts): readonly AnyFinding[] {
  if (inventory.nodes.length < 2) return [];
  return [
    ...strangersAmong([...authorities.values()].flatMap(authorityKeys)).map(
      ({ holder: { slot }, others }) => {
        const report = findingOf(slot, slot.certificate);
        return report("authority-differs-between-nodes", "critical", { path: slot.certificate.path, others });
      },
    ),
    ...strangersAmong(keyPairs.flatMap(pairKeys)).map(({ holder: { slot } }) => {
      const { path } = slot.publicKey;
      return findingOf(slot, slot.publicKey)("service-account-pair-differs", "critical", { path });
    }),
  ];
}

/** Keys by hash of their SubjectPublicKeyInfo. */
interface Keys<T> {
  readonly holder: T;
  readonly node: NodeName;
  readonly name: string;
  /** What it signs with, where the key is here; else what stands first. */
  readonly signs: string;
  /** What it believes: all of a bundle, since a rollover has both for a while. */
  readonly trusts: readonly string[];
}

function authorityKeys(holder: AuthorityFacts): readonly Keys<AuthorityFacts>[] {
  const { certificate, signing, slot } = holder;
  if (certificate.state !== "present" || signing === null) return [];
  const trusts = certificate.value.certificates.map(({ spkiDer }) => sha256Hex(spkiDer));
  return [{ holder, node: slot.node, name: slot.name, signs: sha256Hex(signing.spkiDer), trusts }];
}

function pairKeys(holder: KeyPairFacts): readonly Keys<KeyPairFacts>[] {
  const { privateKey, publicKeys, slot } = holder;
  const trusts = publicKeys.state === "present" ? publicKeys.value.map(sha256Hex) : [];
  const signs = privateKey.state === "present" ? sha256Hex(privateKey.value.spkiDer) : trusts[0];
  if (signs === undefined || trusts.length === 0) return [];
  return [{ holder, node: slot.node, name: slot.name, signs, trusts }];
}

interface Stranger<T> {
  readonly holder: T;
  /** Nodes that agree with one another and not with it. */
  readonly others: readonly NodeName[];
}

/** Of each name, those that do not believe what most sign with, or sign with what most do not believe. */
function strangersAmong<T>(all: readonly Keys<T>[]): readonly Stranger<T>[] {
  return [...new Set(all.map(({ name }) => name))].flatMap((name) => {
    const same = all.filter((each) => each.name === name);
    const [common] = [...new Set(same.map(({ signs }) => signs))].toSorted(
      (a, b) => countOf(same, b) - countOf(same, a),
    );
    const agreed = same.filter(({ signs }) => signs === common);
    const others = agreed.map(({ node }) => node);
    const isStranger = ({ signs, trusts }: Keys<T>): boolean =>
      !trusts.includes(common ?? "") || agreed.some((each) => !each.trusts.includes(signs));
    return same.filter(isStranger).map(({ holder }) => ({ holder, others }));
  });
}

function countOf(all: readonly Keys<unknown>[], signs: string): number {
  return all.filter((each) => each.signs === signs).length;
}
