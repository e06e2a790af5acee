import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // For what hangs, and nothing else: a machine may be slow, and busy with other work.
    testTimeout: 120_000,
    // One less than the cores is vitest's choice: on two, one would idle. Many tests wait for processes and servers.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    restoreMocks: true,
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
        },
      },
    ],
  },
});
