// English: errors of cluster.yaml and of the way to its nodes.
import type { ClusterFault, ClusterFaultCode } from "../../../core/model/cluster.ts";
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import type { ErrorMessages } from "../types.ts";

const faults: { readonly [C in ClusterFaultCode]: (fault: ClusterFault) => string } = {
  "not-yaml": ({ detail }) => `not valid YAML: ${detail}`,
  "several-documents": () => "a second document begins here; one file is one cluster",
  "unknown-key": ({ detail }) => `is no key that is known here: ${detail}`,
  missing: () => "is missing",
  empty: () => "is empty",
  "not-text": () => "is not text",
  "not-a-list": () => "is not a list",
  "not-a-mapping": () => "is not a mapping of keys to values",
  "not-a-boolean": () => "is neither true nor false",
  "not-one-of": ({ value, detail }) => `${value} is none of ${detail}`,
  "not-a-name": ({ value }) => `${value} is no name: letters, digits, dots, dashes and underscores`,
  "not-a-host": ({ value }) => `${value} is neither a host name nor an address`,
  "not-a-port": ({ value }) => `${value} is no port: 1 to 65535`,
  "not-a-user": ({ value }) => `${value} is no user name`,
  "not-a-jump": ({ value }) => `${value} is no jump host: [USER@]HOST[:PORT], several with commas`,
  "not-a-path": ({ value }) => `${value} is no path`,
  "not-true": () => "can only be true; leave it out where the node is not this machine",
  "several-reaches": ({ value }) => `is to be reached in more ways than one: ${value}`,
  duplicate: ({ value, detail }) => `${value} is that of another node already (line ${detail})`,
  "second-local": ({ value }) => `${value} cannot be this machine too: only one node is local`,
};

function faultLine(fault: ClusterFault): string {
  const where = fault.at === "" ? "" : `${fault.at} `;
  return `  line ${fault.line}: ${where}${faults[fault.fault](fault)}`;
}

export const errorsClusters = {
  "cluster-invalid": {
    sentence: (p) => [`${p.path} does not describe a cluster:`, ...p.faults.map(faultLine)].join("\n"),
    hint: () => [
      "docs/cluster-file.md describes every key; perennial init writes a file for the node it runs on",
    ],
  },
  "reach-unsupported": {
    sentence: (p) => `node ${p.node} is reached by ${p.reach}, and this command cannot go that way`,
    hint: () => [
      `run perennial on that node, or bring its files here and name them: root: DIR in the cluster file`,
    ],
  },
  "node-is-another": {
    sentence: (p) => `what was reached as node ${p.node} says that it is ${p.found}`,
    hint: () => [
      "correct the name or the way to the node in the cluster file: names are those of kubectl get nodes",
    ],
  },
  "profiles-differ": {
    sentence: (p) =>
      `the nodes of cluster ${p.cluster} look like different distributions: ${p.profiles.join("; ")}`,
    hint: () => ["say which it is with profile: in the cluster file (perennial profile list)"],
  },
  "file-exists": {
    sentence: (p) => `${p.path} exists already and is not overwritten`,
    hint: (p) => [`look at it: cat ${shellQuote(p.path)}; or write another file: ${flags.out} FILE`],
  },
} satisfies Partial<ErrorMessages>;
