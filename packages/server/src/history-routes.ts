// GET /portward/v1/ports/ID/history: who changed a port, and what it was allowed at a time. GET /portward/v1/history: every
// change of every resource.

import { parseIp, parseMac, parsePrefix } from '@portward/addr'
import { bindingsOf } from '@portward/portsec'
import type { PortRecord } from '@portward/store'
import type { FastifyInstance } from 'fastify'
import { setInterval } from 'node:timers/promises'
import { askedBy } from './collection.ts'
import { errors } from './errors.ts'
import { archiveName, entryOf, lastingOf, undone } from './history.ts'
import type { Attributes, HistoryEntry } from './history.ts'
import { adminOnly } from './policy.ts'
import { port } from './port.ts'
import { isTrusted } from './port-write.ts'
import { ROOT } from './portward.ts'
import { textsOf } from './query.ts'
import type { Query } from './query.ts'
import { isObject, isVisible } from './resource.ts'
import type { Context } from './transact.ts'

const PAGE = 100
const PAGE_MAX = 1000
const DAY_MS = 86_400_000

/** Newest first; `mark` is where the next page begins. */
type Page = readonly { readonly mark: string; readonly entry: HistoryEntry }[]
type PortRoute = { Params: { id: string }; Querystring: Query }

export function serveHistory(app: FastifyInstance, context: Context): void {
  app.get<{ Querystring: Query }>(`${ROOT}/history`, async ({ caller, query }) => {
    adminOnly(caller, 'to read the history of everything')
    return pageOf(await entries(context, undefined, query))
  })
  app.get<PortRoute>(`${ROOT}/ports/:id/history`, async (request) => {
    const { id } = request.params
    const [at] = textsOf(request.query, 'at')
    const asking = askedBy(context, request)
    if (at === undefined) {
      const page = await entries(context, archiveName(port.collection, id), request.query)
      mayKnow(asking, id, page)
      return pageOf(page)
    }
    const time = Date.parse(at)
    if (Number.isNaN(time))
      throw errors.invalidValue('at', 'a time such as 2026-11-25T12:00:00Z', at)
    return portAt(asking, id, time)
  })
}

/** Runs until the signal aborts: what is older than the setting says is forgotten, once a day. */
export async function forgetOld(context: Context, signal: AbortSignal): Promise<void> {
  const { store, settings, now, log } = context
  const forget = async (): Promise<void> => {
    try {
      await store.forget(now().getTime() - settings.auditDays * DAY_MS)
    } catch (error) {
      log?.error({ err: error }, 'old history cannot be forgotten, will retry tomorrow')
    }
  }
  await forget()
  try {
    for await (const _ of setInterval(DAY_MS, undefined, { signal, ref: false })) await forget()
  } catch {
    // The signal has aborted.
  }
}

/** What the port was at the time, and what it was allowed to say. */
async function portAt(asking: Context, id: string, time: number): Promise<object> {
  const { replica } = asking
  const record = replica.ports.get(id)?.record
  let state = record && lastingOf<PortRecord>(port, record, replica)
  let since: HistoryEntry | undefined
  let before: string | undefined
  let known = false
  do {
    const page = await asking.store.archived({
      name: archiveName(port.collection, id),
      limit: PAGE_MAX,
      ...(before !== undefined && { before }),
    })
    const all = page.map(({ id, value }) => ({ mark: id, entry: entryOf(value) }))
    if (!known) mayKnow(asking, id, all)
    known = true
    since = all.find(({ entry }) => Date.parse(entry.time) <= time)?.entry
    for (const { entry } of all) if (Date.parse(entry.time) > time) state = undone(state, entry)
    before = page.length < PAGE_MAX ? undefined : page.at(-1)?.id
  } while (since === undefined && before !== undefined)
  return {
    at: new Date(time).toISOString(),
    port: state ?? null,
    allowed: state === undefined ? null : allowedBy(state),
    since: since ?? null,
  }
}

/** In words for whoever asks later; null where nothing was checked. */
function allowedBy(state: Attributes): readonly object[] | null {
  const owner = String(state['device_owner'] ?? '')
  if (state['port_security_enabled'] !== true || isTrusted(owner)) return null
  const mac = parseMac(String(state['mac_address']))
  const of = (name: string): readonly Attributes[] => {
    const list = state[name]
    return Array.isArray(list) ? list.filter(isObject) : []
  }
  return bindingsOf({
    portId: String(state['id']),
    mac,
    ips: of('fixed_ips').map((one) => parseIp(String(one['ip_address']))),
    allowedAddressPairs: of('allowed_address_pairs').map((one) => ({
      mac: parseMac(String(one['mac_address'])),
      prefix: parsePrefix(String(one['ip_address'])),
    })),
  })
}

async function entries({ store }: Context, name: string | undefined, query: Query): Promise<Page> {
  const [limitText = String(PAGE)] = textsOf(query, 'limit')
  const limit = Number(limitText)
  if (!/^\d+$/.test(limitText) || limit < 1 || limit > PAGE_MAX) {
    throw errors.invalidValue('limit', `a number from 1 to ${PAGE_MAX}`, limitText)
  }
  const [before] = textsOf(query, 'before')
  const page = await store.archived({
    limit,
    ...(name !== undefined && { name }),
    ...(before !== undefined && { before }),
  })
  return page.map(({ id, value }) => ({ mark: id, entry: entryOf(value) }))
}

function pageOf(page: Page): object {
  return {
    changes: page.map(({ entry }) => entry),
    /** For the next page, as `before`. */
    next: page.at(-1)?.mark ?? null,
  }
}

/** Of a port that is gone, what it was last counts. Throws an ApiError, 404. */
function mayKnow(asking: Context, id: string, page: Page): void {
  const record = asking.replica.ports.get(id)?.record
  const last = page[0]?.entry
  const { role, projectId } = asking.caller
  const visible =
    record === undefined
      ? last !== undefined && (role === 'admin' || last.project === projectId)
      : isVisible(port, record, asking)
  if (!visible) throw errors.portNotFound(id)
}
