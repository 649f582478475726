// A consumer that systemd runs: the kubelet, an etcd without a manifest.
// INPUTS: systemctl show, /proc/stat. OUTPUTS: systemctl stop, restart.
import { AppError } from "../../core/model/errors.ts";
import type { ConsumerDriver, ConsumerObservation } from "./consumer-driver.ts";
import { complaintOf, type CommandResult, type RunCommand } from "./run-command.ts";

export interface SystemdOptions {
  readonly consumer: string;
  /** `kubelet.service`. */
  readonly unit: string;
  /** Path of systemctl. */
  readonly program: string;
  readonly run: RunCommand;
  /** When the system came up, ms since the epoch. */
  readonly bootAt: number;
}

const askTimeoutMs = 15_000;

const properties = ["LoadState", "ActiveState", "MainPID", "ExecMainStartTimestampMonotonic"] as const;

export interface UnitState {
  readonly isLoaded: boolean;
  readonly isMasked: boolean;
  readonly activeState: string;
  readonly mainPid: number;
  /** µs since the system came up; 0 when it never started. */
  readonly startedMicroseconds: number;
}

/** `NAME=VALUE` lines of `systemctl show`; old systemd leaves out what it does not know. */
export function parseUnit(output: string): UnitState {
  const values = new Map(
    output.split("\n").flatMap((line): [string, string][] => {
      const equals = line.indexOf("=");
      return equals > 0 ? [[line.slice(0, equals), line.slice(equals + 1).trim()]] : [];
    }),
  );
  const load = values.get("LoadState") ?? "";
  return {
    isLoaded: load === "loaded" || load === "masked",
    isMasked: load === "masked",
    activeState: values.get("ActiveState") ?? "",
    mainPid: Number(values.get("MainPID") ?? 0),
    startedMicroseconds: Number(values.get("ExecMainStartTimestampMonotonic") ?? 0),
  };
}

/** Whether there is such a unit. Throws `command-failed` when systemd does not answer. */
export async function hasUnit(options: Omit<SystemdOptions, "bootAt">): Promise<boolean> {
  return (await showUnit(options)).isLoaded;
}

async function showUnit(
  { program, run, unit }: Pick<SystemdOptions, "program" | "run" | "unit">,
  signal?: AbortSignal,
): Promise<UnitState> {
  const args = ["show", "--no-pager", "-p", properties.join(","), unit];
  const result = await run(program, args, { timeoutMs: askTimeoutMs, signal });
  if (result.code !== 0) {
    throw new AppError("command-failed", { command: `systemctl show ${unit}`, reason: complaintOf(result) });
  }
  return parseUnit(result.stdout);
}

export function systemdUnit(options: SystemdOptions): ConsumerDriver {
  const { consumer, unit, program, run, bootAt } = options;
  const through = `systemd ${unit}`;

  const show = (signal?: AbortSignal): Promise<UnitState> =>
    showUnit(options, signal).catch((error: unknown) => {
      if (!(error instanceof AppError) || error.code !== "command-failed") throw error;
      throw new AppError("process-unknowable", { consumer, tried: [error.message] }, { cause: error });
    });

  async function look(signal?: AbortSignal): Promise<ConsumerObservation> {
    const { activeState, mainPid, startedMicroseconds } = await show(signal);
    const isUp = mainPid > 0 && activeState !== "inactive" && activeState !== "failed";
    if (!isUp) return { through, instances: [] };
    const startedAt = startedMicroseconds > 0 ? Math.round(bootAt + startedMicroseconds / 1000) : null;
    const id = `${mainPid}@${startedMicroseconds}`;
    return { through, instances: [{ id, state: "running", startedAt, image: null, pid: mainPid }] };
  }

  const act = (args: readonly string[], seconds: number): Promise<CommandResult> =>
    run(program, args, { timeoutMs: seconds * 1000 });

  return {
    look: ({ signal } = {}) => look(signal),
    async stop({ graceSeconds, signal }) {
      const { instances } = await look(signal);
      if (instances.length === 0) throw new AppError("process-not-found", { consumer, through });
      signal?.throwIfAborted();
      const ids = instances.map(({ id }) => id);
      // systemd's own TimeoutStopSec decides when it kills; it may be longer than our grace.
      const result = await act(["stop", unit], graceSeconds + 120);
      const after = await look();
      if (after.instances.length === 0) return ids;
      const reason = result.code === 0 ? "it still runs" : complaintOf(result);
      throw new AppError("process-not-stopped", { consumer, through, ids, reason });
    },
    async revive({ timeoutSeconds, signal }) {
      signal?.throwIfAborted();
      // A unit that failed too often is not started again until its count is forgotten; no such failure is no fault.
      await act(["reset-failed", unit], 15);
      signal?.throwIfAborted();
      const result = await act(["restart", unit], timeoutSeconds);
      if (result.code === 0) return;
      throw new AppError("process-not-revived", { consumer, through, reason: complaintOf(result) });
    },
    startability: async () =>
      (await show()).isMasked ? { state: "cannot", why: "unit-masked" } : { state: "can" },
  };
}
