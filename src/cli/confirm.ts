// Who answers before anything is changed: a person at a terminal, or `--yes`.
import { AppError } from "../core/model/errors.ts";
import type { Plan } from "../core/model/plan.ts";
import { cliMessages } from "../report/cli-messages.ts";
import { safeText } from "../report/escape.ts";
import { messagesFor } from "../report/messages.ts";
import { shellQuote } from "../report/shell.ts";
import type { Io } from "./io.ts";

export interface Asked {
  readonly isYes: boolean;
  readonly command: string;
  /** The command that shows what would be done; without it that stands above. */
  readonly look?: string;
  readonly io: Io;
}

/** What was put together and not copied is a guess that only a person can confirm. */
export async function confirmReconstructed(plan: Plan, how: Asked): Promise<void> {
  const slots = plan.notices.flatMap((notice) => (notice.code === "reconstructed" ? notice.slots : []));
  if (slots.length === 0) return;
  const { comma } = messagesFor(how.io.lang).check;
  const names = slots.map((slot) => safeText(slot.slice(slot.indexOf("/") + 1))).join(comma);
  await confirm(cliMessages(how.io.lang).ask.reconstructed(names), how);
}

/** Without a terminal there is nobody to ask: `--yes` must be given. */
export async function confirm(question: string, { isYes, command, look = "", io }: Asked): Promise<void> {
  if (isYes) return;
  if (!io.isInteractive)
    throw new AppError("confirmation-needed", { command, look, typed: io.words.map(shellQuote).join(" ") });
  // A plan that nobody could read is not asked about.
  const cause = io.unwritten();
  if (cause !== null) throw new AppError("output-lost", { cause, work: "not-begun", hasJournal: false });
  const answer = await io.ask(question);
  if (answer.trim() !== "yes") throw new AppError("declined", { command });
}
