// What tests of several nodes ask of them.
import { expect } from "vitest";
import { firstCertificate } from "./memory-live.ts";
import type { ManyWorld } from "./many-world.ts";
import { type ManyScene, masterConsumers, presented } from "./many-tiny.ts";
import { leaks, mismatches } from "./tiny-checks.ts";

/** Everything runs, is well and has in memory what lies on the disk; no pair is torn, nothing is left over, no key is where it should not be. */
export function expectRunning({ many }: ManyScene): void {
  const found = [...many.lives].flatMap(([node, live]) =>
    consumersOf(many, node).map((name) => [
      node,
      name,
      live.isWell(name),
      live.holds(name, presented[name] ?? "") === storedSerial(many, node, presented[name] ?? ""),
    ]),
  );
  expect(found.filter(([, , isWell, isSame]) => isWell !== true || isSame !== true)).toEqual([]);
  expectWhole(many);
}

export function expectWhole(many: ManyWorld): void {
  for (const [node, world] of many.nodes) {
    expect([node, mismatches(world)]).toEqual([node, []]);
    expect([node, leaks(world)]).toEqual([node, []]);
  }
  expect(leaks(many.operator)).toEqual([]);
  expect(many.temporaries()).toEqual([]);
}

export function consumersOf(many: ManyWorld, node: string): readonly string[] {
  return many.masters.includes(node) ? masterConsumers : ["kubelet"];
}

export function storedSerial(many: ManyWorld, node: string, path: string): string {
  const file = many.world(node).files.get(path);
  if (!file) throw new TypeError(`no ${path} on ${node}`);
  return firstCertificate(file.bytes).serialHex;
}

/** Nodes of log lines, each once, in order. */
export function onNodes(lines: readonly string[]): readonly string[] {
  return [...new Set(lines.map((line) => line.split(" ")[0] ?? ""))];
}

/** Nodes whose processes were restarted, in order. */
export function nodesBegun(many: ManyWorld): readonly string[] {
  return onNodes(many.log.filter((line) => / (stop|revive) /.test(line)));
}
