import { daemonsContract } from '../../contracts/daemons.ts';
import { mirrorStoreContract } from '../../contracts/mirror-store.ts';
import { serverMirror } from '../../support/postgres/mirror.ts';
import { postgresUrl } from '../../support/postgres/server.ts';

if (postgresUrl !== null) {
  mirrorStoreContract('PostgreSQL', serverMirror);
  daemonsContract('PostgreSQL', serverMirror);
}
