import { UsageError } from '../../model/errors.ts';

/** Most characters of a query. */
const LONGEST = 1_000;

/** Returns the words to look for: whatever holds a letter or a digit. Throws UsageError if there are none. */
export function searchWords(text: string): string[] {
  const words = boundedSearch(text.replaceAll('\0', ' '))
    .split(/\s+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word));
  if (words.length === 0) throw withoutWords();
  return words;
}

/** Returns a query in the language of the engine, as it is. Throws UsageError if no engine takes it. */
export function boundedSearch(text: string): string {
  const facts = { length: text.length, most: LONGEST };
  if (text.includes('\0'))
    throw new UsageError('search_text_invalid', facts, 'a query cannot hold a NUL character');
  if (text.length <= LONGEST) return text;
  throw new UsageError(
    'search_text_invalid',
    facts,
    `a query of ${text.length} characters is too long: ${LONGEST} at most`,
  );
}

export function withoutWords(): UsageError {
  return new UsageError('search_without_words', {}, 'there is no word to search for');
}
