// The life of a lock's holder, asked through a shell: the same answers as this machine gives of itself.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { remoteLife } from "../../../../src/drivers/shared/remote/process-life.ts";
import { parseStat, systemProcesses } from "../../../../src/drivers/shared/processes.ts";
import { hasShell, openLocalShell, type ShellName } from "../../../support/local-shell.ts";

const self = systemProcesses({}).self();

describe.each<ShellName>(["dash", "bash", "busybox"])("the holder of a lock, asked with %s", (shell) => {
  const host = openLocalShell({ shell });
  afterAll(() => host.close());

  it.skipIf(!hasShell(shell))("is alive while he runs, and dead once he does not", async () => {
    expect(await remoteLife(host, self)).toBe("alive");
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    await once(child, "spawn");
    const pid = child.pid ?? 0;
    const start = parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"))?.start ?? "";
    const actor = { ...self, pid, processStart: start };
    expect(await remoteLife(host, actor)).toBe("alive");
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await remoteLife(host, actor)).toBe("dead");
    expect(await remoteLife(host, { ...self, processStart: "1" })).toBe("dead");
    expect(await remoteLife(host, { ...self, bootId: "earlier" })).toBe("dead");
    expect(await remoteLife(host, { ...self, host: "laptop" })).toBe("unknown");
  });

  it.skipIf(!hasShell(shell))(
    "is unknown when the record names no process, and nothing of it is run",
    async () => {
      const mark = join(mkdtempSync(join(tmpdir(), "life-")), "mark");
      const hostile = JSON.parse(JSON.stringify({ ...self, pid: `1; touch ${mark}` }));
      expect(await remoteLife(host, hostile)).toBe("unknown");
      expect(existsSync(mark)).toBe(false);
      expect(await remoteLife(host, { ...self, pid: 0 })).toBe("unknown");
    },
  );
});
