import type { Output } from '../../src/platform/terminal.ts';

/** An output that keeps what was printed. With `columns` it is a terminal of that width. */
export class Captured implements Output {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number | undefined;

  constructor(columns?: number) {
    this.isTTY = columns !== undefined;
    this.columns = columns;
  }

  write(text: string, done?: () => void): boolean {
    this.text += text;
    done?.();
    return true;
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}
