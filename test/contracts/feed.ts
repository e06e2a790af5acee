import { describe } from 'vitest';
import { cursors } from './feed/cursors.ts';
import { events } from './feed/events.ts';
import { following } from './feed/following.ts';
import type { MakeFeed } from './feed/kit.ts';
import { numbers } from './feed/numbers.ts';

/** What every Feed has to hold (src/store/feed.ts). `make` gives a new, empty mirror for each test. */
export function feedContract(name: string, make: MakeFeed): void {
  describe(`Feed contract: ${name}`, () => {
    numbers(make);
    events(make);
    cursors(make);
    following(make);
  });
}
