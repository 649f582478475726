// One object that a plan writes, with how its bytes are made.
import type { Address } from "../model/address.ts";
import type { Content } from "../model/plan.ts";
import type { ObjectFacts } from "../policy/facts.ts";

export interface Written {
  readonly address: string;
  readonly facts: ObjectFacts;
  readonly content: Content;
  readonly isKey: boolean;
}

/** What is not there and will be made with this mode; owned like its neighbour, by root without one. */
export function absentObject(address: Address, mode: number, like?: ObjectFacts): ObjectFacts {
  const { uid, gid } = like ?? { uid: 0, gid: 0 };
  return { address, sha256: "absent", size: 0, mode, uid, gid, link: null, linkLeavesTree: false };
}
