/**
 * How a record is written in a world file, and checked when it is read: JSON, dates as ISO 8601 text. A
 * schema has all members of its record: the compiler misses one that is new.
 */
import { z } from 'zod';
import { parseAddress, parsePrefix } from '../../../controller/base/ip.ts';
import { parseMac } from '../../vpc/header.ts';
import type { Kind, Records } from './kind.ts';

export type Schemas<K extends Kind = Kind> = { readonly [Each in K]: z.ZodType<Records[Each]> };

/** Of a union of words all of them, which assignability alone would not ask for. */
type Words<V extends string> = z.ZodEnum<{ readonly [K in V]: K }>;
type SchemaOf<V> = [V] extends [string]
  ? string extends V
    ? z.ZodType<V>
    : Words<V> | z.ZodExactOptional<Words<V>>
  : z.ZodType<V>;
type Shape<T> = { readonly [F in keyof T]-?: SchemaOf<Exclude<T[F], undefined>> };

/** The schema of an object with exactly these members. */
export const exactly = <T extends object>(shape: Shape<T>): z.ZodType<T> =>
  z.strictObject(shape as z.ZodRawShape) as unknown as z.ZodType<T>;

type Variants<T extends { readonly kind: string }> = {
  readonly [K in T['kind']]: Shape<Omit<Extract<T, { readonly kind: K }>, 'kind'>>;
};

/** The schema of a union: for each kind its other members. */
export const byKind = <T extends { readonly kind: string }>(variants: Variants<T>): z.ZodType<T> => {
  const schemas = Object.entries(variants).map(([kind, shape]) =>
    z.strictObject({ kind: z.literal(kind), ...(shape as z.ZodRawShape) }),
  );
  return z.discriminatedUnion('kind', schemas as [(typeof schemas)[number]]) as unknown as z.ZodType<T>;
};

export const text = z.string();
export const texts = z.array(z.string());
export const flag = z.boolean();
export const int = z.int();

export const date = z.iso.datetime().transform((iso) => new Date(iso));
export const cidr = z.string().refine((given) => parsePrefix(given).ok, 'is not a CIDR block');
export const address = z.string().refine((given) => parseAddress(given).ok, 'is not an IP address');
export const mac = z.string().refine((given) => parseMac(given).ok, 'is not a MAC address');
export const account = z.string().regex(/^\d{12}$/, 'is not an account: 12 digits');
export const region = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'is not the name of a region');

export const tags = z.record(z.string(), z.string());
/** What every record has. */
export const stored = { id: z.string().min(1), tags };
