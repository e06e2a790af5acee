import type { TestProject } from 'vitest/node';
import { build } from '../../scripts/build.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** For each file of dist/ those that it was made of, all of them relative to the project. */
    partsOf: Record<string, string[]>;
  }
}

/** Sees to it that test/cli and test/crash run what the sources of now make, and no older build. */
export default async function provideBuild(project: TestProject): Promise<void> {
  project.provide('partsOf', await build());
}
