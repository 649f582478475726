// What is said of an etcd member that cannot be asked.
import { expect, it } from "vitest";
import { etcdReport } from "../../../src/drivers/health/etcd-report.ts";
import { freePorts } from "../../support/etcd-server.ts";

it("says in plain words why a member does not answer", async () => {
  const [port = 0] = await freePorts(1);
  const endpoint = { scheme: "https", host: "127.0.0.1", port, serverName: null } as const;
  const report = await etcdReport({ endpoints: [endpoint], identity: null, serverKeys: [] });
  expect(report).toEqual({
    state: "failed",
    reason: `nothing listens there (connect ECONNREFUSED 127.0.0.1:${port})`,
  });
  expect(await etcdReport({ endpoints: [], identity: null, serverKeys: [] })).toEqual({
    state: "failed",
    reason: "nothing listens there (no endpoint is known)",
  });
});
