/** Parses a flag's value as a whole number from 1 to `most`; null if it is not one. */
export function wholeNumber(text: string, most: number): number | null {
  const number = Number(text);
  return /^\d+$/.test(text) && number >= 1 && number <= most ? number : null;
}
