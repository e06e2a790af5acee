import { errorGroupContract, hookStoreContract } from '../../contracts/hook-store.ts';
import { sqliteHooks } from '../../support/hooks.ts';

hookStoreContract('SQLite', sqliteHooks);
errorGroupContract('SQLite', sqliteHooks);
