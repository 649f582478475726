// What a log line complains of: one row per complaint, first match wins. Sources: Go's crypto/x509 and crypto/tls messages, etcd's
// transport, kubelet's bootstrap, k/k#86552, OpenSSL's verify errors, browsers.
import type { LogLine, Symptom, SymptomCode, SymptomParams } from "../../model/diagnosis.ts";

export type Recognised = Pick<Symptom, "code" | "params">;

interface Rule {
  readonly code: SymptomCode;
  readonly pattern: RegExp;
  /** Not that complaint after all when it returns false. */
  readonly fits?: (line: LogLine) => boolean;
  readonly params?: (match: RegExpExecArray, line: LogLine) => SymptomParams;
}

const expiredText =
  /certificate (?:has|is) expired|certificate expired|has expired or is not yet valid|CERT_HAS_EXPIRED|tls: expired certificate|certificate in \S+ is expired|certificates? .{0,40}expired:|证书(?:已经|已)?过期/i;

const rules: readonly Rule[] = [
  {
    code: "mesh-alert",
    pattern: /MspiderHostedKubeAPICertExpiration/,
    params: (_, line) => subject(/([a-z0-9][a-z0-9-]*)-hosted-apiserver/.exec(line.message)?.[1]),
  },
  {
    code: "web-certificate",
    pattern: /NET::ERR_CERT_\w+|SEC_ERROR_EXPIRED_CERTIFICATE|SEC_ERROR_UNKNOWN_ISSUER|ERR_CERT_DATE_INVALID/,
    params: (_, line) => subject(platformComponent(line)),
  },
  {
    code: "web-certificate",
    pattern: expiredText,
    fits: (line) => platformComponent(line) !== undefined,
    params: (_, line) => subject(platformComponent(line)),
  },
  {
    code: "bootstrap-missing",
    pattern: /unable to load bootstrap kubeconfig: (?:stat|open) ([^\s:]+)/,
    params: (match) => ({ path: match[1] ?? "" }),
  },
  {
    code: "not-yet-valid",
    pattern: /current time (\S+) is before (\S+?)[",;)]*(?:\s|$)/,
    params: (match, line) => ({ ...serialOf(line), ...dates(match[1], { notBefore: match[2] }) }),
  },
  {
    code: "not-yet-valid",
    pattern: /certificate is not (?:yet )?valid(?: yet)?\b(?!.*\bfor\b)|CERT_NOT_YET_VALID/,
  },
  {
    // The API server asks itself: over its in-memory certificate, whatever lies on the disk (k/k#86552).
    code: "loopback-expired",
    pattern: expiredText,
    fits: ({ component, message }) =>
      /apiserver-loopback-client/.test(message) ||
      (component === "kube-apiserver" && /https:\/\/(?:\[::1\]|127\.0\.0\.1|localhost):\d+\//.test(message)),
    params: (_, line) => expiryOf(line),
  },
  {
    code: "kubelet-client-file",
    pattern: /kubelet-client-current\.pem|part of the existing bootstrap client certificate/,
    fits: ({ message }) =>
      /unable to (?:load|read)|failed|no such file|does not match|expired|not found|unknown authority/i.test(
        message,
      ),
    params: (_, { message }) => ({
      path: /(\/[^\s:;,"']*(?:kubelet-client[^\s:;,"']*\.pem|kubelet\.conf))/.exec(message)?.[1] ?? "",
    }),
  },
  { code: "expired", pattern: expiredText, params: (_, line) => expiryOf(line) },
  {
    code: "wrong-name",
    pattern: /certificate is valid for (.+?),\s*not ([^\s"',;)]+)/,
    params: (match, line) => ({ ...portOf(line), names: list(match[1]), wanted: bare(match[2]) }),
  },
  {
    code: "wrong-name",
    pattern: /"?([^\s"]+)"? does not match any of DNSNames \[([^\]]*)\]/,
    params: (match, line) => ({
      ...portOf(line),
      wanted: bare(match[1]),
      names: list(match[2]?.replaceAll('"', " ")),
    }),
  },
  {
    code: "wrong-name",
    pattern: /cannot validate certificate for (\S+) because it doesn't contain any IP SANs/,
    params: (match, line) => ({ ...portOf(line), wanted: bare(match[1]), names: [] }),
  },
  {
    code: "wrong-name",
    pattern: /certificate is not valid for any names, but wanted to match ([^\s"',;)]+)/,
    params: (match, line) => ({ ...portOf(line), wanted: bare(match[1]), names: [] }),
  },
  {
    code: "wrong-name",
    pattern: /certificate relies on legacy Common Name field|hostname mismatch|ERR_TLS_CERT_ALTNAME_INVALID/i,
    params: (_, line) => portOf(line),
  },
  {
    code: "wrong-usage",
    pattern: /incompatible key usage|unsuitable certificate purpose/,
    params: (_, line) => portOf(line),
  },
  {
    code: "key-mismatch",
    pattern:
      /private key (?:type )?does not match public key|key values mismatch|doesn't match parent's PublicKey/,
    params: (_, line) => fileIn(line),
  },
  {
    code: "unknown-authority",
    pattern:
      /signed by unknown authority|unknown certificate authority|unable to get local issuer certificate|self.signed certificate in certificate chain|UNABLE_TO_VERIFY_LEAF_SIGNATURE/i,
    params: (_, line) => ({
      ...serialOf(line),
      ...portOf(line),
      ...defined("authority", /candidate authority certificate "([^"]+)"/.exec(line.message)?.[1]),
    }),
  },
  {
    code: "refused-by-peer",
    pattern:
      /remote error: tls: (?:bad|revoked|unsupported) certificate|tls: certificate required|alert bad certificate/,
    params: (_, line) => portOf(line),
  },
  {
    code: "clock-difference",
    pattern:
      /clock difference against peer (\S+) is too high|prober found high clock drift|system clock (?:was|has been) set back|Time has been changed/i,
  },
  {
    code: "file-missing",
    pattern:
      /(?:open|stat|lstat|read|invalid kubeconfig:?) (\/[^\s:;,"']+\.(?:crt|key|pem|conf|pub)): no such file or directory/,
    params: (match) => ({ path: match[1] ?? "" }),
  },
  {
    code: "deadline-exceeded",
    pattern: /context deadline exceeded|etcdserver: request timed out|DeadlineExceeded/,
    fits: isAboutEtcd,
    params: (_, line) => portOf(line),
  },
  {
    code: "unauthorized",
    pattern:
      /invalid bearer token|service account token .{0,60}(?:invalid|expired)|signature is invalid|square\/go-jose: error in cryptographic primitive/,
    params: () => ({ subject: "token" }),
  },
  {
    code: "unauthorized",
    pattern: /\bUnauthorized\b|must be logged in to the server|asked for the client to provide credentials/,
  },
  {
    code: "connection-refused",
    pattern:
      /dial tcp \S*?:(\d+): (?:connect: )?connection refused|connection to the server \S*?:(\d+) was refused/,
    fits: ({ message }) => /:(?:2379|2380|4001|6443|8443|10250|10257|10259)\b/.test(message),
    params: (match) => ({ port: Number(match[1] ?? match[2]) }),
  },
];

/** null for a line that says nothing about certificates or what hangs on them. */
export function recogniseLine(line: LogLine): Recognised | null {
  for (const { code, pattern, fits, params } of rules) {
    const match = pattern.exec(line.message);
    if (match === null || fits?.(line) === false) continue;
    return { code, params: params?.(match, line) ?? {} };
  }
  return null;
}

/** The kubelet and the controllers have deadlines of their own; this is about the one between the API server and etcd. */
function isAboutEtcd({ component, message }: LogLine): boolean {
  if (component === "kube-apiserver" || component === "etcd") return true;
  if (/etcd|:2379|:2380|storage backend/i.test(message)) return true;
  // A line pasted by itself: who else is asked for is said in it.
  return component === null && !/:10250|container|runtime|sandbox|image|volume|lease|webhook/i.test(message);
}

/** TKEStack: `tke-platform-api`, `tke-business-api`, ... (runbook tkestack, last section). */
function platformComponent({ component, message }: LogLine): string | undefined {
  const name = /\btke-([a-z]+)(?:-api|-controller)\b/;
  return name.exec(component ?? "")?.[1] ?? name.exec(message)?.[1];
}

function subject(name: string | undefined): SymptomParams {
  return defined("subject", name);
}

function defined<K extends keyof SymptomParams>(key: K, value: SymptomParams[K] | undefined): SymptomParams {
  return value === undefined ? {} : { [key]: value };
}

function expiryOf(line: LogLine): SymptomParams {
  const match = /current time (\S+) is after (\S+?)[",;)]*(?:\s|$)/.exec(line.message);
  const alone = /expired: (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) \+0000/.exec(line.message);
  const notAfter = match?.[2] ?? (alone ? `${alone[1]}T${alone[2]}Z` : undefined);
  return { ...serialOf(line), ...portOf(line), ...fileIn(line), ...dates(match?.[1], { notAfter }) };
}

/** The API server names the client certificate it refuses by its decimal serial (since 1.20). */
function serialOf({ message }: LogLine): SymptomParams {
  const serial = /verifying certificate SN=(\d{1,60})\b/.exec(message)?.[1];
  return serial === undefined ? {} : { serialHex: BigInt(serial).toString(16) };
}

function portOf({ message }: LogLine): SymptomParams {
  // Of several addresses the one dialled is told by the scheme or the word before it.
  const port =
    /(?:https?:\/\/|dial tcp )(?:\[[0-9a-f:]+\]|[\w.-]+):(\d{2,5})\b/i.exec(message)?.[1] ??
    /(?:\[[0-9a-f:]+\]|[\w-]+(?:\.[\w-]+)+):(2379|2380|6443|10250|10257|10259)\b/.exec(message)?.[1];
  return port === undefined ? {} : { port: Number(port) };
}

function fileIn({ message }: LogLine): SymptomParams {
  return defined("path", /(\/[^\s:;,"']+\.(?:crt|pem|conf|key))\b/.exec(message)?.[1]);
}

function dates(
  current: string | undefined,
  bounds: { readonly notAfter?: string | undefined; readonly notBefore?: string | undefined },
): SymptomParams {
  return {
    ...instantAs("currentAt", current),
    ...instantAs("notAfter", bounds.notAfter),
    ...instantAs("notBefore", bounds.notBefore),
  };
}

function instantAs(key: "currentAt" | "notAfter" | "notBefore", text: string | undefined): SymptomParams {
  const at = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(at) ? {} : { [key]: at };
}

const mostNames = 50;

function list(text: string | undefined): readonly string[] {
  return (text ?? "")
    .split(/[\s,]+/)
    .filter((name) => name !== "")
    .slice(0, mostNames);
}

/** Without quotes and the stop of a sentence. */
function bare(text: string | undefined): string {
  return (text ?? "").replace(/^["']|["'.]+$/g, "");
}
