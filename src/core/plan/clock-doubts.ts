// What speaks against the clock of a node: instants that have passed and that it has not reached, machines that say another time.
import { fileAddress, formatAddress } from "../model/address.ts";
import type { ClockWitness } from "../model/clock.ts";
import { assertNever } from "../model/errors.ts";
import type { Refusal } from "../model/refusal.ts";
import { type AuthorityFacts, type Facts, type SlotFacts, authorityOf } from "../policy/facts.ts";
import { refusal } from "./refusals.ts";

/** Clocks of one cluster differ by less, and new certificates begin so much earlier than they are made. */
const clockToleranceMs = 5 * 60_000;

/** `at` is what the clock says (ms). A clock that is ahead is known by other machines only: nothing on a disk is younger than it. */
export function clockDoubts(
  witnesses: readonly ClockWitness[],
  { node, at }: { readonly node: string; readonly at: number },
): readonly Refusal[] {
  return witnesses.flatMap((witness): readonly Refusal[] => {
    const slot = node;
    const detail = new Date(witness.at).toISOString();
    switch (witness.kind) {
      case "file": {
        if (witness.at <= at + clockToleranceMs) return [];
        const address = formatAddress(fileAddress(node, witness.path));
        return [{ code: "clock-behind-file", slot, address, detail }];
      }
      case "run":
        if (witness.at <= at + clockToleranceMs) return [];
        return [{ code: "clock-behind-run", slot, address: witness.run, detail }];
      case "peer":
        if (Math.abs(witness.at - witness.askedAt) <= clockToleranceMs) return [];
        return [{ code: "clock-differs", slot, address: witness.endpoint, detail }];
      default:
        return assertNever(witness);
    }
  });
}

/** The same of everything that was looked at for a plan. Empty when nobody was asked (`facts.clock` is absent). */
export function clockRefusals(facts: Facts): readonly Refusal[] {
  const { clock, at, inventory } = facts;
  if (clock === undefined) return [];
  const node = inventory.nodes[0]?.node ?? "";
  return [...clockDoubts(clock, { node, at }), ...futureAuthorities(facts), ...futureLeafs(facts)];
}

/** Below a CA that is not valid yet nothing is, whoever's clock was wrong. */
function futureAuthorities({ authorities, at }: Facts): readonly Refusal[] {
  return [...authorities.values()].flatMap(({ slot, signing }: AuthorityFacts) =>
    signing !== null && signing.notBefore > at + clockToleranceMs
      ? [refusal("clock-behind-certificate", slot, new Date(signing.notBefore).toISOString())]
      : [],
  );
}

/** One certificate that begins later may be a mistake of its issuer, and is renewed; several that were made here are not. */
function futureLeafs(facts: Facts): readonly Refusal[] {
  const future = [...facts.slots.values()].flatMap((slot) => {
    const begins = beginOf(facts, slot);
    return begins > facts.at + clockToleranceMs ? [{ slot, begins }] : [];
  });
  const [newest] = future.toSorted((a, b) => b.begins - a.begins);
  if (newest === undefined || future.length < 2) return [];
  return [refusal("clock-behind-certificate", newest.slot.slot, new Date(newest.begins).toISOString())];
}

/** Of a certificate whose issuer's key is on this node; everything else may come from another machine. */
function beginOf(facts: Facts, { slot, certificate }: SlotFacts): number {
  const isOwn = slot.management !== "copy" && authorityOf(facts, slot)?.key.state === "present";
  return isOwn && certificate.state === "present" ? certificate.value.leaf.notBefore : 0;
}
