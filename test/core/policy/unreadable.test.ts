// What a reason says of files that are closed to whoever asks.
import { describe, expect, it } from "vitest";
import { isForbidden } from "../../../src/core/policy/unreadable.ts";

describe("a file is closed to us", () => {
  it.each(["EACCES", "EPERM", "its key /etc/kubernetes/pki/apiserver.key cannot be read: EACCES"])(
    "where the system says so: %s",
    (reason) => expect(isForbidden(reason)).toBe(true),
  );

  it.each([
    "EIO",
    "ENOTDIR",
    "its key /srv/EACCES/tls.key cannot be read: EIO",
    "its key /srv/a.key is a link to /srv/EPERM, which is not there",
    "EACCESS",
    "",
  ])("and not where it says another thing: %j", (reason) => expect(isForbidden(reason)).toBe(false));
});
