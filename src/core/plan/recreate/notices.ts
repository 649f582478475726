// What an operator should know about things that are made again, or that stay missing.
import type { Notice } from "../../model/notice.ts";
import type { IssueStep } from "../../model/making-step.ts";
import type { Facts, SlotFacts } from "../../policy/facts.ts";

export function recreationNotices(
  facts: Facts,
  { issues, renewed }: { readonly issues: readonly IssueStep[]; readonly renewed: readonly SlotFacts[] },
): readonly Notice[] {
  return [...reconstructed(issues), ...keyPairs(facts), ...kubelet(facts, renewed)];
}

/** An authority that is made anew has a notice of its own. */
function reconstructed(issues: readonly IssueStep[]): readonly Notice[] {
  const slots = issues.filter(({ template }) => template.form === "profile").map(({ slot }) => slot);
  return slots.length === 0 ? [] : [{ code: "reconstructed", slots }];
}

/** Never made again: every token of the cluster hangs on the pair. */
function keyPairs(facts: Facts): readonly Notice[] {
  return facts.keyPairs
    .filter(({ privateKey, publicKeys }) => privateKey.state === "missing" || publicKeys.state === "missing")
    .map(({ slot, privateKey }) => ({
      code: "key-pair-missing",
      name: slot.name,
      path: privateKey.state === "missing" ? slot.privateKey.path : slot.publicKey.path,
      found: facts.remains?.keyPairs.get(slot.id)?.[0] ?? null,
    }));
}

function kubelet(facts: Facts, renewed: readonly SlotFacts[]): readonly Notice[] {
  const bootstrap = facts.remains?.missingBootstrap ?? null;
  const own = renewed.find(({ slot }) => slot.management === "kubelet" && slot.name === "kubelet.conf");
  const conf = own?.slot.holder.form === "kubeconfig" ? own.slot.holder.file.path : own?.slot.origin.source;
  return [
    ...(bootstrap === null || own === undefined
      ? []
      : [{ code: "bootstrap-not-needed", path: bootstrap, file: conf ?? own.slot.name } as const]),
    ...servingLeft(facts),
  ];
}

/** The kubelet's own affair: it makes a self-signed one anew, or asks the API for one. */
function servingLeft(facts: Facts): readonly Notice[] {
  return [...facts.slots.values()].flatMap(({ slot, certificate }): readonly Notice[] => {
    const isServing = slot.name === "kubelet-server" && slot.holder.form === "pem";
    if (!isServing || slot.origin.kind !== "default" || certificate.state !== "present") return [];
    if (certificate.value.leaf.notAfter >= facts.at || slot.holder.form !== "pem") return [];
    const { path } = slot.holder.certificate;
    return [{ code: "kubelet-serving-left", path, isRotated: path.endsWith("kubelet-server-current.pem") }];
  });
}
