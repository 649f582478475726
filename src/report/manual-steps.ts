// Copies that only the API holds: the commands with which people bring them up to date. Keys stay in files of mode 0600, out of every argument.
import type { ManualStep } from "../core/model/platform.ts";
import { shellQuote } from "./shell.ts";

const credentials = "clustercredentials.platform.tkestack.io";

/** Lines for a POSIX shell with kubectl, openssl, awk, base64; the working folder gets the backup, which holds private keys. */
export function manualCommands(step: ManualStep): readonly string[] {
  const { files } = step;
  const head = ["umask 077", `crt=${shellQuote(files.certificate)}`, `key=${shellQuote(files.key)}`];
  return [...head, ...(step.store === "config-map" ? configMap(step) : credential(step))];
}

/** `tke/certs`, `ClusterCredential global`: the object in a few words, the same in every language. */
export function manualObject({ store, namespace, object, cluster }: ManualStep): string {
  if (store === "config-map") return `ConfigMap ${namespace ?? ""}/${object ?? ""}`;
  return cluster === null ? "ClusterCredential" : `ClusterCredential (${cluster})`;
}

function configMap(step: ManualStep): readonly string[] {
  const { certificate } = step;
  const namespace = shellQuote(step.namespace ?? "");
  const object = shellQuote(step.object ?? "");
  const get = `kubectl get -n ${namespace} cm ${object}`;
  const held = `${get} -o jsonpath=${shellQuote(`{.data.${certificate.replaceAll(".", String.raw`\.`)}}`)}`;
  const pem = (from: string, to: string): string =>
    String.raw`awk '/-----BEGIN/,/-----END/ { printf "%s\\n", $0 }' "$${from}" > ${to}`;
  return [
    `${get} -o yaml > certs.bak.yaml`,
    `${held} | openssl x509 -noout -serial -subject -enddate`,
    `openssl x509 -in "$crt" -noout -serial -subject -enddate`,
    pem("crt", "new-crt.txt"),
    pem("key", "new-key.txt"),
    `${get} -o json > old.json`,
    ...replaced(step),
    `${held} | openssl x509 -noout -serial -subject -enddate`,
    `kubectl get deploy,ds,sts -n ${namespace} --no-headers -o custom-columns=K:.kind,N:.metadata.name,M:.spec.template.spec.volumes[*].configMap.name |`,
    `  awk -v map=${object} '{ n = split($3, maps, ","); for (i = 1; i <= n; i++) if (maps[i] == map) print ($2 ~ /-api$/ ? 0 : 1), tolower($1) "/" $2 }' | sort | cut -d ' ' -f 2 > mounts.txt`,
    `cat mounts.txt`,
    `while read -r one; do kubectl rollout restart -n ${namespace} "$one" < /dev/null && kubectl rollout status -n ${namespace} "$one" --timeout=300s < /dev/null || break; done < mounts.txt`,
  ];
}

function credential(step: ManualStep): readonly string[] {
  const { certificate, cluster } = step;
  const get = `kubectl get ${credentials}`;
  // What is no name of Kubernetes does not go into an expression.
  const isName = cluster !== null && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(cluster);
  const held = `${get} "$name" -o jsonpath='{.${certificate}}' | base64 -d`;
  return [
    `${get} -o yaml > clustercredentials.bak.yaml`,
    `${get} -o custom-columns=NAME:.metadata.name,CLUSTER:.clusterName`,
    isName
      ? `name=$(${get} -o jsonpath='{.items[?(@.clusterName=="${cluster}")].metadata.name}'); echo "$name"`
      : "name=NAME",
    `${held} | openssl x509 -noout -serial -subject -enddate`,
    `openssl x509 -in "$crt" -noout -serial -subject -enddate`,
    `base64 "$crt" | tr -d '\\n' > new-crt.txt`,
    `base64 "$key" | tr -d '\\n' > new-key.txt`,
    `${get} "$name" -o json > old.json`,
    ...replaced(step),
    `${held} | openssl x509 -noout -serial -subject -enddate`,
  ];
}

/** The two fields in kubectl's JSON, one line each; the resourceVersion in it makes a change of somebody else a conflict. */
function replaced({ certificate, key }: ManualStep): readonly string[] {
  return [
    `awk -v c=${shellQuote(`"${certificate}":`)} -v k=${shellQuote(`"${key}":`)} '`,
    `  BEGIN { getline crt < "new-crt.txt"; getline key < "new-key.txt" }`,
    `  $1 == c || $1 == k { print $1 " \\"" ($1 == c ? crt : key) "\\"" (/,$/ ? "," : ""); next }`,
    `  { print }' old.json > new.json`,
    `kubectl replace -f new.json`,
    `rm -f new-crt.txt new-key.txt old.json new.json`,
  ];
}
