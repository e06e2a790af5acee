import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../exit.ts';
import { bashScript } from '../completion/bash.ts';
import { fishScript } from '../completion/fish.ts';
import { placesOf } from '../completion/places.ts';
import type { Shell } from '../completion/shells.ts';
import { zshScript } from '../completion/zsh.ts';
import type { Io } from '../../platform/terminal.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } satisfies Record<Shell, unknown>;

/**
 * `taskmirror completion`: prints a script with all commands and flags of `program`, so that no TAB has to
 * start the program.
 */
export function completion(io: Pick<Io, 'stdout'>, program: Command, shell: Shell): ExitCode {
  io.stdout.write(SCRIPTS[shell](program.name(), placesOf(program)));
  return EXIT.done;
}
