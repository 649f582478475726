// Reads back what a plan's content puts into an object: the certificate and, where it is in there, the key of each slot.
import type { Reason } from "../model/reasons.ts";
import type { SlotId } from "../model/inventory.ts";
import { AppError, assertNever } from "../model/errors.ts";
import type { Content } from "../model/plan.ts";
import { parseKubeconfig, type KubeconfigUser } from "../kubeconfig/kubeconfig.ts";
import { parseCertificate, type Certificate } from "../pki/certificate.ts";
import { readPublicHalf } from "../pki/public-half.ts";
import { certificateBlock } from "./compose.ts";

export interface Extract {
  readonly slot: SlotId;
  /** null for an object that holds only the key. */
  readonly certificate: Certificate | null;
  /** Public half of the key in the object, null when it holds none for this slot. */
  readonly spkiDer: Uint8Array | null;
}

/** @throws AppError of PEM, certificates, keys and kubeconfigs; `step-failed` when something is not there */
export function extractSlots(bytes: Uint8Array, content: Content): readonly Extract[] {
  switch (content.form) {
    case "pem-certificate":
      return [{ slot: content.slot, certificate: certificateAt(bytes, content.index), spkiDer: null }];
    case "pem-key":
      return [{ slot: content.slot, certificate: null, spkiDer: readPublicHalf(bytes).spkiDer }];
    case "pem-combined": {
      const { spkiDer } = readPublicHalf(bytes);
      return [{ slot: content.slot, certificate: certificateAt(bytes, content.index), spkiDer }];
    }
    case "kubeconfig": {
      const { users } = parseKubeconfig(bytes);
      return content.users.map(({ user, slot }) => ({ slot, ...extractUser(users, user) }));
    }
    case "kubeconfig-new":
      return [{ slot: content.slot, ...extractUser(parseKubeconfig(bytes).users, content.user) }];
    case "copy":
      return [];
    default:
      return assertNever(content);
  }
}

/** Certificates only: works on objects whose key cannot be read any more. */
export function extractCertificates(bytes: Uint8Array, content: Content): readonly Extract[] {
  switch (content.form) {
    case "pem-key":
      return [];
    case "pem-certificate":
    case "pem-combined":
      return [{ slot: content.slot, certificate: certificateAt(bytes, content.index), spkiDer: null }];
    case "kubeconfig": {
      const { users } = parseKubeconfig(bytes);
      return content.users.map(({ user, slot }) => ({
        slot,
        certificate: embeddedCertificate(users, user),
        spkiDer: null,
      }));
    }
    case "kubeconfig-new": {
      const { users } = parseKubeconfig(bytes);
      return [{ slot: content.slot, certificate: embeddedCertificate(users, content.user), spkiDer: null }];
    }
    case "copy":
      return [];
    default:
      return assertNever(content);
  }
}

/** The embedded PEM of a kubeconfig user's key; null when it has none. */
export function embeddedKey(bytes: Uint8Array, name: string): Uint8Array | null {
  const key = userOf(parseKubeconfig(bytes).users, name).key;
  return key?.form === "embedded" ? key.pem : null;
}

/** The embedded certificate of a kubeconfig user. @throws AppError `step-failed` when it has none */
export function embeddedCertificate(users: readonly KubeconfigUser[], name: string): Certificate {
  const { certificate } = userOf(users, name);
  if (certificate?.form !== "embedded") throw missing(`user ${name} has no embedded certificate`);
  return certificateAt(certificate.pem, 0);
}

export function certificateAt(bytes: Uint8Array, index: number): Certificate {
  return parseCertificate(certificateBlock(bytes, index).der);
}

function extractUser(users: readonly KubeconfigUser[], name: string): Omit<Extract, "slot"> {
  const { key } = userOf(users, name);
  const spkiDer = key?.form === "embedded" ? readPublicHalf(key.pem).spkiDer : null;
  return { certificate: embeddedCertificate(users, name), spkiDer };
}

function userOf(users: readonly KubeconfigUser[], name: string): KubeconfigUser {
  const user = users.find((candidate) => candidate.name === name);
  if (!user) throw missing(`there is no user ${name}`);
  return user;
}

function missing(reason: Reason): AppError<"step-failed"> {
  return new AppError("step-failed", { step: "read", reason });
}
