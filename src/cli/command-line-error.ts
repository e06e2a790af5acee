import { UsageError } from '../model/errors.ts';

/** The command line cannot be run as it was typed. Of errors this one alone brings its hint along. */
export class CommandLineError extends UsageError<'command_line'> {
  readonly hint: string | undefined;

  constructor(message: string, { hint, ...options }: ErrorOptions & { hint?: string } = {}) {
    super('command_line', {}, message, options);
    this.hint = hint;
  }
}
