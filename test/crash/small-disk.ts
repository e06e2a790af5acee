import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOMY_KB = 64 * 1024;

/** A file system of its own in memory, whose free space can be set. */
export interface SmallDisk extends Disposable {
  folder: string;
  /** Leaves this much free, in KB (whole pages of 4), or, with null, plenty. */
  leaveFree(kilobytes: number | null): void;
}

/** Mounts a small disk; null where this user may not mount (it takes root on Linux). */
export function mountSmallDisk(): SmallDisk | null {
  const folder = mkdtempSync(join(tmpdir(), 'taskmirror-disk-'));
  if (!mount('-t', 'tmpfs', '-o', `size=${ROOMY_KB}k`, 'tmpfs', folder)) {
    rmSync(folder, { recursive: true });
    return null;
  }
  return {
    folder,
    leaveFree(kilobytes) {
      const { blocks, bfree, bsize } = statfsSync(folder);
      const size = kilobytes === null ? ROOMY_KB : ((blocks - bfree) * bsize) / 1024 + kilobytes;
      if (!mount('-o', `remount,size=${size}k`, folder)) throw new Error(`${folder} cannot be resized`);
    },
    [Symbol.dispose]() {
      spawnSync('umount', [folder]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function mount(...args: string[]): boolean {
  return spawnSync('mount', args).status === 0;
}
