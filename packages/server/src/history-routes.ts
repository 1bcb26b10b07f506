// GET /portward/v1/ports/ID/history: who changed a port, and what it was allowed at a time. GET /portward/v1/history: every
// change of every resource. What is older than a setting says is forgotten.

import { parseIp, parseMac, parsePrefix } from '@portward/addr'
import { ARCHIVED_MAX, keys } from '@portward/store'
import type { PortRecord } from '@portward/store'
import type { FastifyInstance } from 'fastify'
import { setInterval } from 'node:timers/promises'
import type { Caller } from './caller.ts'
import { askedBy } from './collection.ts'
import { isTrusted } from './device-owner.ts'
import { errors } from './errors.ts'
import { archiveName, entryOf, lastingOf, undone } from './history.ts'
import type { Attributes, HistoryEntry } from './history.ts'
import { adminOnly } from './policy.ts'
import { port } from './port.ts'
import { ROOT, bindingsFor } from './portward.ts'
import { textsOf } from './query.ts'
import type { Query } from './query.ts'
import { isObject, isShown, isVisible } from './resource.ts'
import type { Resource } from './resource.ts'
import { TIED, tieOf } from './tied.ts'
import type { Context } from './transact.ts'

/** Entries a page has unless asked for more or fewer, and at most. */
export const PAGE = 100
export const PAGE_MAX = ARCHIVED_MAX
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
    await mayKnow(asking, id)
    if (at !== undefined) return portAt(asking, id, timeIn(at))
    return pageOf(
      (await entries(context, archiveName(port.collection, id), request.query)).map(
        ({ mark, entry }) => ({ mark, entry: shownTo(asking.caller, entry) }),
      ),
    )
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

/** What the port was at the time, and what it was allowed to say; nothing where what happened then is forgotten. */
async function portAt(asking: Context, id: string, time: number): Promise<object> {
  const { store, replica, caller, settings, now } = asking
  // Another server may have written what has its entry already.
  await replica.reached((await store.range(keys.port(id))).revision)
  const record = replica.ports.get(id)?.record
  let state: Attributes | undefined = record && {
    ...lastingOf<PortRecord>(port, record, replica),
    [TIED]: tieOf(replica, id),
  }
  let since: HistoryEntry | undefined
  for await (const entry of newestFirst(asking, archiveName(port.collection, id))) {
    if (Date.parse(entry.time) <= time) {
      since = entry
      break
    }
    state = undone(state, entry)
  }
  if (since === undefined && time < now().getTime() - settings.auditDays * DAY_MS) state = undefined
  return {
    at: new Date(time).toISOString(),
    port: state === undefined ? null : shown(caller, { [TIED]: null, ...state }),
    allowed: state === undefined ? null : allowedBy(state),
    since: since === undefined ? null : shownTo(caller, since),
  }
}

/** In the order in which it was written: where servers' clocks differ, their times may not be. */
async function* newestFirst({ store }: Context, name: string): AsyncIterable<HistoryEntry> {
  let before: string | undefined
  do {
    const page = await store.archived({
      name,
      limit: PAGE_MAX,
      ...(before !== undefined && { before }),
    })
    for (const { value } of page) yield entryOf(value)
    before = page.length < PAGE_MAX ? undefined : page.at(-1)?.id
  } while (before !== undefined)
}

/** In words for whoever asks later; null where nothing was checked. */
function allowedBy(state: Attributes): readonly object[] | null {
  const owner = state['device_owner']
  if (state['port_security_enabled'] !== true) return null
  if (typeof owner === 'string' && isTrusted(owner)) return null
  const mac = parseMac(String(state['mac_address']))
  const of = (name: string): readonly Attributes[] => {
    const list = state[name]
    return Array.isArray(list) ? list.filter(isObject) : []
  }
  return bindingsFor({
    portId: String(state['id']),
    mac,
    ips: of('fixed_ips').map((one) => parseIp(String(one['ip_address']))),
    allowedAddressPairs: of('allowed_address_pairs').map((one) => ({
      mac: parseMac(String(one['mac_address'])),
      prefix: parsePrefix(String(one['ip_address'])),
    })),
  }).bindings
}

async function entries({ store }: Context, name: string | undefined, query: Query): Promise<Page> {
  const [limitText = String(PAGE)] = textsOf(query, 'limit')
  const limit = Number(limitText)
  if (!/^\d+$/.test(limitText) || limit < 1 || limit > PAGE_MAX) {
    throw errors.invalidValue('limit', `a number from 1 to ${PAGE_MAX}`, limitText)
  }
  const [before] = textsOf(query, 'before')
  const page = await store
    .archived({
      limit,
      ...(name !== undefined && { name }),
      ...(before !== undefined && { before }),
    })
    .catch((error: unknown) => {
      if (!(error instanceof TypeError) || before === undefined) throw error
      throw errors.invalidValue('before', "the 'next' of an earlier page", before)
    })
  return page.map(({ id, value }) => ({ mark: id, entry: entryOf(value) }))
}

/** ISO 8601, with its zone: whoever asks may live in another than the server. */
function timeIn(text: string): number {
  const time = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : NaN
  if (Number.isNaN(time)) {
    throw errors.invalidValue('at', 'a time such as 2026-11-25T12:00:00Z', text)
  }
  return time
}

/** The entry without what the caller is not shown of a port. */
function shownTo(caller: Caller, entry: HistoryEntry): HistoryEntry {
  return { ...entry, before: shown(caller, entry.before), after: shown(caller, entry.after) }
}

function shown(caller: Caller, all: Attributes): Attributes {
  const known: Resource<PortRecord>['attributes'] = port.attributes
  const itsOf = (name: string) => (name === TIED ? ({ seenBy: 'admin' } as const) : known[name])
  return Object.fromEntries(
    Object.entries(all).filter(([name]) => isShown(itsOf(name) ?? {}, caller)),
  )
}

function pageOf(page: Page): object {
  return {
    changes: page.map(({ entry }) => entry),
    /** For the next page, as `before`. */
    next: page.at(-1)?.mark ?? null,
  }
}

/** Of a port that is gone, what it was last counts. Throws an ApiError, 404. */
async function mayKnow(asking: Context, id: string): Promise<void> {
  const record = asking.replica.ports.get(id)?.record
  if (record !== undefined) {
    if (isVisible(port, record, asking)) return
    throw errors.portNotFound(id)
  }
  const name = archiveName(port.collection, id)
  const [last] = await asking.store.archived({ name, limit: 1 })
  const { role, projectId } = asking.caller
  const visible =
    last !== undefined && (role === 'admin' || entryOf(last.value).project === projectId)
  if (!visible) throw errors.portNotFound(id)
}
