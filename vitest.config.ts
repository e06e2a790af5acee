import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // For what hangs, and nothing else: a machine may be slow, and busy with other work.
    testTimeout: 120_000,
    // One less than the cores is vitest's choice: on two, one would idle. Many tests wait for processes and servers.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    restoreMocks: true,
    // To load the modules anew for each file takes a minute of the processor in all. They hold no state that one file
    // could leave to the next, and no test replaces a module.
    isolate: false,
    // For processes that tests start from the sources: to strip the types takes most of their start.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/taskmirror-tests') },
    projects: [
      {
        extends: true,
        test: {
          name: 'parts',
          include: ['test/**/*.test.ts'],
          exclude: ['test/{cli,crash}/**', 'test/**/postgres/**'],
        },
      },
      // The only tests that need dist/: no others have to wait for the compiler.
      {
        extends: true,
        test: {
          name: 'program',
          include: ['test/{cli,crash}/**/*.test.ts'],
          exclude: ['test/**/postgres/**'],
          globalSetup: 'test/support/build.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'program on postgres',
          include: ['test/{cli,crash}/postgres/**/*.test.ts'],
          globalSetup: ['test/support/build.ts', 'test/support/postgres/setup.ts'],
          setupFiles: 'test/support/postgres/each-file.ts',
        },
      },
      // The only tests that need a server of PostgreSQL: no others have to wait for its start.
      {
        extends: true,
        test: {
          name: 'postgres',
          include: ['test/**/postgres/**/*.test.ts'],
          exclude: ['test/{cli,crash}/**'],
          globalSetup: 'test/support/postgres/setup.ts',
          setupFiles: 'test/support/postgres/each-file.ts',
        },
      },
    ],
  },
});
