import { onTestFinished, TestRunner } from 'vitest';

/** What outlasts a test: it was made by a hook of a group, where Vitest takes no further hooks. */
const leftovers: (() => Promise<void>)[] = [];

/** Runs `work` after the test, or after the file if no test runs. */
export function afterwards(work: () => Promise<void>): void {
  if (TestRunner.getCurrentTest() === undefined) leftovers.push(work);
  else onTestFinished(work);
}

/** Does what was put off to the end of the file. */
export async function clearLeftovers(): Promise<void> {
  for (const work of leftovers.splice(0).toReversed()) await work();
}
