// Where a node of a cluster file is, for people.
import type { Reach } from "../core/model/cluster.ts";

/** As it would be typed behind `ssh`. */
export function whereOf(reach: Reach): string {
  switch (reach.kind) {
    case "local":
      return "";
    case "root":
      return reach.root;
    case "ssh": {
      const user = reach.user === null ? "" : `${reach.user}@`;
      const host = reach.host.includes(":") && reach.port !== null ? `[${reach.host}]` : reach.host;
      return `${user}${host}${reach.port === null ? "" : `:${reach.port}`}`;
    }
  }
}
