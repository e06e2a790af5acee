import { isUtf8 } from 'node:buffer';
import { jsonEscapes } from '../../model/text.ts';

/** Escaping pays off if at most one byte in this many is not ASCII. */
const SPARSE = 64;
/** To find that out, one byte in this many is sampled, or fewer in a long text. */
const STRIDE = 61;
/** Samples at most: a longer loop would be compiled by V8, which takes more time than all of it. */
const SAMPLES = 512;

const BYTE_ORDER_MARK = '\xef\xbb\xbf';
const NOT_ASCII = /[\x80-\xff]+/g;

/**
 * Returns the text of a JSON body whose bytes are given as the characters of a text ('latin1'); null if they
 * are not UTF-8.
 *
 * If there are few characters beyond ASCII, they are returned as JSON escapes, which is the same JSON. A
 * single unescaped one makes V8 take two bytes for each character of the text, which for a page of tasks
 * means new pages of memory each time; without them it is read in a third of the time. Text that is not JSON
 * may look odd then.
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
  const stride = STRIDE * Math.ceil(latin1.length / STRIDE / SAMPLES);
  let most = latin1.length / stride / SPARSE;
  for (let at = 0; at < latin1.length; at += stride) {
    if (latin1.charCodeAt(at) >= 0x80 && --most < 0) return false;
  }
  return true;
}

function utf8From(latin1: string): string | null {
  const bytes = Buffer.from(latin1, 'latin1');
  return isUtf8(bytes) ? bytes.toString() : null;
}
