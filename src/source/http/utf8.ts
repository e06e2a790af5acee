import { isUtf8 } from 'node:buffer';
import { jsonEscapes } from '../../model/text.ts';

/** Escaping pays where at most one byte in so many is not ASCII. */
const SPARSE = 64;
/** One byte in so many is looked at to find that out. */
const STRIDE = 61;

const BYTE_ORDER_MARK = '\xef\xbb\xbf';
const NOT_ASCII = /[\x80-\xff]+/g;

/**
 * The text of a JSON body, whose bytes are given as the characters of a text ('latin1'); null where they are not UTF-8.
 *
 * Few characters beyond ASCII come as JSON's escapes, which is the same JSON: a single one as it is makes V8 take two
 * bytes for each character of the text, which for a page of tasks means new pages of memory each time; it is read in a
 * third of the time without. Text that is not JSON may look odd then.
 */
export function jsonTextFrom(latin1: string): string | null {
  const body = latin1.startsWith(BYTE_ORDER_MARK) ? latin1.slice(BYTE_ORDER_MARK.length) : latin1;
  if (!isSparse(body)) return utf8From(body);
  let isValid = true;
  const text = body.replaceAll(NOT_ASCII, (bytes) => {
    const characters = utf8From(bytes);
    isValid &&= characters !== null;
    return jsonEscapes(characters ?? '');
  });
  return isValid ? text : null;
}

function isSparse(latin1: string): boolean {
  let most = latin1.length / STRIDE / SPARSE;
  for (let at = 0; at < latin1.length; at += STRIDE) {
    if (latin1.charCodeAt(at) >= 0x80 && --most < 0) return false;
  }
  return true;
}

function utf8From(latin1: string): string | null {
  const bytes = Buffer.from(latin1, 'latin1');
  return isUtf8(bytes) ? bytes.toString() : null;
}
