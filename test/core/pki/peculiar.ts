// @peculiar/x509 as an oracle: it wants Reflect's metadata in place before it is loaded.
// oxlint-disable-next-line import/no-unassigned-import -- imported for what it adds to Reflect
import "reflect-metadata";
export * as peculiar from "@peculiar/x509";
