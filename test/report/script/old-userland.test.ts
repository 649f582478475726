// The script on a host of 2015: busybox' programs, an openssl that knows no word later than 1.0.2, a sync that takes no file.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Plan } from "../../../src/core/model/plan.ts";
import { renderScript } from "../../../src/report/script/render-script.ts";
import { fixture } from "../../support/fixtures.ts";
import { oldUserland } from "../../support/old-userland.ts";
import { planFor, withRestart } from "../../support/script-plan.ts";
import { faultsOf, runScript, shapesOf, withText } from "../../support/script-run.ts";
import { startFakeRuntime } from "../../support/script-runtime.ts";
import { snapshotTree } from "../../support/tree.ts";

const bin = oldUserland();

/** As it is, the script looks in the usual folders too, where this machine has its own programs. */
const within = (script: string): string => script.replace(/^export PATH=.*$/m, "");
const old = { shell: "busybox", path: bin } as const;

describe("the old programs", () => {
  const openssl = (...words: readonly string[]): string => {
    try {
      return execFileSync(join(bin, "openssl"), words, {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      });
    } catch (error) {
      return String((error as { readonly stderr: unknown }).stderr);
    }
  };

  it("refuse what came later", () => {
    expect(openssl("x509", "-ext", "subjectAltName")).toBe("unknown option -ext\n");
    expect(openssl("req", "-addext", "a")).toBe("unknown option -addext\n");
    expect(openssl("genrsa", "-traditional", "2048")).toBe("unknown option -traditional\n");
    expect(openssl("storeutl")).toContain("is an invalid command");
    expect(() => execFileSync(join(bin, "sync"), ["file"], { stdio: "ignore" })).toThrow();
  });
});

describe("the script with old programs", () => {
  it.each(["RSA-2048", "ECDSA-P256"] as const)(
    "renews an RSA control plane with %s keys as planned, and undoes it",
    { timeout: 900_000 },
    async (keyAlgorithm) => {
      const root = fixture("kubeadm-ha-expired/m1");
      const [before, shapes] = [snapshotTree(root), shapesOf(root)];
      const names = ["apiserver-etcd-client", "scheduler.conf"];
      const script = within(renderScript(await planFor(root, { names, keyAlgorithm }), { lang: "en" }));
      const applied = await runScript(script, ["apply", "--yes"], old);
      expect(applied, applied.text).toMatchObject({ code: 0 });
      expect(await faultsOf(root, names)).toEqual([]);
      expect(shapesOf(root)).toEqual(shapes);
      const key = readFileSync(join(root, "etc/kubernetes/pki/apiserver-etcd-client.key"), "utf8");
      expect(key).toContain(keyAlgorithm === "RSA-2048" ? "BEGIN RSA PRIVATE KEY" : "BEGIN EC PRIVATE KEY");
      expect(await runScript(script, ["undo", "--yes"], old)).toMatchObject({ code: 0 });
      expect(snapshotTree(root)).toEqual(before);
    },
  );

  it("leaves no seed in the home folder, and none behind", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const home = mkdtempSync(join(tmpdir(), "home-"));
    const script = within(renderScript(await planFor(root, { names: ["apiserver"] }), { lang: "en" }));
    const environment = { HOME: home };
    expect(await runScript(script, ["apply", "--yes"], { ...old, environment })).toMatchObject({ code: 0 });
    expect(readdirSync(home)).toEqual([]);
    const state = join(root, "var/lib/perennial");
    expect(readdirSync(state, { recursive: true }).filter((name) => String(name).endsWith("random"))).toEqual(
      [],
    );
  });

  it("restarts and proves what is served", { timeout: 900_000 }, async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const runtime = await startFakeRuntime(root);
    afterAll(() => runtime.close());
    const plan = withRestart(await planFor(root, { names: ["apiserver"] }), runtime.port);
    const script = within(renderScript(plan, { lang: "en" }));
    const options = { ...old, path: `${runtime.folder}:${bin}`, environment: runtime.environment };
    const applied = await runScript(script, ["apply", "--yes"], options);
    expect(applied, applied.text).toMatchObject({ code: 0 });
    expect(runtime.asked.at(-1)).toMatch(/^DELETE /);
  });

  it("changes nothing where an address of IPv6 has to be dialled", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const before = snapshotTree(root, []);
    const ipv4 = withRestart(await planFor(root, { names: ["apiserver"] }), 6443);
    const plan = JSON.parse(JSON.stringify(ipv4).replaceAll('"host":"127.0.0.1"', '"host":"::1"')) as Plan;
    const script = within(renderScript(plan, { lang: "en" }));
    for (const words of [["check"], ["apply", "--yes"]]) {
      const refused = await runScript(script, words, old);
      expect(refused).toMatchObject({ code: 1 });
      expect(refused.text).toContain("this openssl cannot dial IPv6 addresses");
    }
    expect(snapshotTree(root, [])).toEqual(before);
    expect(await runScript(script, ["check"])).toMatchObject({ code: 0 });
  });

  it("makes a client certificate for etcd's snapshot that its CA has signed", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const runtime = await startFakeRuntime(root);
    runtime.close();
    const plan = withRestart(await planFor(root, { names: ["apiserver"] }), runtime.port);
    const work = mkdtempSync(join(tmpdir(), "snapshot-"));
    const pki = "/etc/kubernetes/pki/etcd";
    const commands = `
W=${work} ROOT=${root} etcd_name=root etcd_ca=${pki}/ca.crt etcd_key=${pki}/ca.key
export RANDFILE=/dev/null
snapshot_client
`;
    const script = withText(within(renderScript(plan, { lang: "en" })), 'main "$@"\n', commands);
    const made = await runScript(script, [], old);
    expect(made, made.text).toMatchObject({ code: 0 });
    const certificate = join(work, "snapshot.crt");
    expect(existsSync(dirname(certificate))).toBe(true);
    const verify = ["verify", "-purpose", "sslclient", "-CAfile", join(root, pki, "ca.crt"), certificate];
    expect(execFileSync("openssl", verify, { encoding: "utf8" })).toContain(": OK");
  });
});
