import type { Figure } from '../figures.ts';
import type { Paint } from '../text.ts';

/** The width, the value format and the styles of charts. */
export interface Drawing {
  /** Terminal columns: no line is longer. */
  width: number;
  figure: Figure;
  paint: Paint;
}
