// The version of the tool: part of every plan's digest.
import manifest from "../../package.json" with { type: "json" };

export const toolVersion: string = manifest.version;
