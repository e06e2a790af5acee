/** A flag's value as a whole number from 1 to `most`; null where it is none. */
export function wholeNumber(text: string, most: number): number | null {
  const number = Number(text);
  return /^\d+$/.test(text) && number >= 1 && number <= most ? number : null;
}
