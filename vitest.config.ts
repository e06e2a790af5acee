import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    testTimeout: 30_000,
    restoreMocks: true,
    projects: [
      {
        extends: true,
        test: { name: 'parts', include: ['test/**/*.test.ts'], exclude: ['test/{cli,crash}/**'] },
      },
      // The only tests that need dist/: no others have to wait for the compiler.
      {
        extends: true,
        test: {
          name: 'program',
          include: ['test/{cli,crash}/**/*.test.ts'],
          globalSetup: 'test/support/build.ts',
        },
      },
    ],
  },
});
