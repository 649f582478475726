// Recipients as operators give them: right ones are taken, wrong ones are named, secrets are never repeated.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { AppError } from "../../../src/core/model/errors.ts";
import { readRecipients } from "../../../src/drivers/archive/recipients.ts";
import { person } from "../../support/age.ts";
import { freshFolder } from "../../support/fixtures.ts";

function fileOf(text: string): string {
  const path = join(freshFolder(), "recipients.txt");
  writeFileSync(path, text);
  return path;
}

async function refusal(given: string): Promise<AppError<"recipient-invalid">["params"]> {
  const error: unknown = await readRecipients([given]).catch((caught: unknown) => caught);
  if (!(error instanceof AppError) || error.code !== "recipient-invalid") throw error;
  expect(error.cause instanceof Error && error.cause.message.includes("age1")).toBe(false);
  return (error as AppError<"recipient-invalid">).params;
}

describe("recipients", () => {
  it("are given as they are, or in files with comments, each once", async () => {
    const [a, b, c] = [await person(), await person(), await person("hybrid")];
    const file = fileOf(`# ops\r\n\n  ${b.recipient}  \n${c.recipient}\n${a.recipient}\n`);
    expect(await readRecipients([a.recipient, file])).toEqual([a.recipient, b.recipient, c.recipient]);
  });

  it("with a wrong, missing or additional letter are refused", async () => {
    const { recipient } = await person();
    const last = recipient.endsWith("q") ? "p" : "q";
    for (const given of [
      recipient.slice(0, -1) + last,
      recipient.slice(0, -1),
      `${recipient}q`,
      "age1",
      "age1B",
    ]) {
      expect(await refusal(given)).toEqual({ given, from: "", problem: "damaged" });
    }
  });

  it("of small order, which anybody could read, are refused", async () => {
    // Bech32 of 32 zero bytes.
    const given = `age1${"q".repeat(52)}`;
    expect((await refusal(given)).problem).toBe("damaged");
  });

  it("that are secret keys are refused and not repeated, wherever they stand", async () => {
    const { identity } = await person();
    expect(await refusal(identity)).toEqual({ given: "", from: "", problem: "identity" });
    expect(await refusal(identity.toLowerCase())).toEqual({ given: "", from: "", problem: "identity" });
    const file = fileOf(`# created: 2026\n${identity}\n`);
    expect(await refusal(file)).toEqual({ given: "", from: `${file}:2`, problem: "identity" });
  });

  it("of other kinds are refused by name", async () => {
    const ssh =
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN alice@example.com";
    expect((await refusal(ssh)).problem).toBe("ssh");
    expect(
      (await refusal("age1yubikey1q2w7u3vpya839jxxuq8g0sedh3d740d4xvn639sqhr95ejj8vu3hyfumptt")).problem,
    ).toBe("plugin");
    expect((await refusal("ops.txt")).problem).toBe("not-a-recipient");
    expect((await refusal(freshFolder())).problem).toBe("file-unreadable");
    expect((await refusal(fileOf("# nobody\n\n"))).problem).toBe("file-empty");
    const file = fileOf("hunter2\n");
    expect(await refusal(file)).toEqual({ given: "", from: `${file}:1`, problem: "not-a-recipient" });
  });
});
