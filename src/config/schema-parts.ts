/**
 * The parts of the settings schema. It uses zod/mini, since most commands check their settings, and it takes
 * half as long to load and to build as the whole of zod.
 */
import * as z from 'zod/mini';
import { _default as withDefault } from 'zod/mini';
import type { Bounds } from '../model/sync-settings.ts';
import { MAX_PATH } from './settings-file.ts';

/** Error for a section that is not an object. */
export const object = { error: 'expected an object' };

/** Returns the schema with its description in the JSON Schema. */
export const described = <T extends z.ZodMiniType>(schema: T, description: string): T => {
  z.globalRegistry.add(schema, { description });
  return schema;
};

/** Returns a setting with its default. */
export const setting = <T extends z.ZodMiniType>(
  schema: T,
  value: z.util.NoUndefined<z.output<T>>,
  description: string,
) => described(withDefault(schema, value), description);

/** Returns the schema of a text of 1 to `max` characters; every rule on it fails with the same words. */
export const text = (max: number, error: string) =>
  z.string({ error }).check(z.minLength(1, { error }), z.maxLength(max, { error }));

/** Where a secret is kept. `what`: the word for it. */
export const secretReference = (what: string) => {
  const isElsewhere = `(never the ${what} itself)`;
  const name = `expected the name of an environment variable ${isElsewhere}`;
  return z.union(
    [
      z.strictObject({
        // A pasted key would otherwise pass for a name, and be repeated as one.
        env: text(256, name).check(
          z.regex(/^(?!sigmic_|eyJ|whsec_)[A-Za-z_][A-Za-z0-9_]*$/, { error: name }),
        ),
      }),
      z.strictObject({ file: text(MAX_PATH, 'expected the path of a file') }),
      z.strictObject({ command: text(MAX_PATH, 'expected a shell command') }),
    ],
    { error: `expected one of {"env": NAME}, {"file": PATH}, {"command": TEXT} ${isElsewhere}` },
  );
};

/** A whole number from `min` to `max`. */
export const whole = ({ min, max }: Bounds) => {
  const error = `expected a whole number from ${min} to ${max}`;
  return z.int({ error }).check(z.gte(min, { error }), z.lte(max, { error }));
};

/** A whole number of days from `min` to `max`, or null. */
export const daysOrNull = ({ min, max }: Bounds) => {
  const error = `expected null or a whole number of days from ${min} to ${max}`;
  return z.nullable(z.int({ error }).check(z.gte(min, { error }), z.lte(max, { error })));
};

/** Any number from `min` to `max`. */
export const number = ({ min, max }: Bounds) => {
  const error = `expected a number from ${min} to ${max}`;
  return z.number({ error }).check(z.gte(min, { error }), z.lte(max, { error }));
};

/** One of these texts. */
export const choice = <const T extends readonly string[]>(values: T) =>
  z.enum(values, { error: `expected one of ${values.join(', ')}` });
