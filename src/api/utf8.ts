import { isUtf8 } from 'node:buffer';

/**
 * From this size on, text of two bytes a character no longer fits among V8's usual objects (128 KB): it gets pages of
 * memory of its own, new ones each time. One character beyond Latin-1 is enough to make all of a text so wide.
 */
const WIDE_BYTES = 64 * 1024;
/** Escaping pays where at most one byte in so many is not ASCII. */
const SPARSE = 64;
/** One byte in so many is looked at to find that out. */
const STRIDE = 61;

const BYTE_ORDER_MARK = Buffer.from('\u{FEFF}');
const NOT_ASCII = /[\x80-\xff]+/g;

/**
 * The text of a JSON body; null where the bytes are not UTF-8. In a long body with few characters that are not ASCII,
 * those come as JSON's escapes: the same JSON in half of the memory, and a page of tasks is read in a third of the time.
 * Text that is not JSON may look odd then.
 */
export function jsonTextFrom(bytes: Buffer): string | null {
  if (!isUtf8(bytes)) return null;
  const text = bytes.subarray(bytes.indexOf(BYTE_ORDER_MARK) === 0 ? BYTE_ORDER_MARK.length : 0);
  if (text.length < WIDE_BYTES || !isSparse(text)) return text.toString();
  return text.toString('latin1').replaceAll(NOT_ASCII, escaped);
}

function isSparse(bytes: Buffer): boolean {
  let most = bytes.length / STRIDE / SPARSE;
  for (let at = 0; at < bytes.length; at += STRIDE) {
    if ((bytes[at] ?? 0) >= 0x80 && --most < 0) return false;
  }
  return true;
}

/** Bytes of whole UTF-8 characters, each given as a character, as JSON's escapes. */
function escaped(run: string): string {
  const text = Buffer.from(run, 'latin1').toString();
  let escapes = '';
  for (let at = 0; at < text.length; at += 1) {
    escapes += `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }
  return escapes;
}
