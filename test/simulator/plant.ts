import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as FeedModule from '../../src/store/sqlite/feed.ts';
import type * as StoreModule from '../../src/store/sqlite/store.ts';
import type * as SyncModule from '../../src/sync/sync.ts';
import { createHistory } from './history.ts';
import { createBench, simulate } from './simulate.ts';
import type { Core } from './simulation.ts';
import { createSqlitePlace } from './sqlite.ts';

/** A fault that programs of this kind have had, as changes to lines of the core. */
export interface Planted {
  name: string;
  /** Each `from` is in its file exactly once. */
  changes: readonly Change[];
  /** A seed that showed it, to be tried first: it saves the time of those before. */
  seed?: number;
}

export interface Change {
  file: string;
  from: string;
  to: string;
}

/** A copy of the sources with a fault in it. */
export interface PlantedSources {
  /** Loads a module by its path in the repository. */
  load: (file: string) => Promise<unknown>;
  remove: () => void;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Copies the sources, with the fault in them, into a folder of their own, which `remove` deletes. */
export function plant({ name, changes }: Planted): PlantedSources {
  const folder = mkdtempSync(join(tmpdir(), 'taskmirror-planted-'));
  for (const part of ['src', 'migrations', 'package.json']) {
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
  for (const { file, from, to } of changes) {
    const path = join(folder, file);
    const parts = readFileSync(path, 'utf8').split(from);
    if (parts.length !== 2) throw new Error(`"${name}": ${file} has ${parts.length - 1} times: ${from}`);
    writeFileSync(path, parts.join(to));
  }
  return {
    load: (file) => import(pathToFileURL(join(folder, file)).href),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A core with a fault in it; `remove` deletes its sources. */
export type PlantedCore = Core & Pick<PlantedSources, 'remove'>;

/** Loads the core with the fault in it, for mirrors in files. */
export async function loadPlanted(planted: Planted): Promise<PlantedCore> {
  const { load, remove } = plant(planted);
  const { syncSource } = (await load('src/sync/sync.ts')) as typeof SyncModule;
  const { openMirrorStore } = (await load('src/store/sqlite/store.ts')) as typeof StoreModule;
  const { openFeed } = (await load('src/store/sqlite/feed.ts')) as typeof FeedModule;
  const parts = { openStore: openMirrorStore, openFeed };
  return { syncSource, createPlace: () => createSqlitePlace(parts), remove };
}

/**
 * Returns a seed whose history shows the fault, and how; null if none up to `seeds` does. Tries the one that
 * showed it before, then the others in order.
 */
export async function find(
  core: PlantedCore,
  { seed: known = 1 }: Planted,
  seeds: number,
): Promise<string | null> {
  const bench = await createBench(core);
  const others = Array.from({ length: seeds }, (_, nth) => nth + 1).filter((seed) => seed !== known);
  try {
    for (const seed of [known, ...others]) {
      const { violation } = await simulate(createHistory(seed), bench);
      if (violation !== null) return `seed ${seed}, invariant ${violation.invariant}`;
    }
    return null;
  } finally {
    await bench.close();
    core.remove();
  }
}
