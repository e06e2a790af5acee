import type { TestProject } from 'vitest/node';
import { build } from '../../scripts/build.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** For each file of dist/ the files that it was made of, all of them relative to the project. */
    partsOf: Record<string, string[]>;
  }
}

/** Makes sure that test/cli and test/crash run a build of the current sources, not an older one. */
export default async function provideBuild(project: TestProject): Promise<void> {
  project.provide('partsOf', await build());
}
