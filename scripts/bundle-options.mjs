// What every bundle that is measured or shipped is made with.

export const bundleOptions = {
  bundle: true,
  minify: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  // What the loader runs as a script has no import() of its own: libraries beside the bundle and late modules of Node.js are required.
  supported: { "dynamic-import": false },
  logLevel: "warning",
  legalComments: "none",
  // ASCII, so that the loader may read it as latin1, which is what V8 keeps in one byte a character.
  charset: "ascii",
};
