// Other machines' clocks over HTTP, and the youngest file below a folder.
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { newestBelow } from "../../../src/drivers/discovery/newest-change.ts";
import { askTime } from "../../../src/drivers/health/peer-clock.ts";
import { freshFolder } from "../../support/fixtures.ts";
import { closeServers, http, silent } from "../../support/tls-server.ts";

afterAll(closeServers);

const urlOf = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  `http://${host}:${port}`;

describe("another machine", () => {
  it("says what time it is, whatever it answers", async () => {
    const at = Date.UTC(2028, 0, 1);
    const url = urlOf(
      await http((_, response) => {
        response.writeHead(401, { date: new Date(at).toUTCString() }).end("no");
      }),
    );
    const answer = await askTime(url);
    expect(answer).toMatchObject({ endpoint: url, at });
    expect(Math.abs((answer?.askedAt ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it("says nothing without a date, without an answer, or when it is no server", async () => {
    const undated = await http((_, response) => {
      response.sendDate = false;
      response.end();
    });
    const garbled = await http((_, response) => void response.writeHead(200, { date: "soon" }).end());
    expect(await askTime(urlOf(undated))).toBeNull();
    expect(await askTime(urlOf(garbled))).toBeNull();
    expect(await askTime(urlOf(await silent()))).toBeNull();
    expect(await askTime("http://127.0.0.1:1")).toBeNull();
    expect(await askTime("not a url")).toBeNull();
    expect(await askTime("file:///etc/passwd")).toBeNull();
  });
});

describe("the youngest file below a folder", () => {
  it("is found down to the depth that is asked for, links not followed", () => {
    const root = freshFolder();
    const put = (path: string, second: number): void => {
      mkdirSync(join(root, path, ".."), { recursive: true });
      writeFileSync(join(root, path), "");
      utimesSync(join(root, path), second, second);
    };
    put("var/log/a", 1000);
    put("var/log/pods/b", 2000);
    put("var/log/pods/x/c", 3000);
    put("elsewhere/d", 4000);
    symlinkSync("../../elsewhere", join(root, "var/log/link"));
    expect(newestBelow(root, "/var/log", 0)).toEqual({ path: "/var/log/a", at: 1_000_000 });
    expect(newestBelow(root, "/var/log", 1)).toEqual({ path: "/var/log/pods/b", at: 2_000_000 });
    expect(newestBelow(root, "/var/log", 9)).toEqual({ path: "/var/log/pods/x/c", at: 3_000_000 });
    expect(newestBelow(root, "/var/none", 9)).toBeNull();
    expect(newestBelow(root, "/var/log/a", 9)).toBeNull();
  });
});
