// The options of the command that sentences name: one place to change when an option is renamed.
export const flags = {
  addSan: "--add-san",
  allowLinksTo: "--allow-links-to",
  approved: "--approved",
  backupTo: "--backup-to",
  breakLock: "--break-lock",
  csrDir: "--csr-dir",
  keepKey: "--keep-key",
  profile: "--profile",
  recreateAuthority: "--recreate-authority",
  root: "--root",
  runtime: "--runtime",
  signed: "--signed",
  stateDir: "--state-dir",
  validity: "--validity",
  within: "--within",
  yes: "--yes",
} as const;
