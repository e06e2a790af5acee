/** Returns the message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Escapes text as in JSON, `\u` and four digits for each UTF-16 unit: within JSON, the same value. */
export function jsonEscapes(text: string): string {
  let escapes = '';
  for (let at = 0; at < text.length; at += 1) {
    escapes += `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }
  return escapes;
}

/** `12,003` */
export function grouped(count: number): string {
  // The first call of toLocaleString takes longer than the rest of a run that finds nothing.
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** `1 task`, `12,003 tasks`. */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;
}
