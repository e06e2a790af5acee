import type { Output } from '../../src/commands/context.ts';

/** An output that keeps what was printed. With `columns` it is a terminal of that width. */
export class Captured implements Output {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number | undefined;

  constructor(columns?: number) {
    this.isTTY = columns !== undefined;
    this.columns = columns;
  }

  write(text: string): boolean {
    this.text += text;
    return true;
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}
