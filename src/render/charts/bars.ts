const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/**
 * A horizontal bar for each value, to an eighth of a column; the largest takes all `width` columns. What is not zero
 * can be seen: it takes at least an eighth. Null and values below zero have none.
 */
export function bars(values: readonly (number | null)[], width: number): string[] {
  const largest = values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
  return values.map((value) => {
    if (value === null || value <= 0) return '';
    const eighths = Math.max(1, Math.round((value / largest) * width * 8));
    return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
  });
}
