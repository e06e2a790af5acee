import { LeaseHeldError, UsageError } from '../../model/errors.ts';

/** Returns the error for a target that holds a mirror, finished or not, of the same origin or another one. */
export function takenError(
  target: string,
  why: 'mirror' | 'other_copy' | 'other_version',
  origin: string | null = null,
): UsageError {
  const what = {
    mirror: 'holds a mirror',
    other_copy: `is an unfinished copy of ${origin ?? 'another mirror'}`,
    other_version: 'is an unfinished copy that another version of this program began',
  };
  return new UsageError(
    'copy_target_taken',
    { target, why, origin },
    `${target} ${what[why]}; nothing was written to it`,
  );
}

/** Returns the error for a copy that another process goes on with. */
export function takenOverError(target: string): LeaseHeldError {
  return new LeaseHeldError(
    'copy_taken_over',
    { target },
    `another process goes on with the copy in ${target}; this one stopped`,
  );
}
