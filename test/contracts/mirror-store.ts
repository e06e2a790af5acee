import { describe } from 'vitest';
import { commits, runs, state } from './mirror-store/commits.ts';
import { forReaders } from './mirror-store/for-readers.ts';
import { inSweep, type Make } from './mirror-store/kit.ts';
import { claimsUnless, holders, leases } from './mirror-store/leases.ts';
import { omitting } from './mirror-store/omitting.ts';
import { pruning } from './mirror-store/pruning.ts';
import { observing, reading, twoSources } from './mirror-store/reading.ts';
import { administering } from './mirror-store/sources.ts';
import { sharing } from './mirror-store/sharing.ts';
import { rejections, sweeps } from './mirror-store/sweeps.ts';

export {
  changeOf,
  type Make,
  mirrorTask,
  type MirrorUnderTest,
  rejectedRow,
  runOf,
} from './mirror-store/kit.ts';

/** What every MirrorStore has to hold (src/store/store.ts). `make` gives a new, empty mirror for each test. */
export function mirrorStoreContract(name: string, make: Make): void {
  describe(`MirrorStore contract: ${name}`, () => {
    leases(make);
    claimsUnless(make);
    holders(make);
    observing(make);
    state(make);
    runs(make);
    commits(make);
    forReaders(make);
    reading(make);
    sweeps(make);
    rejections(make);
    // A sweep only takes notes: what commits do has to be the same.
    describe('in a sweep', () => {
      commits(inSweep(make));
      rejections(inSweep(make));
      sharing(inSweep(make));
      omitting(inSweep(make));
    });
    twoSources(make);
    sharing(make);
    omitting(make);
    pruning(make);
    administering(make);
  });
}
