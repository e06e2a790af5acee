import { bundle } from '../../scripts/build.ts';

/** Builds the program that test/cli and test/crash run, once for all of their files. */
export default async function build(): Promise<void> {
  await bundle();
}
