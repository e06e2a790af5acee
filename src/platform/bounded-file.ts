import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

export interface BoundedFile {
  text: string;
  /** Whether other users of this machine may read the file. Always false if there are no such permissions. */
  isShared: boolean;
}

/**
 * Reads a UTF-8 text file of at most `maxKilobytes`, without a byte order mark. A problem is returned as
 * words that follow the file's name; `isMissing` distinguishes a missing file from an unreadable one.
 */
export function readBounded(
  path: string,
  maxKilobytes: number,
): BoundedFile | { failure: string; isMissing: boolean } {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    const bytes = readUpTo(fd, maxKilobytes * 1024 + 1);
    if (bytes.length > maxKilobytes * 1024) {
      return { failure: `is larger than ${maxKilobytes} KB`, isMissing: false };
    }
    const stat = fstatSync(fd);
    const isShared = process.platform !== 'win32' && stat.isFile() && (stat.mode & 0o044) !== 0;
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), isShared };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return { failure: 'does not exist', isMissing: true };
    if (code === 'EISDIR') return { failure: 'is a directory', isMissing: false };
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      return { failure: 'is not UTF-8 text', isMissing: false };
    return { failure: `cannot be read (${String(code)})`, isMissing: false };
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Trusts no size that the file system reports: the file may be a pipe or a device. */
function readUpTo(fd: number, maxBytes: number): Buffer {
  const buffer = Buffer.alloc(maxBytes);
  let length = 0;
  while (length < maxBytes) {
    const read = readSync(fd, buffer, length, maxBytes - length, null);
    if (read === 0) break;
    length += read;
  }
  return buffer.subarray(0, length);
}
