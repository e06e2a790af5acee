import { describe } from 'vitest';
import type { MakeDatabase } from './database.ts';
import { commands } from './hooks/commands.ts';
import { daemons } from './hooks/daemons.ts';
import { settingUp } from './hooks/kit.ts';
import { sync } from './hooks/sync.ts';

/** What hooks of the program have to hold, whatever engine has the mirror. */
export function hooksContract(engine: string, make: MakeDatabase): void {
  const setUp = settingUp(make);
  describe(`hooks: ${engine}`, () => {
    sync(setUp);
    daemons(setUp);
    commands(setUp);
  });
}
