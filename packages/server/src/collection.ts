// One resource of the Neutron API over HTTP: list, show, create (one or many, all or none), update, delete.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { jsonOf } from './body.ts'
import { errors } from './errors.ts'
import { fieldsOf, list } from './query.ts'
import type { Query } from './query.ts'
import { readValues, storedAt, unwrap, unwrapBulk, viewOf } from './resource.ts'
import type { Attributes, Resource, Values } from './resource.ts'
import type { Stored } from './table.ts'
import { transact } from './transact.ts'
import type { Context, Plan } from './transact.ts'
import { settle, waitOf } from './wait.ts'
import type { Check, Wait } from './wait.ts'

export type Collection<R, A> = {
  readonly resource: Resource<R> & { readonly attributes: A }
  readonly create: (context: Context, requests: readonly Values<A>[]) => Plan<readonly string[]>
  readonly update: (context: Context, stored: Stored<R>, values: Values<A>) => Plan<unknown>
  readonly remove: (context: Context, stored: Stored<R>) => Plan<unknown>
  /** What to wait for after a write, and after a delete; left out, there is nothing. */
  readonly written?: (id: string) => Check
  readonly deleted?: (record: R) => Check
}

type ListRoute = { Querystring: Query }
type ItemRoute = { Querystring: Query; Params: { id: string } }

export function serveCollection<
  R extends { id: string; revision: number },
  A extends Attributes<R>,
>(app: FastifyInstance, context: Context, collection: Collection<R, A>, signal: AbortSignal): void {
  const { resource, create, update, remove } = collection
  const { name, collection: plural } = resource
  const { replica } = context
  const path = `/v2.0/${plural}`
  const lookUp = (id: string): Stored<R> => storedAt(resource, replica, id)
  const show = (id: string, fields?: readonly string[]): Record<string, unknown> =>
    viewOf(resource, lookUp(id).record, replica, fields)

  app.route<ListRoute>({
    method: ['GET', 'OPTIONS'],
    url: path,
    handler: (request) => {
      const url = `${baseOf(request)}${path}`
      const { items, links } = list(resource, replica, request.query, url)
      return Promise.resolve({ [plural]: items, ...(links && { [`${plural}_links`]: links }) })
    },
  })

  app.route<ItemRoute>({
    method: ['GET', 'OPTIONS'],
    url: `${path}/:id`,
    handler: (request) =>
      Promise.resolve({ [name]: show(request.params.id, fieldsOf(request.query)) }),
  })

  app.post<ListRoute>(path, async (request, reply) => {
    const wait = waitOf(request.query, request.headers)
    const { bulk, bodies } = unwrapBulk(resource, jsonOf(request))
    const requests = bodies.map((body) => readValues(resource, 'POST', body))
    const { result: ids } = await transact(context, () => create(context, requests))
    const checks = ids.flatMap((id) => collection.written?.(id) ?? [])
    const pending = await pendingAfter(replica, wait, reply, checks, signal)
    const views = ids.map((id) => show(id))
    reply.code(pending === undefined ? 201 : 202)
    return { ...(bulk ? { [plural]: views } : { [name]: views[0] }), ...pending }
  })

  app.put<ItemRoute>(`${path}/:id`, async (request, reply) => {
    const { id } = request.params
    const wait = waitOf(request.query, request.headers)
    const values = readValues(resource, 'PUT', unwrap(resource, jsonOf(request)))
    const expected = ifMatchOf(request)
    await transact(context, () => update(context, expect(lookUp(id), expected), values))
    const checks = [collection.written?.(id) ?? []].flat()
    const pending = await pendingAfter(replica, wait, reply, checks, signal)
    if (pending !== undefined) reply.code(202)
    return { [name]: show(id), ...pending }
  })

  app.delete<ItemRoute>(`${path}/:id`, async (request, reply) => {
    const { id } = request.params
    const wait = waitOf(request.query, request.headers)
    const expected = ifMatchOf(request)
    const { record } = lookUp(id)
    const view = show(id)
    await transact(context, () => remove(context, expect(lookUp(id), expected)))
    const checks = [collection.deleted?.(record) ?? []].flat()
    const pending = await pendingAfter(replica, wait, reply, checks, signal)
    if (pending === undefined) return reply.code(204).send()
    return reply.code(202).send({ [name]: view, ...pending })
  })
}

/** Waits if the client asked to. Undefined: nothing is missing, or nobody asked. */
export async function pendingAfter(
  replica: Context['replica'],
  wait: Wait | undefined,
  reply: Pick<FastifyReply, 'header'>,
  checks: readonly Check[],
  signal: AbortSignal,
): Promise<{ readonly pending: readonly object[] } | undefined> {
  if (wait === undefined) return undefined
  if (wait.preference !== undefined) reply.header('preference-applied', wait.preference)
  const pending = await settle(replica, checks, wait.seconds, signal)
  if (pending.length === 0) return undefined
  return { pending: pending.map(({ host, port, reason }) => ({ host, port, reason })) }
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
