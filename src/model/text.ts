/** What went wrong, in the words of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The text as JSON escapes it, `\u` and four digits for each UTF-16 unit: inside of JSON, the same value. */
export function jsonEscapes(text: string): string {
  let escapes = '';
  for (let at = 0; at < text.length; at += 1) {
    escapes += `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }
  return escapes;
}
