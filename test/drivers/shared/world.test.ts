// Keys of the thread pool and failpoints of the environment.
import { createPrivateKey, createPublicKey } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  failpointsFromEnvironment,
  systemClock,
  systemRandomness,
  threadPoolKeyGenerator,
} from "../../../src/drivers/shared/world.ts";

function of(text: string): ReturnType<typeof failpointsFromEnvironment> {
  return failpointsFromEnvironment({ PERENNIAL_FAILPOINT: text });
}

describe("the key generator", () => {
  it.each([
    [{ kind: "rsa", bits: 2048 }, "pkcs1", { modulusLength: 2048, publicExponent: 65537n }],
    [{ kind: "ecdsa", curve: "P-256" }, "sec1", { namedCurve: "prime256v1" }],
    [{ kind: "ecdsa", curve: "P-384" }, "sec1", { namedCurve: "secp384r1" }],
    [{ kind: "ecdsa", curve: "P-521" }, "sec1", { namedCurve: "secp521r1" }],
    [{ kind: "ed25519" }, "pkcs8", {}],
  ] as const)("makes %j", async (spec, format, details) => {
    const key = await threadPoolKeyGenerator().generate(spec);
    expect({ spec: key.spec, format: key.format }).toEqual({ spec, format });
    expect(key.keyObject.asymmetricKeyDetails).toEqual(details);
    const again = createPrivateKey(key.keyObject.export({ type: "pkcs8", format: "pem" }));
    const spki = createPublicKey(again).export({ type: "spki", format: "der" });
    expect(key.spkiDer).toEqual(new Uint8Array(spki));
  });
});

describe("clock and randomness", () => {
  it("give milliseconds and as many bytes as asked for", () => {
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1000);
    expect(systemRandomness.bytes(32)).toHaveLength(32);
    expect(systemRandomness.bytes(32)).not.toEqual(systemRandomness.bytes(32));
  });
});

describe("failpoints of the environment", () => {
  it("do nothing without the variable", () => {
    expect(failpointsFromEnvironment({}).hit("run.after-swap")).toBeUndefined();
    expect(of("").hit("run.after-swap")).toBeUndefined();
  });

  it("throw at the named point and at no other", () => {
    const points = of("run.after-swap:throw");
    expect(points.hit("run.before-swap")).toBeUndefined();
    expect(() => points.hit("run.after-swap")).toThrow("failpoint run.after-swap");
  });

  it("count", () => {
    const points = of("run.after-swap:3:throw");
    expect([points.hit("run.after-swap"), points.hit("run.after-swap")]).toEqual([undefined, undefined]);
    expect(() => points.hit("run.after-swap")).toThrow("failpoint");
    expect(points.hit("run.after-swap")).toBeUndefined();
  });

  it("hold until the file is removed", async () => {
    const folder = mkdtempSync(join(tmpdir(), "perennial-hold-"));
    const file = join(folder, "hold");
    let isOver = false;
    const held = Promise.resolve(of(`lock.after-claim:hold=${file}`).hit("lock.after-claim")).then(() => {
      isOver = true;
    });
    expect(existsSync(file)).toBe(true);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    expect(isOver).toBe(false);
    rmSync(file);
    await held;
    rmSync(folder, { recursive: true });
  });

  it.each(["run.after-swop", "run.after-swap:0", "run.after-swap:explode", "run.after-swap:hold="])(
    "refuse %s",
    (text) => {
      expect(() => of(text)).toThrow(expect.objectContaining({ code: "value-invalid" }));
    },
  );
});
