import { daemonsContract } from '../../contracts/daemons.ts';
import { mirrorStoreContract } from '../../contracts/mirror-store.ts';
import { mirrorsUnderTest } from '../../support/postgres/mirror.ts';

const { name, make } = mirrorsUnderTest();
mirrorStoreContract(name, make);
daemonsContract(name, make);
