// What the API's description knows of an operation: one method of one path.

import { Type } from 'typebox'
import type { TObject, TSchema } from 'typebox'
import type { Kind } from '../kinds.ts'
import type { Attributes, Members } from '../resource.ts'

export type Operation = {
  readonly method: 'GET' | 'OPTIONS' | 'POST' | 'PUT' | 'DELETE'
  /** As the router has it: `/v2.0/ports/:id`. */
  readonly path: string
  /** What generated clients call it. */
  readonly id: string
  readonly tag: string
  /** One sentence. */
  readonly summary: string
  readonly query?: Parameters
  readonly headers?: Parameters
  readonly body?: TSchema
  /** By status; null: nothing is shown. */
  readonly answers: Readonly<Record<number, TSchema | null>>
  /** What it answers in. Default: JSON. */
  readonly media?: 'text/plain'
  /** Statuses of errors that do not follow from the rest. */
  readonly errors?: readonly number[]
  /** Asked without a token as well. */
  readonly forAll?: true
}

export type Parameters = Readonly<Record<string, TSchema>>

/** What a switch has still to do, in an answer 202. */
export const pending = Type.Array(
  Type.Object({
    host: orNull(Type.String()),
    port: Type.String(),
    reason: Type.String(),
  }),
  { description: 'What is still missing.' },
)

/** For operations that can wait for a switch. */
export const waiting = {
  query: {
    wait: Type.String({
      enum: ['applied'],
      description: 'Answer once the switch has done it, at most 5 seconds later: then with 202.',
    }),
  },
  headers: {
    Prefer: Type.String({
      description: 'wait=SECONDS: as the parameter wait, with a time of its own (RFC 7240).',
    }),
  },
} as const

/** A POST's or PUT's resource: what may be written, and nothing else. */
export function requestOf(title: string, members: Members, method: 'POST' | 'PUT'): TObject {
  const properties: Record<string, TSchema> = {}
  for (const [name, { kind, post, put }] of Object.entries(members)) {
    const schema = kind.schema
    if (method === 'POST' && post === 'required') properties[name] = schema
    else if (method === 'POST' ? post !== undefined : put) properties[name] = Type.Optional(schema)
  }
  return Type.Object(properties, { title, additionalProperties: false })
}

/** The resource as it is shown. */
export function shownOf(title: string, attributes: Attributes<never>): TSchema {
  const properties: Record<string, TSchema> = {}
  for (const [name, { kind, post, put, seenBy }] of Object.entries(attributes)) {
    const schema = annotated(kind, {
      ...(seenBy === 'admin' && { description: 'Shown to administrators only.' }),
      ...(post === undefined && put === undefined && { readOnly: true }),
    })
    properties[name] = seenBy === undefined ? schema : Type.Optional(schema)
  }
  return Type.Object(properties, { title })
}

export function orNull(schema: TSchema): TSchema {
  return Type.Union([schema, Type.Null()])
}

/** What has a name is described once, under that name: what is said of it here stands beside. */
function annotated({ shown }: Kind<unknown>, notes: object): TSchema {
  if (Object.keys(notes).length === 0) return shown
  if ('title' in shown) return Type.Unsafe({ allOf: [shown], ...notes })
  return Type.Unsafe({ ...shown, ...notes })
}
