import type { Figure } from '../figures.ts';
import type { Paint } from '../text.ts';

/** What charts are drawn with. */
export interface Drawing {
  /** Terminal columns: no line is longer. */
  width: number;
  figure: Figure;
  paint: Paint;
}
