// Splicing: exactly the wanted scalars change, every other byte stays.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAppError } from "../../../src/core/model/errors.ts";
import { parseKubeconfig } from "../../../src/core/kubeconfig/kubeconfig.ts";
import { spliceKubeconfig } from "../../../src/core/kubeconfig/splice.ts";
import type { KubeconfigEdits } from "../../../src/core/kubeconfig/splice.ts";
import { base64, bytesOf, faultOf, pem, sample, textOf } from "./support.ts";

const certificate = pem("new certificate");
const key = pem("new key");
const authority = pem("new authority");

function userEdit(name: string): KubeconfigEdits {
  return { users: [{ name, certificatePem: certificate, keyPem: key }] };
}

/** The text with each of `values` replaced once, from the left. */
function replaced(text: string, values: readonly (readonly [string, string])[]): string {
  return values.reduce((all, [from, to]) => all.replace(from, () => to), text);
}

describe("spliceKubeconfig on real files", () => {
  it("changes the certificate and key of admin.conf and nothing else, and back again", () => {
    const bytes = sample("admin.conf");
    const { users } = parseKubeconfig(bytes);
    const [old] = users;
    if (old?.certificate?.form !== "embedded" || old.key?.form !== "embedded")
      throw new Error("not embedded");
    const spliced = spliceKubeconfig(bytes, userEdit("kubernetes-admin"));
    const expected = replaced(textOf(bytes), [
      [base64(old.certificate.pem), base64(certificate)],
      [base64(old.key.pem), base64(key)],
    ]);
    expect(textOf(spliced)).toBe(expected);
    const back = { name: "kubernetes-admin", certificatePem: old.certificate.pem, keyPem: old.key.pem };
    expect(spliceKubeconfig(spliced, { users: [back] })).toEqual(bytes);
  });

  it("changes the authority of scheduler.conf alone", () => {
    const bytes = sample("scheduler.conf");
    const before = parseKubeconfig(bytes);
    const after = parseKubeconfig(
      spliceKubeconfig(bytes, { clusters: [{ name: "kubernetes", authorityPem: authority }] }),
    );
    expect(after).toEqual({
      ...before,
      clusters: [{ ...before.clusters[0], authority: { form: "embedded", pem: authority } }],
    });
  });

  it("refuses kubelet.conf, whose certificate is a file", () => {
    const edits = { users: [{ name: "system:node:m1", certificatePem: certificate }] };
    expect(faultOf(() => spliceKubeconfig(sample("kubelet.conf"), edits))).toEqual({
      code: "splice-unsafe",
      params: { reason: "user system:node:m1: client-certificate is a file, not embedded" },
    });
  });

  it("keeps a bundle of two authorities when only a user is edited", () => {
    const bundle = new Uint8Array([...pem("one"), ...pem("two")]);
    const bytes = spliceKubeconfig(sample("admin.conf"), {
      clusters: [{ name: "kubernetes", authorityPem: bundle }],
    });
    const after = parseKubeconfig(spliceKubeconfig(bytes, userEdit("kubernetes-admin")));
    expect(after.clusters[0]?.authority).toEqual({ form: "embedded", pem: bundle });
    expect(after.users[0]?.certificate).toEqual({ form: "embedded", pem: certificate });
  });

  it("returns the same bytes when they hold the wanted values already, however they are written", () => {
    const lines = base64(certificate)
      .match(/.{1,30}/g)!
      .map((line) => `      ${line}\n`)
      .join("");
    const bytes = bytesOf(`users:\n- name: u\n  user:\n    client-certificate-data: |\n${lines}`);
    expect(spliceKubeconfig(bytes, { users: [{ name: "u", certificatePem: certificate }] })).toBe(bytes);
    expect(spliceKubeconfig(bytes, {})).toBe(bytes);
  });

  it("edits a user that two contexts share once", () => {
    const text = `contexts:\n- {name: a, context: {user: u}}\n- {name: b, context: {user: u}}\nusers:\n- name: u # shared\n  user: {client-certificate-data: ${base64(pem("x"))}, client-key-data: ${base64(pem("y"))}}\n`;
    const spliced = textOf(spliceKubeconfig(bytesOf(text), userEdit("u")));
    expect(spliced).toBe(
      replaced(text, [
        [base64(pem("x")), base64(certificate)],
        [base64(pem("y")), base64(key)],
      ]),
    );
  });

  it("keeps a folded block, its header comment, its trailing blank lines and line ends", () => {
    const text = [
      "users:",
      "- name: u",
      "  user:",
      "    client-certificate-data: >2- # admin",
      "",
      `      ${base64(pem("x"))}`,
      "",
      "",
      "    token: t",
    ].join("\r\n");
    const spliced = textOf(
      spliceKubeconfig(bytesOf(text), { users: [{ name: "u", certificatePem: certificate }] }),
    );
    expect(spliced).toBe(text.replace(base64(pem("x")), base64(certificate)));
  });

  it("writes a literal block of several lines as one line at its indentation", () => {
    const text =
      "users:\n- name: u\n  user:\n    client-key-data: |+\n        QUJD\n        QUJD\n\n    client-certificate-data: QUJD\n";
    expect(textOf(spliceKubeconfig(bytesOf(text), userEdit("u")))).toBe(
      `users:\n- name: u\n  user:\n    client-key-data: |+\n        ${base64(key)}\n\n    client-certificate-data: ${base64(certificate)}\n`,
    );
  });

  it("edits JSON", () => {
    const text = JSON.stringify({
      users: [{ name: "u", user: { "client-certificate-data": "QUJD", "client-key-data": "QUJE" } }],
    });
    expect(textOf(spliceKubeconfig(bytesOf(text), userEdit("u")))).toBe(
      replaced(text, [
        ["QUJD", base64(certificate)],
        ["QUJE", base64(key)],
      ]),
    );
  });
});

describe("spliceKubeconfig refuses", () => {
  const reasons: readonly (readonly [string, string, string])[] = [
    ["an unknown user", "users: []\n", "there is no user u"],
    [
      "a user without a certificate",
      "users: [{name: u, user: {token: t}}]\n",
      "user u: client-certificate is absent, not embedded",
    ],
    [
      "a user without a mapping",
      "users: [{name: u}]\n",
      "user u: client-certificate is absent, not embedded",
    ],
    [
      "a key by file",
      "users: [{name: u, user: {client-certificate-data: QUJD, client-key: f}}]\n",
      "user u: client-key is a file, not embedded",
    ],
    [
      "an anchored value",
      "users: [{name: u, user: {client-certificate-data: &x QUJD, client-key-data: QUJD}}]\n",
      "user u: client-certificate-data stands behind an anchor, an alias or a merge key",
    ],
    [
      "an aliased value",
      "x: &x QUJD\nusers: [{name: u, user: {client-certificate-data: *x, client-key-data: QUJD}}]\n",
      "user u: client-certificate-data stands behind an anchor, an alias or a merge key",
    ],
    [
      "an aliased user",
      "x: &x {client-certificate-data: QUJD, client-key-data: QUJD}\nusers: [{name: u, user: *x}]\n",
      "user u: client-certificate-data stands behind an anchor, an alias or a merge key",
    ],
    [
      "a merged value",
      "x: &x {client-key-data: QUJD}\nusers: [{name: u, user: {client-certificate-data: QUJD, <<: *x}}]\n",
      "user u: client-key-data stands behind an anchor, an alias or a merge key",
    ],
    [
      "an anchored entry",
      "users: [&x {name: u, user: {client-certificate-data: QUJD, client-key-data: QUJD}}]\n",
      "user u: client-certificate-data stands behind an anchor, an alias or a merge key",
    ],
    [
      "an anchored list",
      "users: &x [{name: u, user: {client-certificate-data: QUJD, client-key-data: QUJD}}]\n",
      "user u: client-certificate-data stands behind an anchor, an alias or a merge key",
    ],
    [
      "an anchored root",
      "&x {users: [{name: u, user: {client-certificate-data: QUJD, client-key-data: QUJD}}]}\n",
      "user u: client-certificate-data stands behind an anchor, an alias or a merge key",
    ],
  ];

  it.each(reasons)("%s", (_, text, reason) => {
    expect(faultOf(() => spliceKubeconfig(bytesOf(text), userEdit("u")))).toEqual({
      code: "splice-unsafe",
      params: { reason },
    });
  });

  it("an unknown cluster", () => {
    const edits = { clusters: [{ name: "k", authorityPem: authority }] };
    expect(faultOf(() => spliceKubeconfig(sample("admin.conf"), edits)).params).toEqual({
      reason: "there is no cluster k",
    });
  });

  it("two users of one name", () => {
    const user = "{name: u, user: {client-certificate-data: QUJD, client-key-data: QUJD}}";
    expect(faultOf(() => spliceKubeconfig(bytesOf(`users: [${user}, ${user}]`), userEdit("u")))).toEqual({
      code: "kubeconfig-malformed",
      params: { reason: "users has the name u twice" },
    });
  });

  it("new bytes that are no PEM, and a field named twice, as mistakes of the caller", () => {
    const bytes = sample("admin.conf");
    const edit = { name: "kubernetes-admin", certificatePem: certificate };
    expect(() => spliceKubeconfig(bytes, { users: [{ ...edit, certificatePem: bytesOf("null") }] })).toThrow(
      new TypeError("the new client-certificate-data is not PEM"),
    );
    expect(() => spliceKubeconfig(bytes, { users: [edit, edit] })).toThrow(
      new TypeError("an edit names the same field twice"),
    );
  });
});

// A kubeconfig is generated as pieces: text that must stay, and slots whose content may change.

type Piece = string | Slot;
interface Slot {
  readonly list: "users" | "clusters";
  readonly name: string;
  readonly field: string;
  readonly content: string;
}

interface Layout {
  readonly style: "plain" | "single" | "double" | "literal" | "folded";
  readonly chomp: "" | "-" | "+";
  readonly comment: string;
  readonly extra: string;
  readonly order: boolean;
}

const layouts: fc.Arbitrary<Layout> = fc.record({
  style: fc.constantFrom("plain", "single", "double", "literal", "folded"),
  chomp: fc.constantFrom("", "-", "+"),
  comment: fc.constantFrom("", " # note", "   #: {tricky} 'x\"", "  "),
  extra: fc.constantFrom(
    "",
    "mode: 0644",
    "note: 'it''s: # no comment'",
    "extensions: [{a: b,c:   d} ]",
    "# a comment of its own",
  ),
  order: fc.boolean(),
});

const values = fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => pem(base64(bytes)));
const names = fc.constantFrom("admin", "system:node:m1", "a b", "中文", "it's", "100", "yes", "#x", "a: b");

interface Entry {
  readonly layout: Layout;
  readonly data: readonly Uint8Array[];
}

function quoted(name: string): string {
  return `'${name.replaceAll("'", "''")}'`;
}

function blockScalar(slot: Slot, layout: Layout, pad: string): readonly Piece[] {
  switch (layout.style) {
    case "plain":
      return [" ", slot, layout.comment, "\n"];
    case "single":
      return [" '", slot, `'${layout.comment}\n`];
    case "double":
      return ['   "', slot, `"${layout.comment}\n`];
    case "literal":
    case "folded":
    default: {
      const head = `${layout.style === "literal" ? "|" : ">"}${layout.chomp}`;
      return [` ${head}${layout.comment}\n${pad}  `, slot, "\n"];
    }
  }
}

function flowScalar(slot: Slot, layout: Layout): readonly Piece[] {
  const mark = layout.style === "plain" ? "" : layout.style === "single" ? "'" : '"';
  return [mark, slot, mark];
}

interface Shape {
  readonly list: "users" | "clusters";
  readonly flow: boolean;
  readonly indent: string;
}

function entryPieces(name: string, { layout, data }: Entry, { list, flow, indent }: Shape): readonly Piece[] {
  const fields =
    list === "users" ? ["client-certificate-data", "client-key-data"] : ["certificate-authority-data"];
  const slots = fields.map((field, index) => ({
    list,
    name,
    field,
    content: base64(data[index] ?? pem("none")),
  }));
  if (layout.order) slots.reverse();
  const what = list === "users" ? "user" : "cluster";
  if (flow) {
    const inner = slots.flatMap((slot) => [`${slot.field}: `, ...flowScalar(slot, layout), ", "]);
    return [`${indent}- {${what}: {`, ...inner, `x: [1,2 ]},   name: ${quoted(name)}}${layout.comment}\n`];
  }
  const pad = `${indent}    `;
  const inner = slots.flatMap((slot) => [`${pad}${slot.field}:`, ...blockScalar(slot, layout, pad)]);
  const extra = layout.extra === "" ? "" : `${pad}${layout.extra}\n`;
  const named = `name: ${quoted(name)}${layout.comment}\n`;
  if (layout.order)
    return [`${indent}- ${what}:\n`, extra, ...inner, extra === "" ? "" : "\n", `${indent}  ${named}`];
  return [`${indent}- ${named}${indent}  ${what}:${layout.comment}\n`, ...inner, extra];
}

const entries = fc.record({ layout: layouts, data: fc.array(values, { minLength: 2, maxLength: 2 }) });

const files = fc
  .record({
    users: fc.uniqueArray(fc.tuple(names, entries), {
      selector: ([name]) => name,
      minLength: 1,
      maxLength: 4,
    }),
    clusters: fc.uniqueArray(fc.tuple(names, entries), {
      selector: ([name]) => name,
      minLength: 1,
      maxLength: 2,
    }),
    indent: fc.constantFrom("", "  ", "    "),
    flow: fc.boolean(),
    crlf: fc.boolean(),
    bom: fc.boolean(),
    start: fc.constantFrom("", "# head\n\n", "---\n", "%YAML 1.1\n---\n"),
    finalNewline: fc.boolean(),
  })
  .map((file) => {
    const list = (kind: "users" | "clusters"): readonly Piece[] => [
      `${kind}:  # list\n`,
      ...file[kind].flatMap(([name, entry]) =>
        entryPieces(name, entry, { list: kind, flow: file.flow, indent: file.indent }),
      ),
    ];
    const head = `${file.start}apiVersion: v1\nkind: Config\n`;
    const tail = `contexts: []\npreferences: {}${file.finalNewline ? "\n" : ""}`;
    const pieces: readonly Piece[] = [
      file.bom ? "\u{feff}" : "",
      head,
      ...list("clusters"),
      "# between\n",
      ...list("users"),
      tail,
    ];
    return pieces.map((piece) =>
      typeof piece === "string" && file.crlf ? piece.replaceAll("\n", "\r\n") : piece,
    );
  });

/** Which slots get which new value. */
function render(pieces: readonly Piece[], change: (slot: Slot) => Uint8Array | undefined): Uint8Array {
  return bytesOf(
    pieces
      .map((piece) => {
        if (typeof piece === "string") return piece;
        const value = change(piece);
        return value ? base64(value) : piece.content;
      })
      .join(""),
  );
}

function editsOf(pieces: readonly Piece[], change: (slot: Slot) => Uint8Array | undefined): KubeconfigEdits {
  const slots = pieces.filter((piece) => typeof piece !== "string");
  const users = slots
    .filter(({ list }) => list === "users")
    .flatMap((slot) => {
      const value = change(slot);
      if (!value) return [];
      return [
        slot.field === "client-key-data"
          ? { name: slot.name, keyPem: value }
          : { name: slot.name, certificatePem: value },
      ];
    });
  const clusters = slots
    .filter(({ list }) => list === "clusters")
    .flatMap((slot) => {
      const value = change(slot);
      return value ? [{ name: slot.name, authorityPem: value }] : [];
    });
  return { users, clusters };
}

describe("spliceKubeconfig on files of any layout", () => {
  it("replaces exactly the content of the wanted scalars, reads back the new values, and undoes it", () => {
    fc.assert(
      fc.property(
        files,
        fc.array(fc.option(values, { nil: undefined }), { minLength: 12, maxLength: 12 }),
        (pieces, news) => {
          const slots = pieces.filter((piece) => typeof piece !== "string");
          const change = (slot: Slot): Uint8Array | undefined => news[slots.indexOf(slot)];
          const original = render(pieces, () => undefined);
          const spliced = spliceKubeconfig(original, editsOf(pieces, change));
          expect(textOf(spliced)).toBe(textOf(render(pieces, change)));
          const kubeconfig = parseKubeconfig(spliced);
          for (const slot of slots) {
            const wanted = base64(change(slot) ?? Buffer.from(slot.content, "base64"));
            const user = kubeconfig.users.find(({ name }) => name === slot.name);
            const cluster = kubeconfig.clusters.find(({ name }) => name === slot.name);
            const source =
              slot.list === "clusters"
                ? cluster?.authority
                : slot.field === "client-key-data"
                  ? user?.key
                  : user?.certificate;
            expect(source?.form === "embedded" ? base64(source.pem) : source).toBe(wanted);
          }
          const undo = (slot: Slot): Uint8Array | undefined =>
            change(slot) && Buffer.from(slot.content, "base64");
          expect(textOf(spliceKubeconfig(spliced, editsOf(pieces, undo)))).toBe(textOf(original));
        },
      ),
      { numRuns: 400 },
    );
  });

  it("throws nothing but its own errors on damaged files, and what it returns has the new values", () => {
    const damage = fc.record({
      at: fc.nat(2000),
      remove: fc.nat(6),
      insert: fc.constantFrom("", "'", '"', "|", "\n", "  ", "#", "&a ", "{", "- ", ": "),
    });
    fc.assert(
      fc.property(files, fc.array(damage, { maxLength: 3 }), values, (pieces, damages, value) => {
        let text = textOf(render(pieces, () => undefined));
        for (const { at, remove, insert } of damages)
          text = text.slice(0, at) + insert + text.slice(at + remove);
        const slot = pieces.find(
          (piece) => typeof piece !== "string" && piece.field === "client-certificate-data",
        );
        if (slot === undefined || typeof slot === "string") throw new Error("no slot");
        const edits = { users: [{ name: slot.name, certificatePem: value }] };
        try {
          const { users } = parseKubeconfig(spliceKubeconfig(bytesOf(text), edits));
          expect(users.find(({ name }) => name === slot.name)?.certificate).toEqual({
            form: "embedded",
            pem: value,
          });
        } catch (error) {
          const known = (["yaml-malformed", "kubeconfig-malformed", "splice-unsafe"] as const).some((code) =>
            isAppError(error, code),
          );
          if (!known) throw error;
        }
      }),
      { numRuns: 400 },
    );
  });
});
