import { UsageError } from '../model/errors.ts';

/** The command line is invalid as typed. This is the only error that carries its own hint. */
export class CommandLineError extends UsageError<'command_line'> {
  readonly hint: string | undefined;

  constructor(message: string, { hint, ...options }: ErrorOptions & { hint?: string } = {}) {
    super('command_line', {}, message, options);
    this.hint = hint;
  }
}
