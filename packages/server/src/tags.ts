// Tags of a resource: short texts by which people find it. Neutron API v2.0, "Tag extension".

import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { jsonOf } from './body.ts'
import { askedBy } from './collection.ts'
import { errors } from './errors.ts'
import { kind } from './kinds.ts'
import { isObject, pathOf, storedAt } from './resource.ts'
import type { Resource } from './resource.ts'
import type { Stored } from './table.ts'
import { transact } from './transact.ts'
import type { Context, Plan } from './transact.ts'

const TAG_MAX = 255
/** Neutron's `MAX_TAGS_COUNT`, since it has one. */
const TAGS_MAX = 50

/** As a set: in the order of first mention, each once. */
export const tags = kind({
  // A filter has them separated by commas.
  schema: Type.Array(Type.String({ minLength: 1, maxLength: TAG_MAX, pattern: '^[^,]+$' }), {
    maxItems: TAGS_MAX,
  }),
  wanted: `a list of at most ${TAGS_MAX} texts of 1 to ${TAG_MAX} characters, without commas`,
  convert: (texts): readonly string[] => [...new Set(texts)],
  error: errors.invalidInput,
})

export type Tagged<R> = {
  readonly resource: Resource<R>
  /** The record with other values, none, and other tags; checks whether the caller may. */
  readonly update: (
    context: Context,
    stored: Stored<R>,
    values: Readonly<Record<string, never>>,
    tags: readonly string[],
  ) => Plan<unknown>
}

type AllRoute = { Params: { id: string } }
type OneRoute = { Params: { id: string; tag: string } }

export function serveTags<R extends { readonly tags: readonly string[] }>(
  app: FastifyInstance,
  context: Context,
  { resource, update }: Tagged<R>,
): void {
  const its = `${pathOf(resource)}/:id`
  const find = (asking: Context, id: string): Stored<R> =>
    storedAt({ ...resource, notFound: () => notFound(id) }, asking, id)
  const notFound = (id: string) => errors.taggedNotFound(resource.collection, id)
  const change = async (
    asking: Context,
    id: string,
    to: (has: readonly string[]) => readonly string[],
  ): Promise<readonly string[]> => {
    await transact(asking, () => {
      const stored = find(asking, id)
      return update(asking, stored, {}, tags.read('tags', to(stored.record.tags)))
    })
    return find(asking, id).record.tags
  }

  app.get<AllRoute>(`${its}/tags`, async (request) => {
    const { record } = find(askedBy(context, request), request.params.id)
    return { tags: record.tags }
  })
  app.put<AllRoute>(`${its}/tags`, async (request) => {
    const body = jsonOf(request)
    if (!isObject(body) || !Object.hasOwn(body, 'tags')) throw errors.noResource('tags')
    const wanted = tags.read('tags', body['tags'])
    return { tags: await change(askedBy(context, request), request.params.id, () => wanted) }
  })
  app.delete<AllRoute>(`${its}/tags`, async (request, reply) => {
    await change(askedBy(context, request), request.params.id, () => [])
    return reply.code(204).send()
  })
  app.get<OneRoute>(`${its}/tags/:tag`, async (request, reply) => {
    const { id, tag } = request.params
    mustHave(find(askedBy(context, request), id).record.tags, tag, id)
    return reply.code(204).send()
  })
  app.put<OneRoute>(`${its}/tags/:tag`, async (request, reply) => {
    const { id, tag } = request.params
    const [wanted = tag] = tags.read('tags', [tag])
    await change(askedBy(context, request), id, (has) => [...has, wanted])
    return reply.code(201).send()
  })
  app.delete<OneRoute>(`${its}/tags/:tag`, async (request, reply) => {
    const { id, tag } = request.params
    await change(askedBy(context, request), id, (has) => {
      mustHave(has, tag, id)
      return has.filter((one) => one !== tag)
    })
    return reply.code(204).send()
  })
}

function mustHave(has: readonly string[], tag: string, id: string): void {
  if (!has.includes(tag)) throw errors.tagNotFound(tag, id)
}
