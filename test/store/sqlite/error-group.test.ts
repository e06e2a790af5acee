import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { foldError } from '../../../src/store/sql/error-group.ts';

describe('folding an error', () => {
  test.each([
    ['Tool web_search timed out after 2,500 ms', 'Tool web_search timed out after <n> ms'],
    ['connect ECONNREFUSED 10.0.3.4:8080', 'connect ECONNREFUSED <n>:<n>'],
    ['HTTP2 stream 7 closed, p99 1.5', 'HTTP<n> stream <n> closed, p<n> <n>'],
    ['request 0a1b2c3d-0000-4000-8000-1234567890ab', 'request <id>'],
    ['container 3f2a9c1 exited, at 0xDEADBEEF', 'container <id> exited, at <id>'],
    ['task_8f3a9b12 and 1769442659997-70avfyadp', '<id> and <id>'],
    ['npm test -- src/invoice/total.ts: failed', 'npm test -- <path>: failed'],
    ['at run (/srv/app/main.js:10:5)', 'at run (<path>)'],
    [String.raw`C:\Users\ada\x.txt not found.`, '<path> not found.'],
    ['~/.config and ../x are missing', '<path> and <path> are missing'],
    ['see https://example.com/a?b=1&c=2.', 'see <url>.'],
    [`can't open 'a b', "c" or \`d\``, "can't open '<…>', \"<…>\" or `<…>`"],
    ['Zugriff auf „x“ und “y” ist 失敗 12', 'Zugriff auf „<…>“ und “<…>” ist 失敗 <n>'],
    ['since 2026-01-01T10:00:00.123Z', 'since <time>'],
    ['  Traceback:\n\tValueError\r\n', 'Traceback: ValueError'],
  ])('%s', (error, group) => {
    expect(foldError(error)).toBe(group);
  });

  test.each(['I/O error', 'and/or', 'web_search', 'a facade, defaced', 'ORA is down: why?', 'sqlite_busy'])(
    'leaves words alone: %s',
    (error) => {
      expect(foldError(error)).toBe(error);
    },
  );

  test.each(['', ' ', '\n\t', '\u0000\u0007'])('gives null if nothing is left: %j', (error) => {
    expect(foldError(error)).toBeNull();
  });

  test('groups errors that differ in numbers, ids, paths and quoted parts', () => {
    const part = fc.record({
      number: fc.nat(),
      id: fc.uuid(),
      path: fc.stringMatching(/^\/[a-z]{1,9}\/[a-z]{1,9}\.[a-z]{2}$/),
      quoted: fc.stringMatching(/^[a-z 0-9/]{0,20}$/),
    });
    fc.assert(
      fc.property(part, (values) => {
        const { number, id, path, quoted } = values;
        const error = `Step ${number} of ${id} could not read ${path}: "${quoted}" is missing`;
        expect(foldError(error)).toBe('Step <n> of <id> could not read <path>: "<…>" is missing');
      }),
    );
  });

  test('takes any text, gives at most 200 characters that SQLite can hold, and the same each time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 1_500 }), (error) => {
        const group = foldError(error);
        expect(group?.length ?? 0).toBeLessThanOrEqual(200);
        expect(group?.isWellFormed() ?? true).toBe(true);
        expect(foldError(error)).toBe(group);
      }),
    );
  });

  // What makes a regular expression try again from every place. Only the head of an error is looked at, so what
  // stands behind it changes nothing, and megabytes cost no more than the head.
  test.each(['"', "'", "' ", '“', '`a', 'a/', 'a.', '1,', '_-', ':', 'a1', 'a://', 'é', '😀', '((', '\\'])(
    'looks only at the head of megabytes of %j',
    (piece) => {
      const head = piece.repeat(1_000).slice(0, 1_000);
      expect(foldError(`${head}${piece.repeat(1_000_000)}`)).toBe(foldError(head));
    },
  );
});
