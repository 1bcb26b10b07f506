// One resource of the Neutron API over HTTP: list, show, create (one or many, all or none), update, delete.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { jsonOf } from './body.ts'
import { errors } from './errors.ts'
import { fieldsOf, list } from './query.ts'
import type { Query } from './query.ts'
import { pathOf, readValues, storedAt, unwrap, unwrapBulk } from './resource.ts'
import type { Attributes, Resource, Values } from './resource.ts'
import type { Stored } from './table.ts'
import { transact } from './transact.ts'
import type { Context, Plan } from './transact.ts'
import { viewText } from './view-text.ts'
import { pendingAfter, waitOf } from './wait.ts'
import type { Check } from './wait.ts'

export type Collection<R, A> = {
  readonly resource: Resource<R> & { readonly attributes: A }
  /** Left out: nobody makes one. */
  readonly create?: (context: Context, requests: readonly Values<A>[]) => Plan<readonly string[]>
  readonly update: (context: Context, stored: Stored<R>, values: Values<A>) => Plan<unknown>
  readonly remove: (context: Context, stored: Stored<R>) => Plan<unknown>
  /** What to wait for after a write, and after a delete; left out, there is nothing. */
  readonly written?: (id: string) => Check
  readonly deleted?: (record: R) => Check
}

type ListRoute = { Querystring: Query }
type ItemRoute = { Querystring: Query; Params: { id: string } }

export function serveCollection<
  R extends { readonly id: string; readonly revision: number },
  A extends Attributes<R>,
>(app: FastifyInstance, context: Context, collection: Collection<R, A>, signal: AbortSignal): void {
  const { resource, create, update, remove } = collection
  const { name, collection: plural } = resource
  const path = pathOf(resource)
  const text = (asking: Context, id: string, fields?: readonly string[]): string =>
    viewText(resource, storedAt(resource, asking, id).record, asking, fields)

  app.route<ListRoute>({
    method: ['GET', 'OPTIONS'],
    url: path,
    handler: async (request, reply) => {
      const asking = askedBy(context, request)
      const { query } = request
      const { records, links } = list(resource, asking, query, `${baseOf(request)}${path}`)
      const fields = fieldsOf(query)
      const texts = records.map((record) => viewText(resource, record, asking, fields))
      const more = links === undefined ? '' : `,"${plural}_links":${JSON.stringify(links)}`
      return json(reply).send(`{"${plural}":[${texts.join(',')}]${more}}`)
    },
  })

  app.route<ItemRoute>({
    method: ['GET', 'OPTIONS'],
    url: `${path}/:id`,
    handler: async (request, reply) => {
      const asking = askedBy(context, request)
      const shown = text(asking, request.params.id, fieldsOf(request.query))
      return json(reply).send(`{"${name}":${shown}}`)
    },
  })

  if (create !== undefined) {
    app.post<ListRoute>(path, async (request, reply) => {
      const asking = askedBy(context, request)
      const wait = waitOf(request.query, request.headers)
      const { bulk, bodies } = unwrapBulk(resource, jsonOf(request))
      const requests = bodies.map((body) => readValues(resource, 'POST', body))
      const { result: ids } = await transact(asking, () => create(asking, requests))
      const checks = ids.flatMap((id) => collection.written?.(id) ?? [])
      const pending = await pendingAfter(asking, wait, reply, checks, signal)
      const views = ids.map((id) => text(asking, id))
      const made = bulk ? `"${plural}":[${views.join(',')}]` : `"${name}":${views[0]}`
      return answered(reply, 201, made, pending)
    })
  }

  app.put<ItemRoute>(`${path}/:id`, async (request, reply) => {
    const asking = askedBy(context, request)
    const { id } = request.params
    const wait = waitOf(request.query, request.headers)
    const values = readValues(resource, 'PUT', unwrap(resource, jsonOf(request)))
    const expected = ifMatchOf(request)
    await transact(asking, () =>
      update(asking, expect(storedAt(resource, asking, id), expected), values),
    )
    const checks = [collection.written?.(id) ?? []].flat()
    const pending = await pendingAfter(asking, wait, reply, checks, signal)
    return answered(reply, 200, `"${name}":${text(asking, id)}`, pending)
  })

  app.delete<ItemRoute>(`${path}/:id`, async (request, reply) => {
    const asking = askedBy(context, request)
    const { id } = request.params
    const wait = waitOf(request.query, request.headers)
    const expected = ifMatchOf(request)
    const { record } = storedAt(resource, asking, id)
    const view = text(asking, id)
    await transact(asking, () => remove(asking, expect(storedAt(resource, asking, id), expected)))
    const checks = [collection.deleted?.(record) ?? []].flat()
    const pending = await pendingAfter(asking, wait, reply, checks, signal)
    if (pending === undefined) return reply.code(204).send()
    return answered(reply, 202, `"${name}":${view}`, pending)
  })
}

/** The context of a request: in whose name, and under which id. */
export function askedBy(context: Context, request: FastifyRequest): Context {
  return { ...context, caller: request.caller, requestId: request.id }
}

/** JSON text goes out as it is. */
function json(reply: FastifyReply): FastifyReply {
  return reply.type('application/json; charset=utf-8')
}

/** `members` is the text of an object's members. */
function answered(
  reply: FastifyReply,
  status: number,
  members: string,
  pending: { readonly pending: readonly object[] } | undefined,
): FastifyReply {
  const more = pending === undefined ? '' : `,"pending":${JSON.stringify(pending.pending)}`
  return json(reply)
    .code(pending === undefined ? status : 202)
    .send(`{${members}${more}}`)
}

/** The server's address, as the client knows it. */
export function baseOf(request: Pick<FastifyRequest, 'protocol' | 'host'>): string {
  return `${request.protocol}://${request.host}`
}

/** `If-Match: revision_number=3`, quoted or not. Other entity tags are not ours, and match anything, as in Neutron. */
function ifMatchOf({ headers }: Pick<FastifyRequest, 'headers'>): number | undefined {
  const text = headers['if-match']
  const number = /^"?revision_number=([^"]*)"?$/.exec(text ?? '')?.[1]
  if (text === undefined || number === undefined) return undefined
  if (!/^\d{1,15}$/.test(number)) throw errors.badIfMatch(text)
  return Number(number)
}

function expect<R extends { readonly revision: number }>(
  stored: Stored<R>,
  revision: number | undefined,
): Stored<R> {
  const current = stored.record.revision
  if (revision !== undefined && revision !== current) throw errors.staleRevision(revision, current)
  return stored
}
