// A process of its own for the file store's tests: killed at failpoints, or run as another user.
// Arguments: ROOT PATH VERB; failpoints from the environment; the answer is one line of JSON.
import { fileAddress } from "../../../src/core/model/address.ts";
import { isAppError } from "../../../src/core/model/errors.ts";
import { failpointsFromEnvironment } from "../../../src/drivers/shared/world.ts";
import { openFileStore } from "../../../src/drivers/store/files.ts";

const [root = "", path = "", verb = ""] = process.argv.slice(2);
const address = fileAddress("m1", path);

async function answer(): Promise<unknown> {
  const store = openFileStore({ root, node: "m1", failpoints: failpointsFromEnvironment(process.env) });
  if (verb === "preflight") {
    const error = await store.preflight(address);
    if (error) throw error;
    return null;
  }
  const found = await store.read(address);
  if (verb === "read") return found.state;
  const staged = await store.stage(address, new TextEncoder().encode("new\n".repeat(1000)), {
    expect: found.state === "present" ? found.sha256 : "absent",
    attributes: { mode: 0o600 },
    run: "20261122T160000Z-3f9a1c",
    token: 7,
  });
  return store.commit(staged, { fence: () => Promise.resolve() });
}

try {
  console.log(JSON.stringify(await answer()));
} catch (error) {
  if (!isAppError(error)) throw error;
  console.log(JSON.stringify({ code: error.code, params: error.params }));
}
