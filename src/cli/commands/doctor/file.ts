import { messageOf } from '../../../model/text.ts';
import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CURES } from '../../database-hints.ts';
import type { Check, Finding } from './doctor.ts';
import { endOfLinks } from '../../../platform/links.ts';

const GIB = 1024 ** 3;

/** `type` of statfs(2) on Linux for file systems where SQLite's WAL does not work (sqlite.org/wal.html). */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x01021997, '9p'],
]);

/** The parts of SQLite that `doctor` needs; implemented in the sqlite folder. */
export interface DatabaseInspector {
  /** Returns the version of the SQLite library. */
  sqliteVersion(): string;
  /** Checks a file. Throws DatabaseError if it is not a mirror at all. */
  quickCheck(file: string): FileCheck;
}

/** The result of checking a database file. */
export interface FileCheck {
  /** One line for each problem; none: the file is sound. */
  problems: string[];
  /** The damaged part; null if nothing is wrong. */
  damage: 'search_index' | 'database' | null;
}

/** Reports the version of SQLite, which a bug report needs. */
export function sqliteVersionCheck(inspector: Pick<DatabaseInspector, 'sqliteVersion'>): Check {
  return {
    name: 'versions',
    run: async () => [{ check: 'SQLite', status: 'ok', detail: inspector.sqliteVersion() }],
  };
}

/** Checks the database file and its place. Reads the whole file. */
export function fileChecks(file: string, inspector: Pick<DatabaseInspector, 'quickCheck'>): Check[] {
  return [
    { name: 'database', run: () => checkDatabase(file, inspector) },
    { name: 'writable', run: () => checkWritable(file) },
    { name: 'disk', run: () => checkDisk(file) },
    { name: 'permissions', run: () => checkPermissions(file) },
  ];
}

async function checkDatabase(
  file: string,
  inspector: Pick<DatabaseInspector, 'quickCheck'>,
): Promise<Finding[]> {
  if ((await sizeOf(file)) === null) {
    return [
      { check: 'database', status: 'ok', detail: `${file} does not exist yet: the first sync creates it` },
    ];
  }
  const { problems, damage } = inspector.quickCheck(file);
  if (problems.length === 0)
    return [{ check: 'database', status: 'ok', detail: `${file} is a mirror and is sound` }];
  return [
    {
      check: 'database',
      status: 'fail',
      detail: `${file} is damaged: ${problems.join('; ')}`,
      ...(damage === null ? {} : { hint: CURES[damage] }),
    },
  ];
}

async function checkWritable(file: string): Promise<Finding[]> {
  const folder = dirname(endOfLinks(file));
  const targets = (await sizeOf(file)) === null ? [folder] : [file, folder];
  for (const target of targets) {
    try {
      await access(target, constants.W_OK);
    } catch (error) {
      const why = messageOf(error);
      return [
        {
          check: 'writable',
          status: 'fail',
          detail: `${target} cannot be written: ${why}`,
          hint: 'Create the folder, correct the permissions, or name another file with --db FILE.',
        },
      ];
    }
  }
  return [{ check: 'writable', status: 'ok', detail: targets.join(' and ') }];
}

async function checkDisk(file: string): Promise<Finding[]> {
  const folder = dirname(endOfLinks(file));
  const { bavail, bsize, type } = await statfs(folder);
  const free = bavail * bsize;
  const wanted = Math.max(GIB, (await sizeOf(file)) ?? 0);
  const gib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;
  const disk: Finding =
    free >= wanted
      ? { check: 'disk', status: 'ok', detail: `${gib(free)} free` }
      : {
          check: 'disk',
          status: 'warn',
          detail: `only ${gib(free)} free in ${folder}`,
          hint: `Free some space: the mirror needs ${gib(wanted)} to grow and to be copied.`,
        };
  const network = NETWORK_FILE_SYSTEMS.get(type);
  if (network === undefined) return [disk];
  return [
    disk,
    {
      check: 'file system',
      status: 'warn',
      detail: `${folder} is on a network file system (${network})`,
      hint: 'Keep the mirror on a local disk: readers on other machines can see a broken file (sqlite.org/wal.html).',
    },
  ];
}

async function checkPermissions(file: string): Promise<Finding[]> {
  // Windows has no such permission bits.
  if (process.platform === 'win32' || (await sizeOf(file)) === null) return [];
  const { mode } = await stat(file);
  if ((mode & 0o044) === 0)
    return [{ check: 'permissions', status: 'ok', detail: 'other users cannot read it' }];
  return [
    {
      check: 'permissions',
      status: 'warn',
      detail: `other users of this machine can read ${file}`,
      hint: `Run: chmod 600 "${file}"*`,
    },
  ];
}

/** Returns the size in bytes; null if there is no such file. */
async function sizeOf(file: string): Promise<number | null> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
