const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/**
 * Returns a horizontal bar for each value, exact to an eighth of a column; the largest takes all `width`
 * columns. A value above zero takes at least an eighth, so that it is visible. Null and values below zero
 * have no bar.
 */
export function bars(values: readonly (number | null)[], width: number): string[] {
  const largest = values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
  return values.map((value) => {
    if (value === null || value <= 0) return '';
    const eighths = Math.max(1, Math.round((value / largest) * width * 8));
    return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
  });
}
