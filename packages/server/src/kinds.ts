// Kinds of attribute values: what the API takes for each, checked by a schema, and the one form it has inside.

import { parseIp, parseMac, parsePrefix } from '@portward/addr'
import type { Ip, Mac, Prefix } from '@portward/addr'
import { Type } from 'typebox'
import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { errors } from './errors.ts'
import type { ApiError } from './errors.ts'
import { canonicalMacText, cidrText, decimalText, ipText, macText, wordText } from './texts.ts'

export type Kind<T> = {
  /** What a client may send. One with a title has it as its name in the API's description. */
  readonly schema: TSchema
  /** What a client is shown. */
  readonly shown: TSchema
  /** Throws an ApiError that names the attribute. */
  read(name: string, value: unknown): T
  /** A filter's text in the one form that attributes of this kind are compared in. */
  text(name: string, text: string): string
}

export type KindOptions<S extends TSchema, T> = {
  readonly schema: S
  /** Default: what may be sent. */
  readonly shown?: TSchema
  /** Completes "wanted …". */
  readonly wanted: string
  /** Whatever it throws means that the value isn't what is wanted. */
  readonly convert: (value: Static<S>) => T
  readonly error?: (name: string, wanted: string, seen: unknown) => ApiError
  /** What filters by this kind are converted with; left out, their texts are compared as they are. */
  readonly filter?: (text: string) => unknown
}

export function kind<S extends TSchema, T>(options: KindOptions<S, T>): Kind<T> {
  const { schema, shown = schema, wanted, convert, error = errors.invalidValue, filter } = options
  const validator = Compile(schema)
  return {
    schema,
    shown,
    read(name, value) {
      if (!validator.Check(value)) throw error(name, wanted, value)
      try {
        return convert(value)
      } catch {
        throw error(name, wanted, value)
      }
    },
    text(name, text) {
      try {
        return filter === undefined ? text : String(filter(text))
      } catch {
        throw error(name, wanted, text)
      }
    },
  }
}

/** The attribute may be null as well. */
export function nullable<T>(inner: Kind<T>): Kind<T | null> {
  return {
    ...inner,
    schema: Type.Union([inner.schema, Type.Null()]),
    shown: Type.Union([inner.shown, Type.Null()]),
    read: (name, value) => (value === null ? null : inner.read(name, value)),
  }
}

/** What is shown has a form of its own. */
export function shownAs<T>(shown: TSchema, inner: Kind<T>): Kind<T> {
  return { ...inner, shown }
}

/** `null` stands for the value that means nothing. */
export function nullAs<T>(nothing: T, inner: Kind<T>): Kind<T> {
  return {
    ...nullable(inner),
    shown: inner.shown,
    read: (name, value) => (value === null ? nothing : inner.read(name, value)),
  }
}

/** An attribute that has one value only, which may be sent back as it was read. */
export function constant(value: unknown): Kind<unknown> {
  const text = JSON.stringify(value)
  return kind({
    schema: Type.Unsafe<unknown>({ const: value }),
    wanted: `${text}, the only value it has in Portward`,
    convert(given) {
      if (JSON.stringify(given) !== text) throw new TypeError(text)
      return value
    },
  })
}

export function string(maxLength: number): Kind<string> {
  return kind({
    schema: Type.String({ maxLength }),
    wanted: `a string of at most ${maxLength} characters`,
    convert: (text) => text,
  })
}

/** The same, but not empty. */
export function name(maxLength: number): Kind<string> {
  return kind({
    schema: Type.String({ minLength: 1, maxLength }),
    wanted: `a string of 1 to ${maxLength} characters`,
    convert: (text) => text,
  })
}

export function oneOf<const T extends string>(values: readonly T[]): Kind<T> {
  return kind({
    schema: Type.String({ enum: [...values] }),
    wanted: `one of ${values.join(', ')}`,
    convert(text) {
      const value = values.find((candidate) => candidate === text)
      if (value === undefined) throw new TypeError(text)
      return value
    },
  })
}

export function integer(minimum: number, maximum: number): Kind<number> {
  const convert = (value: number | string): number => {
    const number = Number(value)
    if (value === '' || !Number.isInteger(number) || number < minimum || number > maximum) {
      throw new TypeError(String(value))
    }
    return number
  }
  return kind({
    schema: Type.Union([Type.Integer({ minimum, maximum }), decimalText]),
    shown: Type.Integer({ minimum, maximum }),
    wanted: `an integer from ${minimum} to ${maximum}`,
    convert,
    filter: convert,
  })
}

const truths = new Set(['true', 't', '1', 'yes', 'y', 'on'])
const untruths = new Set(['false', 'f', '0', 'no', 'n', 'off'])

/** OpenStack's clients send booleans as JSON has them, as Python writes them, and in half a dozen other ways. */
export const boolean: Kind<boolean> = kind({
  schema: Type.Union(
    [Type.Boolean(), wordText([...truths, ...untruths]), Type.Integer({ minimum: 0, maximum: 1 })],
    { title: 'AnyBoolean', description: 'A boolean, or what others write for one.' },
  ),
  shown: Type.Boolean(),
  wanted: 'true or false',
  convert: booleanOf,
  error: errors.invalidInput,
  filter: booleanOf,
})

/** A boolean with one value in Portward, which clients write as they write others. */
export const neverTrue: Kind<boolean> = {
  ...boolean,
  schema: Type.Union([Type.Literal(false), wordText([...untruths]), Type.Literal(0)]),
  shown: Type.Literal(false),
  read(name, value) {
    if (!boolean.read(name, value)) return false
    throw errors.invalidValue(name, 'false, the only value it has in Portward', value)
  },
}

export const mac: Kind<Mac> = kind({
  schema: macText,
  shown: canonicalMacText,
  wanted: 'a MAC address such as fa:16:3e:00:00:10',
  convert: stationMac,
  filter: parseMac,
})

export const ip: Kind<Ip> = kind({
  schema: ipText,
  wanted: 'an IPv4 or IPv6 address',
  convert: parseIp,
  filter: parseIp,
})

export const cidr: Kind<Prefix> = kind({
  schema: cidrText,
  wanted: 'a CIDR such as 10.0.0.0/24',
  convert: parseCidr,
  error: errors.invalidInput,
  filter: parseCidr,
})

/** Any JSON object, kept as it came. */
export const dict: Kind<Readonly<Record<string, unknown>>> = kind({
  schema: Type.Record(Type.String(), Type.Unknown()),
  wanted: 'an object',
  convert: (value) => value,
})

function booleanOf(value: boolean | string | number): boolean {
  const text = String(value).trim().toLowerCase()
  if (truths.has(text)) return true
  if (untruths.has(text)) return false
  throw new TypeError(text)
}

function stationMac(text: string): Mac {
  const parsed = parseMac(text)
  if (parsed === '00:00:00:00:00:00') throw new TypeError(text)
  return parsed
}

function parseCidr(text: string): Prefix {
  if (!text.includes('/')) throw new TypeError(text)
  return parsePrefix(text)
}
