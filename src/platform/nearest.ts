/** Longest name that is compared in full: no setting has a longer one. */
const MAX_LENGTH = 80;

/**
 * Returns the candidate that `word` probably means, without case and separators; undefined if none is near.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const wanted = bare(word);
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(wanted, bare(candidate)) }))
    .toSorted((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(1, wanted.length / 4) ? best.candidate : undefined;
}

function bare(text: string): string {
  return text.slice(0, MAX_LENGTH).toLowerCase().replace(/[_-]/g, '');
}

/** Counts the letters to insert, delete or change (Levenshtein). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [row, letter] of a.split('').entries()) {
    const current = [row + 1];
    for (const [column, other] of b.split('').entries()) {
      const changed = (previous[column] ?? 0) + (letter === other ? 0 : 1);
      const missing = (previous[column + 1] ?? 0) + 1;
      const extra = (current[column] ?? 0) + 1;
      current.push(Math.min(changed, missing, extra));
    }
    previous = current;
  }
  return previous.at(-1) ?? 0;
}
