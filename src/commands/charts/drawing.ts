import type { Figure } from '../output/report-figures.ts';
import type { Paint } from '../output/text.ts';

/** What charts are drawn with. */
export interface Drawing {
  /** Terminal columns: no line is longer. */
  width: number;
  figure: Figure;
  paint: Paint;
}
