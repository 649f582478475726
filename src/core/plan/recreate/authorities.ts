// Authorities that are made again by explicit word: the old one is put back where it is found, else a new one is made.
import { formatAddress } from "../../model/address.ts";
import { AppError } from "../../model/errors.ts";
import type { Refusal } from "../../model/refusal.ts";
import type { AuthoritySlot } from "../../model/inventory.ts";
import type { Notice } from "../../model/notice.ts";
import type { IssueStep } from "../../model/making-step.ts";
import type { RenewRequest } from "../../model/plan.ts";
import { isAuthority } from "../../pki/extensions.ts";
import { isSamePublicKey, formatKeySpec, parseKeySpec } from "../../pki/keys.ts";
import { hasMatchingKey } from "../../policy/issuer-checks.ts";
import type { AuthorityFacts, Facts, ObjectFacts, ObjectReading } from "../../policy/facts.ts";
import { observe } from "../../policy/observe.ts";
import type { AuthorityRemains } from "../../policy/remains.ts";
import { type Written, absentObject } from "../written.ts";
import { authorityFields } from "./recreate.ts";

/** kubeadm's (app/constants: CACertificateValidity). */
const validitySeconds = 10 * 365 * 86_400;

export interface RecreatedAuthorities {
  /** With authorities that the plan can sign with. */
  readonly facts: Facts;
  readonly issues: readonly IssueStep[];
  readonly written: readonly Written[];
  readonly read: readonly ObjectFacts[];
  readonly notices: readonly Notice[];
  readonly refusals: readonly Refusal[];
}

/** @throws AppError `name-unknown` */
export function recreateAuthorities(facts: Facts, request: RenewRequest): RecreatedAuthorities {
  const none: RecreatedAuthorities = { facts, issues: [], written: [], read: [], notices: [], refusals: [] };
  return (request.recreateAuthorities ?? []).reduce((sofar, { name, anew }) => {
    const authority = [...facts.authorities.values()].find(({ slot }) => slot.name === name);
    if (!authority) {
      const known = [...new Set([...facts.authorities.values()].map(({ slot }) => slot.name))];
      throw new AppError("name-unknown", { name, known });
    }
    return joined(sofar, recreateOne(sofar.facts, authority, { anew, request }));
  }, none);
}

function joined(one: RecreatedAuthorities, other: RecreatedAuthorities): RecreatedAuthorities {
  return {
    facts: other.facts,
    issues: [...one.issues, ...other.issues],
    written: [...one.written, ...other.written],
    read: [...one.read, ...other.read],
    notices: [...one.notices, ...other.notices],
    refusals: [...one.refusals, ...other.refusals],
  };
}

function recreateOne(
  facts: Facts,
  authority: AuthorityFacts,
  { anew, request }: { readonly anew: boolean; readonly request: RenewRequest },
): RecreatedAuthorities {
  const commonName = facts.remains?.recreatable.get(authority.slot.name);
  const refused = (detail: string): RecreatedAuthorities => ({
    facts,
    issues: [],
    written: [],
    read: [],
    notices: [],
    refusals: [
      {
        code: "authority-not-recreatable",
        slot: authority.slot.id,
        address: formatAddress(authority.slot.certificate),
        detail,
      },
    ],
  });
  if (commonName === undefined) return refused("not-allowed");
  if (authority.certificate.state !== "missing") return refused("there");
  const remains = facts.remains?.authorities.get(authority.slot.id) ?? [];
  const old = anew ? null : usable(facts, authority, remains);
  if (old !== null) return restored(facts, authority, old);
  if (authority.key.state !== "missing") return refused("key-there");
  return madeAnew(facts, authority, { commonName, request });
}

/** Whole, valid, a pair, and of the key that is still there, if one is. */
function usable(
  facts: Facts,
  { slot, key }: AuthorityFacts,
  remains: readonly AuthorityRemains[],
): AuthorityFacts | null {
  const found = remains.map((remain) => observedAt(facts, slot, remain));
  return (
    found.find(
      (old) =>
        old !== null &&
        old.signing !== null &&
        isAuthority(old.signing) &&
        hasMatchingKey(old.signing, old.key) &&
        old.signing.notAfter > facts.at &&
        (key.state === "missing" ||
          (key.state === "present" && isSamePublicKey(key.value.spkiDer, old.signing.spkiDer))),
    ) ?? null
  );
}

/** The old pair looked at as if it were the authority. */
function observedAt(
  facts: Facts,
  slot: AuthoritySlot,
  { certificate, key }: AuthorityRemains,
): AuthorityFacts | null {
  if (key === null) return null;
  const readings = new Map(
    [certificate, key].map((remain): readonly [string, ObjectReading] => [
      formatAddress(remain.address),
      { state: "present", bytes: remain.bytes, facts: remain.facts },
    ]),
  );
  const there = { ...slot, certificate: certificate.address, key: key.address };
  const node = {
    node: slot.node,
    authorities: [there],
    certificates: [],
    keyPairs: [],
    consumers: [],
    notes: [],
  };
  return observe({ ...facts.inventory, nodes: [node] }, readings, facts.at).authorities.get(slot.id) ?? null;
}

function restored(facts: Facts, authority: AuthorityFacts, old: AuthorityFacts): RecreatedAuthorities {
  const [like] = neighbours(facts);
  const { slot, key } = authority;
  const copies = [
    ...(key.state === "missing" ? [{ to: slot.key, from: old.slot.key, mode: 0o600, isKey: true }] : []),
    { to: slot.certificate, from: old.slot.certificate, mode: 0o644, isKey: false },
  ];
  return {
    facts: withAuthority(facts, old),
    issues: [],
    written: copies.map(({ to, from, mode, isKey }) => ({
      address: formatAddress(to),
      facts: absentObject(to, mode, like),
      content: { form: "copy", from: formatAddress(from) },
      isKey,
    })),
    read: old.objects,
    notices: [{ code: "authority-restored", authority: slot.name, from: old.slot.certificate.path }],
    refusals: [],
  };
}

function madeAnew(
  facts: Facts,
  authority: AuthorityFacts,
  { commonName, request }: { readonly commonName: string; readonly request: RenewRequest },
): RecreatedAuthorities {
  const { slot } = authority;
  const toBeMade = { notAfter: facts.at + validitySeconds * 1000 };
  const planned: AuthorityFacts = { ...authority, toBeMade };
  const [like] = neighbours(facts);
  const algorithm =
    request.keyAlgorithm === null ? "RSA-2048" : formatKeySpec(parseKeySpec(request.keyAlgorithm));
  const certificate = formatAddress(slot.certificate);
  const issue: IssueStep = {
    kind: "issue",
    id: `${slot.node}/issue/${slot.name}`,
    slot: slot.id,
    name: slot.name,
    subject: `CN=${commonName}`,
    ...authorityFields(facts, planned),
    template: { form: "authority", commonName },
    old: null,
    key: { mode: "generate", algorithm },
    validitySeconds,
    addSans: [],
    recreates: { object: certificate, names: [] },
  };
  return {
    facts: withAuthority(facts, planned),
    issues: [issue],
    written: [
      {
        address: formatAddress(slot.key),
        facts: absentObject(slot.key, 0o600, like),
        content: { form: "pem-key", slot: slot.id },
        isKey: true,
      },
      {
        address: certificate,
        facts: absentObject(slot.certificate, 0o644, like),
        content: { form: "pem-certificate", slot: slot.id, index: 0 },
        isKey: false,
      },
    ],
    read: [],
    notices: [{ code: "authority-made-anew", authority: slot.name }],
    refusals: [],
  };
}

/** Whose owner new files get. */
function neighbours(facts: Facts): readonly ObjectFacts[] {
  return [...facts.authorities.values()].flatMap(({ objects }) => objects);
}

function withAuthority(facts: Facts, authority: AuthorityFacts): Facts {
  return { ...facts, authorities: new Map([...facts.authorities, [authority.slot.id, authority]]) };
}
