// Reading kubeconfigs: the files of kubeadm, other people's files, and broken ones.
import { X509Certificate } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAppError } from "../../../src/core/model/errors.ts";
import { currentUser, parseKubeconfig } from "../../../src/core/kubeconfig/kubeconfig.ts";
import type { Kubeconfig } from "../../../src/core/kubeconfig/kubeconfig.ts";
import { base64, bytesOf, faultOf, pem, sample, textOf } from "./support.ts";

function read(text: string): Kubeconfig {
  return parseKubeconfig(bytesOf(text));
}

/** A kubeconfig with one user whose fields are `lines`, indented by four. */
function oneUser(...lines: readonly string[]): string {
  return `users:\n- name: u\n  user:\n${lines.map((line) => `    ${line}\n`).join("")}`;
}

const leaf = pem("leaf");
const embedded = { form: "embedded", pem: leaf };

describe("parseKubeconfig", () => {
  it("reads the admin.conf of kubeadm", () => {
    const kubeconfig = parseKubeconfig(sample("admin.conf"));
    expect(kubeconfig.currentContext).toBe("kubernetes-admin@kubernetes");
    expect(kubeconfig.contexts).toEqual([
      { name: "kubernetes-admin@kubernetes", cluster: "kubernetes", user: "kubernetes-admin" },
    ]);
    expect(kubeconfig.clusters.map(({ name, server }) => ({ name, server }))).toEqual([
      { name: "kubernetes", server: "https://lb.example.internal:6443" },
    ]);
    const [user] = kubeconfig.users;
    if (user?.certificate?.form !== "embedded" || user.key?.form !== "embedded")
      throw new Error("not embedded");
    expect(new X509Certificate(user.certificate.pem).subject).toBe("O=system:masters\nCN=kubernetes-admin");
    expect(textOf(user.key.pem)).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/);
    expect(user.other).toEqual([]);
  });

  it("reads the kubelet.conf of kubeadm, whose certificate and key are one file", () => {
    const path = "/var/lib/kubelet/pki/kubelet-client-current.pem";
    expect(parseKubeconfig(sample("kubelet.conf")).users).toEqual([
      { name: "system:node:m1", certificate: { form: "file", path }, key: { form: "file", path }, other: [] },
    ]);
  });

  it("reads the scheduler.conf of kubeadm", () => {
    const user = currentUser(parseKubeconfig(sample("scheduler.conf")));
    if (user?.certificate?.form !== "embedded") throw new Error("not embedded");
    expect(new X509Certificate(user.certificate.pem).subject).toBe(`CN=${user.name}`);
    expect(user.name).toBe("system:kube-scheduler");
  });

  it("reads JSON", () => {
    const document = {
      kind: "Config",
      apiVersion: "v1",
      "current-context": "c",
      contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
      clusters: [{ name: "k", cluster: { server: "https://h:6443", "certificate-authority": "ca.crt" } }],
      users: [{ name: "u", user: { "client-certificate-data": base64(leaf), "client-key": "k.pem" } }],
    };
    const expected: Kubeconfig = {
      currentContext: "c",
      contexts: [{ name: "c", cluster: "k", user: "u" }],
      clusters: [{ name: "k", server: "https://h:6443", authority: { form: "file", path: "ca.crt" } }],
      users: [
        {
          name: "u",
          certificate: { form: "embedded", pem: leaf },
          key: { form: "file", path: "k.pem" },
          other: [],
        },
      ],
    };
    expect(read(JSON.stringify(document))).toEqual(expected);
    expect(read(JSON.stringify(document, undefined, "\t"))).toEqual(expected);
  });

  it.each<[string, string]>([
    ["plain", oneUser(`client-certificate-data: ${base64(leaf)}`)],
    ["in single quotes", oneUser(`client-certificate-data: '${base64(leaf)}'`)],
    ["in double quotes", oneUser(`client-certificate-data: "${base64(leaf)}"`)],
    [
      "in a literal block of several lines",
      oneUser(
        "client-certificate-data: |",
        ...base64(leaf)
          .match(/.{1,20}/g)!
          .map((line) => `  ${line}`),
      ),
    ],
    ["in a folded block of one line", oneUser("client-certificate-data: >-", `  ${base64(leaf)}`)],
    ["in a flow mapping", `users: [{name: u, user: {client-certificate-data: ${base64(leaf)}}}]`],
    ["with a comment behind", oneUser(`client-certificate-data: ${base64(leaf)} # admin`)],
    ["with CRLF", oneUser(`client-certificate-data: ${base64(leaf)}`).replaceAll("\n", "\r\n")],
    [
      "in a literal block with CRLF",
      oneUser("client-certificate-data: |", `  ${base64(leaf)}`).replaceAll("\n", "\r\n"),
    ],
    ["with a byte order mark", `\u{feff}${oneUser(`client-certificate-data: ${base64(leaf)}`)}`],
    [
      "with a path beside it, which loses",
      oneUser("client-certificate: /a.crt", `client-certificate-data: ${base64(leaf)}`),
    ],
    ["tagged as text", oneUser(`client-certificate-data: !!str ${base64(leaf)}`)],
    ["through an alias", `x: &x ${base64(leaf)}\n${oneUser("client-certificate-data: *x")}`],
    ["through a merge key", `x: &x {client-certificate-data: ${base64(leaf)}}\n${oneUser("<<: *x")}`],
  ])("reads a certificate %s", (_, text) => {
    expect(read(text).users).toEqual([{ name: "u", certificate: embedded, key: undefined, other: [] }]);
  });

  it("takes empty data for none and falls back to the path, as client-go does", () => {
    expect(
      read(oneUser('client-certificate-data: ""', "client-certificate: a.crt")).users[0]?.certificate,
    ).toEqual({ form: "file", path: "a.crt" });
    expect(
      read(oneUser("client-certificate-data:", "client-certificate: ''")).users[0]?.certificate,
    ).toBeUndefined();
  });

  it("models a certificate by value with a key by file", () => {
    expect(read(oneUser(`client-certificate-data: ${base64(leaf)}`, "client-key: u.key")).users).toEqual([
      { name: "u", certificate: embedded, key: { form: "file", path: "u.key" }, other: [] },
    ]);
  });

  it("lists other ways to authenticate without their secrets", () => {
    const text = oneUser(
      "token: s3cret",
      "tokenFile: /t",
      "exec: {command: x}",
      "auth-provider: {name: oidc}",
      "username: a",
      "password: s3cret",
    );
    const kubeconfig = read(text);
    expect(kubeconfig.users[0]?.other).toEqual(["token", "tokenFile", "exec", "auth-provider", "username"]);
    expect(JSON.stringify(kubeconfig)).not.toContain("s3cret");
    expect(read(oneUser("token: ''", "exec: null")).users[0]?.other).toEqual([]);
  });

  it("keeps names that YAML takes for numbers, and names of any characters", () => {
    const names = ["1e3", "'a: b'", '"quoted \\" \\u00e9"', "system:node:m1", "'#'", "中文", "a@b/c"];
    const text = `users:\n${names.map((name) => `- {name: ${name}, user: {}}`).join("\n")}\n`;
    expect(read(text).users.map(({ name }) => name)).toEqual([
      "1e3",
      "a: b",
      'quoted " é',
      "system:node:m1",
      "#",
      "中文",
      "a@b/c",
    ]);
  });

  it("reads a file without any of the lists", () => {
    expect(read("apiVersion: v1\nkind: Config\nusers: null\n")).toEqual({
      contexts: [],
      clusters: [],
      users: [],
    });
  });

  it.each<[string, string]>([
    ["", "empty"],
    ["# only a comment\n", "empty"],
    ["just text", "the document is not a mapping"],
    ["- a\n", "the document is not a mapping"],
    ["kind: Pod\n", "kind is not Config"],
    ["kind: Config\n---\nkind: Config\n", "more than one document"],
    ["users: {a: b}\n", "users is not a list"],
    ["users: [a]\n", "users[0] is not a mapping"],
    ["users:\n- user: {}\n", "users[0] has no name"],
    ["users:\n- name: [a]\n", "users[0] name is not text"],
    ["users:\n- name: u\n  user: text\n", "users[0].user is not a mapping"],
    ["users:\n- {name: u, user: {}}\n- {name: u, user: {}}\n", "users has the name u twice"],
    ["clusters: [{name: k}, {name: l}, {name: k}]\n", "clusters has the name k twice"],
    ["contexts: [{name: c}, {name: c}]\n", "contexts has the name c twice"],
    [oneUser("client-certificate-data: '@@@@'"), "users[0] client-certificate-data is not base64"],
    [oneUser("client-certificate-data: QUJD QUJD"), "users[0] client-certificate-data is not base64"],
    [
      oneUser("client-certificate-data: >-", "  QUJD", "  QUJD"),
      "users[0] client-certificate-data is not base64",
    ],
    [oneUser("client-certificate-data: QUJ"), "users[0] client-certificate-data is not base64"],
    [oneUser("client-certificate-data: QU=D"), "users[0] client-certificate-data is not base64"],
    [oneUser("client-key-data: QUJ-"), "users[0] client-key-data is not base64"],
    [oneUser("client-key-data: {a: b}"), "users[0] client-key-data is not text"],
    [
      "clusters: [{name: k, cluster: {certificate-authority-data: '*'}}]",
      "clusters[0] certificate-authority-data is not base64",
    ],
  ])("refuses %j: %s", (text, reason) => {
    expect(faultOf(() => read(text))).toEqual({ code: "kubeconfig-malformed", params: { reason } });
  });

  it("refuses a key that occurs twice in a mapping", () => {
    const text = oneUser(
      `client-certificate-data: ${base64(leaf)}`,
      `client-certificate-data: ${base64(leaf)}`,
    );
    expect(faultOf(() => read(text))).toEqual({
      code: "yaml-malformed",
      params: { reason: "duplicate-key", line: 5 },
    });
  });

  it("throws nothing but its own errors on damaged files", () => {
    const original = sample("admin.conf");
    const damage = fc.record({
      at: fc.nat(original.length - 1),
      remove: fc.nat(30),
      insert: fc.uint8Array({ maxLength: 4 }),
    });
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (damages) => {
        let bytes = [...original];
        for (const { at, remove, insert } of damages) bytes = bytes.toSpliced(at, remove, ...insert);
        try {
          parseKubeconfig(new Uint8Array(bytes));
        } catch (error) {
          expect(isAppError(error, "yaml-malformed") || isAppError(error, "kubeconfig-malformed")).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("throws nothing but its own errors on any JSON", () => {
    const key = fc.constantFrom(
      "users",
      "user",
      "name",
      "clusters",
      "cluster",
      "contexts",
      "context",
      "kind",
      "client-certificate-data",
      "token",
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 6 },
        fc.constantFrom("Config", "", null, 1, true, "QUJD"),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(key, tie("value")),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(key, value), (document) => {
        try {
          read(JSON.stringify(document));
        } catch (error) {
          expect(isAppError(error, "yaml-malformed") || isAppError(error, "kubeconfig-malformed")).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("currentUser", () => {
  const contexts =
    "contexts:\n- {name: a, context: {user: u}}\n- {name: b, context: {user: v}}\n- {name: c, context: {user: gone}}\n- {name: d}\n";
  const users = "users:\n- {name: u, user: {}}\n- {name: v, user: {}}\n";

  it.each([
    ["b", "v"],
    ["a", "u"],
    ["c", undefined],
    ["d", undefined],
    ["none", undefined],
  ])("of the context %s is %s", (context, name) => {
    expect(currentUser(read(`current-context: ${context}\n${contexts}${users}`))?.name).toBe(name);
  });

  it("is none without a current context", () => {
    expect(currentUser(read(`${contexts}${users}`))).toBeUndefined();
  });
});
