import { expect } from 'vitest';
import type { Ended } from '../support/program.ts';

/** Expects a demo that ran to its end: its commands in their order, and three changes that a follower printed. */
export function expectTour({ code, stdout, stderr }: Ended): void {
  expect([code, stderr]).toEqual([0, '']);
  const commands = [...stdout.matchAll(/^\$ taskmirror (\w+)/gm)].map(([, name]) => name);
  expect(commands).toEqual(['sync', 'status', 'query', 'query', 'report', 'changes', 'sync']);
  expect(stdout.match(/^default: up to date: /gm)).toHaveLength(2);
  // The follower prints three changes while the sync still runs.
  expect(stdout).toMatch(
    /changes --follow --limit 3 --format table &\n\$ taskmirror sync\n *seq .*\n[- ]+\n(?: *\d+ .*\n){3}default: up to date: /,
  );
  expect(stdout).toMatch(/export SIGMIC_API_KEY=.*npx taskmirror sync.*npx taskmirror daemon/s);
}
