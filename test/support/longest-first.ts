// The order of the test files: what lasts longest begins first, so that no worker is left with it alone at the end.
import type { TestSpecification } from "vitest/node";
import { BaseSequencer } from "vitest/node";

/** Folders by the time that one of their files takes: labs wait for clusters, faults for time-outs, commands for keys. */
const longest = [
  "test/e2e/",
  "test/lab/",
  "test/crash/",
  "test/drivers/exec/",
  "test/cli/",
  "test/drivers/process/",
];

function rank({ moduleId }: TestSpecification): number {
  const at = longest.findIndex((folder) => moduleId.includes(`/${folder}`));
  return at < 0 ? longest.length : at;
}

/** Vitest's own order, which knows the last run's times where there was one and sizes elsewhere, within each rank. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}
