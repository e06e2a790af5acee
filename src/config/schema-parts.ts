/**
 * What the schema of the settings is put together from. zod/mini, since most commands check their settings, and
 * it takes half as long to load and to build as the whole of zod.
 */
import * as z from 'zod/mini';
import { _default as withDefault } from 'zod/mini';

/** What a section says where something else stands. */
export const object = { error: 'expected an object' };

/** A schema with what the JSON Schema says of it. */
export const described = <T extends z.ZodMiniType>(schema: T, description: string): T => {
  z.globalRegistry.add(schema, { description });
  return schema;
};

/** A setting with what holds where it is not set. */
export const setting = <T extends z.ZodMiniType>(
  schema: T,
  value: z.util.NoUndefined<z.output<T>>,
  description: string,
) => described(withDefault(schema, value), description);

/** A text of 1 to `max` characters; every rule on it fails with the same words. */
export const text = (max: number, error: string) =>
  z.string({ error }).check(z.minLength(1, { error }), z.maxLength(max, { error }));

/** A whole number from `min` to `max`. */
export const whole = (min: number, max: number) => {
  const error = `expected a whole number from ${min} to ${max}`;
  return z.int({ error }).check(z.gte(min, { error }), z.lte(max, { error }));
};

/** A whole number of days from 1 to `max`, or null. */
export const daysOrNull = (max: number) => {
  const error = `expected null or a whole number of days from 1 to ${max}`;
  return z.nullable(z.int({ error }).check(z.gte(1, { error }), z.lte(max, { error })));
};

/** Any number from `min` to `max`. */
export const number = (min: number, max: number) => {
  const error = `expected a number from ${min} to ${max}`;
  return z.number({ error }).check(z.gte(min, { error }), z.lte(max, { error }));
};

/** One of these texts. */
export const choice = <const T extends readonly string[]>(values: T) =>
  z.enum(values, { error: `expected one of ${values.join(', ')}` });
