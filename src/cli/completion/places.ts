import type { Argument, Command, Option } from 'commander';

/** A word that can be typed, with its description for people. */
export interface Word {
  word: string;
  description: string;
}

/** The values of a flag or an argument: one of these words, a file, or anything. */
export type Values = readonly string[] | 'file' | 'anything';

/** A flag such as `--db`; its values are null if it takes none. */
export interface Flag extends Word {
  values: Values | null;
}

/** The words that can be typed after a command. */
export interface Place {
  /** The command and its parents without the program's own name, each after a space: ` config show`. */
  path: string;
  commands: Word[];
  /** Its own flags; its subcommands take them too. */
  flags: Flag[];
  /** The flags of its parents. */
  inherited: Flag[];
  /** Its first argument; no words if it takes none. */
  argument: Values;
}

/** Returns every command of a program, the program itself first. */
export function placesOf(program: Command): Place[] {
  return [placeOf(program, ''), ...program.commands.flatMap((command) => below(command, ''))];
}

function below(command: Command, parents: string): Place[] {
  const path = `${parents} ${command.name()}`;
  return [placeOf(command, path), ...command.commands.flatMap((child) => below(child, path))];
}

function placeOf(command: Command, path: string): Place {
  const help = command.createHelp();
  const [argument] = command.registeredArguments;
  return {
    path,
    commands: help
      .visibleCommands(command)
      .map((child) => ({ word: child.name(), description: child.description() })),
    flags: help.visibleOptions(command).map(flagOf),
    inherited: help.visibleGlobalOptions(command).map(flagOf),
    argument: argument === undefined ? [] : valuesOf(argument, `<${argument.name()}>`),
  };
}

function flagOf(option: Option): Flag {
  return {
    word: option.long ?? option.flags,
    description: option.description,
    values: option.required || option.optional ? valuesOf(option, option.flags) : null,
  };
}

/** Returns the values; `shape` names them as help does: <file>, [shell]. */
function valuesOf({ argChoices }: Argument | Option, shape: string): Values {
  return argChoices ?? (/[<[]file\b/i.test(shape) ? 'file' : 'anything');
}
