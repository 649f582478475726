// Why a login did not come about, from ssh's own messages. The last one decides: what a server's banner says comes before.
import { AppError } from "../../core/model/errors.ts";
import type { HostFault } from "../../core/model/errors-servers.ts";
import { firstLine } from "./host-of-pool.ts";
import type { SshLog } from "./ssh-log.ts";
import type { OpeningFailed, OpeningFault } from "./open-frame-shell.ts";

const faults: readonly (readonly [RegExp, HostFault])[] = [
  [/Could not resolve hostname|Name or service not known|nodename nor servname/i, "no-such-host"],
  [/Connection refused/i, "refused"],
  [/No route to host|Network is unreachable|Host is down/i, "no-route"],
  [/timed out|Timeout,|not responding/i, "timeout"],
  [
    /Bad configuration option|bad configuration|Bad owner or permissions|keyword|Can't open user config|ProxyJump/i,
    "configuration",
  ],
  [/Unable to negotiate|no matching|Protocol major versions differ/i, "negotiation"],
];

/** What the end of a connection makes ssh say, after the message that counts: that of a proxy or jump host, too. */
const aftermath =
  /UNKNOWN port|^Killed by signal|^Connection to .* closed|closed by|Connection reset|kex_exchange_identification|Broken pipe/i;

export function loginFault(host: string, log: SshLog): AppError {
  const messages = log.messages().filter((line) => !aftermath.test(line));
  for (const line of messages.toReversed()) {
    if (/Host key verification failed/.test(line)) return keyFault(host, log);
    if (refusal.test(line)) return refused(host, line);
    const reason = faults.find(([pattern]) => pattern.test(line))?.[1];
    if (reason !== undefined) {
      return new AppError("host-unreachable", { host, reason, detail: firstLine(line) });
    }
  }
  const detail = firstLine(messages.at(-1) ?? log.messages().at(-1) ?? "") || "no message";
  return new AppError("host-unreachable", { host, reason: "closed", detail });
}

const refusal = /Permission denied|Too many authentication failures|No supported authentication/i;

/** `user@host: Permission denied (publickey,password).` */
function refused(host: string, line: string): AppError<"login-refused"> {
  const methods = /\(([\w@.,-]+)\)\.?$/.exec(line)?.[1]?.split(",") ?? [];
  return new AppError("login-refused", { host, methods, detail: firstLine(line) });
}

function keyFault(host: string, log: SshLog): AppError {
  const known = { host, address: log.address(), ...log.key() };
  const text = log.messages().join("\n");
  if (!/IDENTIFICATION HAS CHANGED|has changed and you have requested|REVOKED HOST KEY/i.test(text)) {
    return new AppError("host-key-unknown", known);
  }
  const [, file = null, line = "0"] = /(?:Offending .*key|marked as revoked) in (.+):(\d+)/.exec(text) ?? [];
  return new AppError("host-key-changed", { ...known, file, line: Number(line) });
}

/** Why the login gave no shell that runs the loop. */
export function shellFault(host: string, failure: OpeningFailed): AppError {
  const { fault } = failure;
  const cause = { cause: failure };
  switch (fault.kind) {
    case "missing":
      return new AppError("host-unfit", { host, missing: fault.tools, detail: "" }, cause);
    case "late": {
      const detail = lastLine(fault.words) || "no shell";
      return new AppError("host-unreachable", { host, reason: "timeout", detail }, cause);
    }
    case "ended": {
      const detail = lastLine(fault.words);
      return fault.code === 255
        ? new AppError("host-unreachable", { host, reason: "closed", detail }, cause)
        : new AppError("host-unfit", { host, missing: ["sh"], detail }, cause);
    }
    case "sudo":
      return sudoFault(host, fault);
  }
}

function sudoFault(host: string, fault: Extract<OpeningFault, { readonly kind: "sudo" }>): AppError {
  const { reason, code, words } = fault;
  const refuse = (why: AppError<"sudo-refused">["params"]["reason"]): AppError =>
    new AppError("sudo-refused", {
      host,
      reason: why,
      detail: firstLine(words.replace(/p[0-9a-f]{18}-ask/g, "\n")),
    });
  if (/must have a tty|terminal is required to/.test(words)) return refuse("needs-terminal");
  if (reason === "needed")
    return new AppError("sudo-refused", { host, reason: "password-needed", detail: "" });
  if (reason === "wrong" || /incorrect password|Sorry, try again/.test(words))
    return refuse("password-wrong");
  if (/not allowed|not in the sudoers|may not run/.test(words)) return refuse("not-allowed");
  if (code === 127 || /not found/.test(words)) return refuse("not-installed");
  return refuse("failed");
}

function lastLine(text: string): string {
  return firstLine(
    text
      .split(/[\r\n]+/)
      .reverse()
      .join("\n"),
  );
}
