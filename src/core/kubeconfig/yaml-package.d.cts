// The type of yaml-package.cjs.

export function loadYaml(): typeof import("yaml");
