// What `renew` asks for when nobody says anything.
import type { RenewRequest } from "../../src/core/model/plan.ts";

export const renewRequest: RenewRequest = {
  names: [],
  all: false,
  withinSeconds: 30 * 86_400,
  validitySeconds: 365 * 86_400,
  validityIsExplicit: false,
  keepKey: false,
  keyAlgorithm: null,
  addSans: [],
  allowLinksTo: [],
};
