// Symptoms of one component: etcd out of reach, the kubelet's files, missing files, web pages and hosted meshes of products.
import type { Evidence, Symptom } from "../../model/diagnosis.ts";
import { type Draft, logEvidence } from "./draft.ts";
import { etcdPath } from "./harms.ts";
import {
  type NodeKnowledge,
  allWell,
  concern,
  concernOf,
  evidenceOf,
  fatalFindings,
  isOfAnotherAuthority,
  leafOf,
  pathOf,
  slotAt,
  slotsNamed,
} from "./knowledge.ts";

const kubeletNames: readonly string[] = ["kubelet.conf", "kubelet-client"];

/** Ambiguous by itself: network, disk, quorum, certificates. The certificates between API server and etcd decide (runbook-traps 5.3). */
export function judgeDeadline(symptom: Symptom, node: NodeKnowledge | null): readonly Draft[] {
  const log = logEvidence(symptom);
  const cause = "etcd-unreachable";
  if (node === null) return [{ cause, certainty: "possible", evidence: [log, { code: "no-facts" }] }];
  const findings = fatalFindings(node, etcdPath);
  if (findings.length > 0) {
    const certificates = findings.map((finding) => concernOf(node, finding));
    return [{ cause, certainty: "confirmed", certificates, evidence: [...findings.map(evidenceOf), log] }];
  }
  const slots = slotsNamed(node, etcdPath);
  if (slots.length === 0) return [{ cause, certainty: "possible", evidence: [log] }];
  return [
    { cause, certainty: "rejected", certificates: slots.map(concern), evidence: [allWell(slots), log] },
  ];
}

/** The kubelet asks for it only because its own client certificate is of no use (runbook-traps 5.2). */
export function judgeBootstrap(symptom: Symptom, node: NodeKnowledge | null): readonly Draft[] {
  const log = logEvidence(symptom);
  const base = { cause: "bootstrap-kubeconfig-missing", subject: symptom.params.path ?? null } as const;
  if (node === null) return [{ ...base, certainty: "likely", evidence: [log, { code: "no-facts" }] }];
  const findings = fatalFindings(node, kubeletNames);
  if (findings.length > 0) {
    const certificates = findings.map((finding) => concernOf(node, finding));
    return [{ ...base, certainty: "confirmed", certificates, evidence: [...findings.map(evidenceOf), log] }];
  }
  const slots = slotsNamed(node, kubeletNames).filter((slot) => leafOf(slot) !== null);
  if (slots.length === 0) return [{ ...base, certainty: "likely", evidence: [log] }];
  return [
    { ...base, certainty: "rejected", certificates: slots.map(concern), evidence: [allWell(slots), log] },
  ];
}

export function judgeKubeletFile(symptom: Symptom, node: NodeKnowledge | null): readonly Draft[] {
  const log = logEvidence(symptom);
  const path = symptom.params.path ?? "";
  if (node === null)
    return [
      {
        cause: "wrong-kubelet-client",
        certainty: "likely",
        evidence: [log, { code: "no-facts" }],
        subject: path,
      },
    ];
  const slots = slotsNamed(node, kubeletNames);
  const strangers = slots.filter((slot) => isOfAnotherAuthority(node, slot));
  if (strangers.length > 0) {
    const evidence = strangers.map((slot): Evidence => ({
      code: "finding",
      finding: "wrong-issuer",
      name: slot.slot.name,
      path: pathOf(slot),
    }));
    const certificates = strangers.map(concern);
    const isLinked = strangers.some(({ slot }) => slot.name === "kubelet.conf");
    const subject = isLinked ? "linked" : "other-authority";
    return [
      {
        cause: "wrong-kubelet-client",
        certainty: "confirmed",
        certificates,
        evidence: [...evidence, log],
        subject,
      },
    ];
  }
  const findings = fatalFindings(node, kubeletNames);
  if (findings.length > 0) {
    const certificates = findings.map((finding) => concernOf(node, finding));
    const evidence = [...findings.map(evidenceOf), log];
    return [{ cause: "wrong-kubelet-client", certainty: "confirmed", certificates, evidence, subject: path }];
  }
  const readable = slots.filter((slot) => leafOf(slot) !== null);
  const isNamed = readable.some((slot) => pathOf(slot) === path);
  const certainty = isNamed ? "rejected" : "likely";
  const evidence = [...(isNamed ? [allWell(readable)] : []), log];
  return [{ cause: "wrong-kubelet-client", certainty, evidence, subject: path }];
}

export function judgeMissing(symptom: Symptom, node: NodeKnowledge | null): readonly Draft[] {
  const log = logEvidence(symptom);
  const path = symptom.params.path ?? "";
  const base = { cause: "file-missing" } as const;
  if (node === null)
    return [
      { ...base, certainty: "likely", certificates: [fileOnly(path)], evidence: [log, { code: "no-facts" }] },
    ];
  const findings = node.findings.filter(
    ({ address, severity }) => address.path === path && severity !== "info",
  );
  if (findings.length > 0) {
    const certificates = findings.map((finding) => concernOf(node, finding));
    return [{ ...base, certainty: "confirmed", certificates, evidence: [...findings.map(evidenceOf), log] }];
  }
  const slot = slotAt(node, path);
  if (slot !== null && leafOf(slot) !== null) {
    const evidence: readonly Evidence[] = [{ code: "file-is-there", path }, log];
    return [{ ...base, certainty: "rejected", certificates: [concern(slot)], evidence }];
  }
  return [{ ...base, certainty: "likely", certificates: [fileOnly(path)], evidence: [log] }];
}

function fileOnly(path: string): NonNullable<Draft["certificates"]>[number] {
  return { slot: null, name: path, path, notBefore: null, notAfter: null };
}

/** A token is the sa pair's business; a certificate that was accepted once is the kubelet's or an administrator's. */
export function judgeUnauthorized(symptom: Symptom, node: NodeKnowledge | null): readonly Draft[] {
  const log = logEvidence(symptom);
  const cause = "credentials-refused";
  const isToken = symptom.params.subject === "token";
  const subject = isToken ? "token" : null;
  if (node === null)
    return [{ cause, certainty: "possible", evidence: [log, { code: "no-facts" }], subject }];
  if (isToken) {
    const findings = node.findings.filter(({ code }) => code === "service-account-pair-differs");
    if (findings.length === 0) return [{ cause, certainty: "possible", evidence: [log], subject }];
    const certificates = findings.map((finding) => concernOf(node, finding));
    return [
      { cause, certainty: "confirmed", certificates, evidence: [...findings.map(evidenceOf), log], subject },
    ];
  }
  const names = symptom.component === "kubelet" ? kubeletNames : ["admin.conf", ...kubeletNames];
  const findings = fatalFindings(node, names);
  if (findings.length === 0) return [{ cause, certainty: "possible", evidence: [log], subject }];
  const certificates = findings.map((finding) => concernOf(node, finding));
  return [
    { cause, certainty: "confirmed", certificates, evidence: [...findings.map(evidenceOf), log], subject },
  ];
}

/** Nobody listens: what follows from another cause, or none of the certificates' business. */
export function judgeNotRunning(symptom: Symptom): readonly Draft[] {
  const port = symptom.params.port ?? 0;
  const names: Readonly<Record<number, string>> = {
    2379: "etcd",
    2380: "etcd",
    4001: "etcd",
    6443: "kube-apiserver",
    8443: "kube-apiserver",
    10250: "kubelet",
    10257: "kube-controller-manager",
    10259: "kube-scheduler",
  };
  const subject = names[port] ?? String(port);
  return [{ cause: "process-not-running", certainty: "possible", evidence: [logEvidence(symptom)], subject }];
}

/** The page of a platform component shows what its api pod loaded at its start (runbook tkestack). */
export function judgeWeb(symptom: Symptom): readonly Draft[] {
  const subject = symptom.params.subject ?? null;
  return [
    { cause: "platform-web-certificate", certainty: "likely", evidence: [logEvidence(symptom)], subject },
  ];
}

/** Secrets of another cluster's namespace: no file of this node can tell (runbook hosted-mesh). */
export function judgeMesh(symptom: Symptom): readonly Draft[] {
  const subject = symptom.params.subject ?? null;
  return [
    { cause: "hosted-mesh-certificate", certainty: "likely", evidence: [logEvidence(symptom)], subject },
  ];
}
