// The runbook: every step once, and its commands do on a real tree what they say.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync, mkdirSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Plan } from "../../src/core/model/plan.ts";
import { allSteps } from "../../src/core/plan/steps.ts";
import { renderRunbook, runbookStepIds } from "../../src/report/plan-runbook.ts";
import { expiredAuthority, fullPlan, objects, samplePlan } from "./plan-samples.ts";
import { hostile } from "./samples.ts";
import { localNode } from "../../src/app/local-node.ts";
import { planRenewal } from "../../src/app/renewal.ts";
import { systemProcesses } from "../../src/drivers/shared/processes.ts";
import { openStateDirectory } from "../../src/drivers/shared/state-directory.ts";
import { acquireLock, type LockPorts } from "../../src/engine/lock.ts";
import { stepsByKind } from "../../src/engine/phases.ts";
import { runCli } from "../support/cli.ts";
import { fixture } from "../support/fixtures.ts";
import { renewRequest } from "../support/renew-request.ts";
import { snapshotTree } from "../support/tree.ts";

const now = Date.UTC(2026, 10, 22, 16);

const work = mkdtempSync(join(tmpdir(), "perennial-runbook-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

function sh(script: string, cwd = work): string {
  return execFileSync("sh", ["-c", `exec 2>&1\n${script}`], {
    cwd,
    encoding: "utf8",
    env: { ...process.env, HOME: work },
  });
}

function hasTools(): boolean {
  try {
    sh("command -v openssl && command -v awk && command -v sha256sum && command -v kubectl");
    return true;
  } catch {
    return false;
  }
}

/** A small control plane made by openssl: CA, apiserver pair, admin.conf with embedded data. */
function makeTree(root: string): void {
  const pki = join(root, "etc/kubernetes/pki");
  mkdirSync(pki, { recursive: true });
  writeFileSync(
    join(pki, "ext"),
    "keyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:m1,IP:10.96.0.1,IP:::1\n",
  );
  sh(
    `openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=kubernetes -days 3650
openssl req -newkey rsa:2048 -nodes -keyout apiserver.key -out a.csr -subj /CN=kube-apiserver
openssl x509 -req -in a.csr -CA ca.crt -CAkey ca.key -set_serial 7 -days 1 -extfile ext -out apiserver.crt
openssl req -newkey rsa:2048 -nodes -keyout d.key -out d.csr -subj /O=system:masters/CN=kubernetes-admin
openssl x509 -req -in d.csr -CA ca.crt -CAkey ca.key -set_serial 8 -days 1 -out d.crt
kubectl config set-credentials kubernetes-admin --kubeconfig ../admin.conf --embed-certs --client-certificate d.crt --client-key d.key`,
    pki,
  );
}

function hashesOf(root: string): Record<string, string> {
  return Object.fromEntries(
    Object.values(objects).map((address) => {
      const bytes = readFileSync(join(root, address.replace("file:m1:", "")));
      return [address, createHash("sha256").update(bytes).digest("hex")];
    }),
  );
}

/** Shell blocks of the sections, without the undo blocks. */
function commandsIn(markdown: string, isUndo = false): string {
  const blocks = [...markdown.matchAll(/(^- \*\*Undo\*\*:\n\n)?^```sh\n([\s\S]*?)\n^```$/gm)];
  return blocks
    .filter((block) => (block[1] !== undefined) === isUndo)
    .map((block) => block[2] ?? "")
    .join("\n");
}

function runbookFor(root: string): { readonly plan: Plan; readonly markdown: string } {
  const plan = samplePlan({ root }, hashesOf(root));
  const markdown = renderRunbook(plan, { lang: "en" });
  return { plan, markdown };
}

describe("the runbook", () => {
  it.each(["en", "zh"] as const)("holds every step of the plan exactly once, in order (%s)", (lang) => {
    const plan = samplePlan();
    expect(runbookStepIds(renderRunbook(plan, { lang }))).toEqual(allSteps(plan).map((step) => step.id));
    expect(allSteps(plan).length).toBe(13);
  });

  it("makes no key where the key is kept", () => {
    const markdown = renderRunbook(samplePlan(), { lang: "en" });
    expect(markdown.match(/openssl genrsa -traditional/g)?.length).toBe(1);
    expect(markdown).toContain("client-key-data > m1_admin.conf.key");
  });

  it("offers no command when the plan is refused", () => {
    const markdown = renderRunbook(samplePlan({ refusals: [expiredAuthority], phases: [] }), { lang: "en" });
    expect(markdown).not.toContain("```");
    expect(markdown).toContain("## Refused");
  });

  it("keeps hostile names inside their place", () => {
    const markdown = renderRunbook(fullPlan(hostile), { lang: "zh" });
    expect(markdown).not.toMatch(/[\u001b\u202e\u200b]/);
    expect(markdown).not.toContain("<b>");
  });

  it.skipIf(!hasTools())(
    "renews a real tree when its commands are run, and restores it when undone",
    { timeout: 900_000 },
    () => {
      const root = join(work, "node");
      makeTree(root);
      const before = hashesOf(root);
      const { markdown } = runbookFor(root);
      const keepKeys = commandsIn(markdown).replace(/^rm -f \.\/.*$/m, "");
      const output = sh(keepKeys);
      expect(output).not.toContain("STOP");
      expect(output.match(/pair ok/g)?.length).toBe(4);
      expect(output.match(/extensions ok/g)?.length).toBe(2);
      expect(output).toContain("m1_apiserver ok");
      expect(output).toContain("m1_admin.conf ok");
      const text = sh("openssl x509 -in etc/kubernetes/pki/apiserver.crt -noout -text", root);
      expect(text).toContain("DNS:m1, IP Address:10.96.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:lb.example");
      const after = hashesOf(root);
      const changed = Object.keys(after).filter((address) => after[address] !== before[address]);
      expect(changed).toEqual([objects.key, objects.certificate, objects.admin]);
      expect(existsSync(join(root, "etc/kubernetes/pki/.perennial-by-hand-apiserver.crt"))).toBe(false);
      const undo = commandsIn(markdown, true)
        .split("\n")
        .filter((line) => line.startsWith("cp -p"));
      expect(undo.length).toBe(3);
      const helpers = /```sh\n(set -u[\s\S]*?)\n```/.exec(markdown)?.[1] ?? "";
      sh(`${helpers}\n${undo.join("\n")}`);
      expect(hashesOf(root)).toEqual(before);
    },
  );

  const options = { stateDirectory: null, allowLinksTo: [], environment: {} } as const;

  it("holds every step of a real plan exactly once, in the order in which the engine does them", async () => {
    const root = fixture("kubeadm-ha-expired/m1");
    const plan = await planRenewal(
      localNode({ ...options, root }),
      { id: null, params: {} },
      renewRequest,
      now,
    );
    const order = stepsByKind(plan).flatMap(({ steps }) => steps.map(({ id }) => id));
    expect(order.length).toBe(80);
    expect(new Set(order).size).toBe(80);
    for (const lang of ["en", "zh"] as const) {
      expect(runbookStepIds(renderRunbook(plan, { lang }))).toEqual(order);
    }
  });

  it.skipIf(!hasTools())(
    "renews a control plane with ECDSA keys, each in the PEM type it had",
    { timeout: 900_000 },
    async () => {
      const root = fixture("kubeadm-ecdsa-expired/m1");
      const plan = await planRenewal(
        localNode({ ...options, root }),
        { id: null, params: {} },
        renewRequest,
        Date.now(),
      );
      const types = (): string =>
        sh("grep -rh 'BEGIN .*PRIVATE KEY' etc/kubernetes/pki | sort | uniq -c", root);
      const before = types();
      const output = sh(commandsIn(renderRunbook(plan, { lang: "en" })));
      expect(output).not.toContain("STOP");
      expect(output.match(/extensions ok/g)?.length).toBe(
        plan.decisions.filter(({ action }) => action === "renew").length,
      );
      expect(output.match(/^lock (?:taken|released)$/gm)).toEqual(["lock taken", "lock released"]);
      expect(before).toContain("EC PRIVATE KEY");
      expect(types()).toBe(before);
      const { out } = await runCli(["check", "--root", root, "-o", "json"]);
      const { findings } = JSON.parse(out) as { findings: readonly { code: string; name: string }[] };
      expect(findings.filter(({ code }) => /expired|match|issuer|differs|broken/.test(code))).toEqual([]);
    },
  );

  it.skipIf(!hasTools()).each([
    { what: "after old certificates", bare: false },
    { what: "from flags, with a new front-proxy CA", bare: true },
  ])(
    "makes what is missing again $what, and takes it away when undone",
    { timeout: 900_000 },
    async ({ bare }) => {
      const root = fixture("kubeadm-half-done/m1");
      const backups = ["etc/kubernetes/pki.bak", "etc/kubernetes/conf_bak", "root/.kube"];
      if (bare) for (const path of backups) rmSync(join(root, path), { recursive: true });
      const before = snapshotTree(root);
      const plan = await planRenewal(
        localNode({ ...options, root }),
        { id: null, params: {} },
        {
          ...renewRequest,
          keyAlgorithm: "ECDSA-P256",
          recreateAuthorities: [{ name: "front-proxy-ca", anew: false }],
        },
        Date.now(),
      );
      expect(plan.refusals).toEqual([]);
      const markdown = renderRunbook(plan, { lang: "en" });
      expect(runbookStepIds(markdown)).toEqual(allSteps(plan).map(({ id }) => id));
      const output = sh(commandsIn(markdown));
      expect(output).not.toContain("STOP");
      expect(output.match(/^\S+ ok$/gm)?.filter((line) => line.startsWith("m1_")).length).toBe(
        allSteps(plan).filter(({ kind }) => kind === "prove").length,
      );
      const checked = await runCli(["check", "--root", root, "-o", "json"]);
      const { findings } = JSON.parse(checked.out) as {
        findings: readonly { severity: string; code: string }[];
      };
      expect(findings.filter(({ severity }) => severity === "critical")).toEqual([]);
      const helpers = /```sh\n(set -u[\s\S]*?)\n```/.exec(markdown)?.[1] ?? "";
      const undo = commandsIn(markdown, true)
        .split("\n")
        .filter((line) => line.includes("&& sync"));
      expect(undo.length).toBe(allSteps(plan).filter(({ kind }) => kind === "swap").length);
      sh(`${helpers}\n${undo.join("\n")}`);
      expect(snapshotTree(root)).toEqual(before);
    },
  );

  describe("its lock", () => {
    const helpersFor = (root: string): string => {
      const { markdown } = { markdown: renderRunbook(samplePlan({ root }), { lang: "en" }) };
      return /```sh\n(set -u[\s\S]*?)\n```/.exec(markdown)?.[1] ?? "";
    };
    const portsFor = (root: string): LockPorts => ({
      state: openStateDirectory(join(root, "var/lib/perennial")),
      processes: systemProcesses(),
      clock: { now: () => now, elapsedMs: () => 0 },
      failpoints: { hit: () => {} },
    });

    it("keeps the tool out until it is released", async () => {
      const root = join(work, "locked");
      expect(sh(`${helpersFor(root)}\ntake_lock`)).toBe("lock taken\n");
      await expect(acquireLock(portsFor(root), { what: "renew" })).rejects.toMatchObject({
        code: "locked",
        params: { pid: 0, host: "by hand", what: "runbook", alive: false },
      });
      expect(sh(`${helpersFor(root)}\nrelease_lock`)).toBe("lock released\n");
      const lock = await acquireLock(portsFor(root), { what: "renew" });
      expect(lock.token).toBe(2);
      await lock.release();
    });

    it("is refused while the tool holds its own, and taken when that is free again", async () => {
      const root = join(work, "held");
      const lock = await acquireLock(portsFor(root), { what: "renew" });
      expect(sh(`${helpersFor(root)}\ntake_lock || true`)).toMatch(
        /^STOP: the lock is held: .*"what":"renew"/,
      );
      expect(sh(`${helpersFor(root)}\nrelease_lock || true`)).toBe("STOP: the lock is not held by hand\n");
      await lock.release();
      expect(sh(`${helpersFor(root)}\ntake_lock`)).toBe("lock taken\n");
    });
  });
});
