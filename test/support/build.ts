import type { TestProject } from 'vitest/node';
import { bundle } from '../../scripts/build.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** For each file of dist/ those that it was made of, all of them relative to the project. */
    partsOf: Record<string, string[]>;
  }
}

/** Builds the program that test/cli and test/crash run, once for all of their files. */
export default async function build(project: TestProject): Promise<void> {
  project.provide('partsOf', await bundle());
}
