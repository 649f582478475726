// A slot that is looked at and never written.
import { fileAddress } from "../../core/model/address.ts";
import type { CertificateSlot, ExpectedIdentity, Origin } from "../../core/model/inventory.ts";

export const anything: ExpectedIdentity = { commonNames: null, organizations: null, usages: [], sans: [] };

export interface ObservedFile {
  readonly name: string;
  readonly certificate: string;
  /** null when nothing says where the key is. */
  readonly key: string | null;
  readonly origin: Origin;
}

export function observedSlot(node: string, found: ObservedFile): CertificateSlot {
  const key = found.key === null ? null : fileAddress(node, found.key);
  return {
    id: `${node}/${found.name}`,
    node,
    name: found.name,
    holder: { form: "pem", certificate: fileAddress(node, found.certificate), key },
    authority: null,
    expected: anything,
    management: "observe",
    sharing: "per-node",
    optional: true,
    copyOf: [],
    origin: found.origin,
  };
}
