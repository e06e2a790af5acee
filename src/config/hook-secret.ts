import { UsageError } from '../model/errors.ts';
import { describeSecret, findSecret, placeOfSecret, type SecretContext } from './secret.ts';
import type { HookSettings } from './settings.ts';

const COMMAND_TIMEOUT_SECONDS = 10;
const MAX_LENGTH = 1_000;

/** Base64 of something, after the prefix of the convention. */
const SECRET = /^whsec_(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2,3}={0,2}|[A-Za-z0-9+/]{4})$/;

export interface HookSecret {
  /** `whsec_` and base64. A secret: give it to the redactor before using it. */
  value: string;
  /** Whether other users of this machine can read the file that it is in. */
  isShared: boolean;
}

/**
 * Gets the secret of a hook as `findSecret` does, from a command within 10 s; null if it has none. Throws
 * UsageError, naming hook and place but never the value, if there is none there or it cannot be one.
 */
export async function resolveHookSecret(
  { name, secret: reference }: HookSettings,
  context: SecretContext,
): Promise<HookSecret | null> {
  if (reference === null) return null;
  const found = await findSecret(reference, context, COMMAND_TIMEOUT_SECONDS);
  const failure = 'failure' in found ? found.failure : secretProblem(found.text);
  if ('failure' in found || failure !== null) {
    throw new UsageError(
      'hook_secret_unusable',
      { hook: name, ...placeOfSecret(reference, context.cwd) },
      `Hook "${name}" has no usable secret: ${describeSecret('secret', reference, context.cwd)} ${failure}.`,
    );
  }
  return { value: found.text, isShared: found.isShared === true };
}

function secretProblem(text: string): string | null {
  if (text === '') return 'is empty';
  if (text.length > MAX_LENGTH) return `holds more than ${MAX_LENGTH} characters`;
  return SECRET.test(text) ? null : 'does not hold whsec_ and base64 after it';
}
