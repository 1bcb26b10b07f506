// The body of a request: JSON in UTF-8 (RFC 8259), not deeper than anything here has a use for, or an error that says why not.

import { isUtf8 } from 'node:buffer'
import type { FastifyRequest } from 'fastify'
import { errors } from './errors.ts'
import { isObject } from './resource.ts'

/** Whatever walks a value calls itself level by level, and some depth is too much for any stack. */
const DEPTH_MAX = 64

/** The body as JSON; undefined when there is none. Whatever its Content-Type says, it is JSON or an ApiError. */
export function jsonOf({ body }: Pick<FastifyRequest, 'body'>): unknown {
  if (!Buffer.isBuffer(body) || body.length === 0) return undefined
  if (!isUtf8(body)) throw errors.notJson('it is not UTF-8')
  const value = parsed(body.toString('utf8'))
  let level = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEPTH_MAX) throw errors.notJson(`it is nested deeper than ${DEPTH_MAX} levels`)
    if (level.some((one) => typeof one === 'string' && !one.isWellFormed())) {
      throw errors.notJson('a string in it has half of a surrogate pair, which is no character')
    }
    level = level.flatMap(membersOf)
  }
  return value
}

/** Likewise, and an object: what Portward's own paths take. */
export function bodyOf(request: Pick<FastifyRequest, 'body'>): Readonly<Record<string, unknown>> {
  const body = jsonOf(request)
  if (!isObject(body)) throw errors.notJson('it is empty, or something else')
  return body
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw errors.notJson(error instanceof Error ? error.message : String(error))
  }
}

/** What is one level down: the elements of a list, the names and values of an object. */
function membersOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  return typeof value === 'object' && value !== null ? Object.entries(value).flat() : []
}
