// Portward's own paths, under /portward/v1/: what Neutron has no words for. The hosts and their state, interfaces as they are
// seen, flows, and protection without a cloud.

import { parseIp } from '@portward/addr'
import type { FlowRow, FragmentView, PortSpec } from '@portward/portsec'
import { SpecError, bindingsOf } from '@portward/portsec'
import { keys, parseHostKey } from '@portward/store'
import type { PortRecord } from '@portward/store'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { bodyOf } from './body.ts'
import { askedBy } from './collection.ts'
import { NAME_MAX } from './common.ts'
import { errors } from './errors.ts'
import { kind, mac, string } from './kinds.ts'
import { port } from './port.ts'
import { adminOnly } from './policy.ts'
import { acknowledged, portState } from './port-state.ts'
import { hostPortOf } from './port-write.ts'
import { protect, unprotect } from './protect.ts'
import type { Query } from './query.ts'
import { textsOf } from './query.ts'
import { hostOf } from './replica.ts'
import type { Replica } from './replica.ts'
import { readValues, storedAt, viewOf } from './resource.ts'
import type { Eyes } from './resource.ts'
import { ipText } from './texts.ts'
import type { Tie } from './tied.ts'
import { transact } from './transact.ts'
import type { Context } from './transact.ts'
import { applied, pendingAfter, waitOf, withdrawn } from './wait.ts'

/** The agent in the same process, when there is one. */
export type LocalHost = {
  readonly host: string
  flows(portId?: string): Promise<readonly FlowRow[]>
  /** What flows see of fragments there. */
  fragments(): FragmentView
  /** How many tags it looks through; 0 is as many as it can. */
  vlanLimit(): 0 | 1 | 2
  /** What the running switch makes of a frame of the port, and how it says so. Rejects when it cannot be asked. */
  trace(
    portId: string,
    frame: Uint8Array,
  ): Promise<{ readonly delivered: boolean; readonly text: string }>
}

export type PortwardOptions = {
  readonly context: Context
  readonly local: LocalHost | undefined
  readonly version: string
  readonly signal: AbortSignal
}

export const ROOT = '/portward/v1'
/** More than a switch needs for a hundred thousand flows. */
const SWITCH_MS = 10_000

const addresses = kind({
  schema: Type.Array(ipText, { minItems: 1, uniqueItems: true }),
  wanted: 'a list of IP addresses, each once, at least one',
  convert(texts) {
    const ips = texts.map(parseIp)
    if (new Set(ips).size !== ips.length) throw new TypeError('twice')
    return ips
  },
})

export const unprotection = {
  name: 'unprotection',
  attributes: {
    host: { kind: string(NAME_MAX), post: 'optional' },
    iface: { kind: string(NAME_MAX), post: 'required' },
  },
} as const

export const protection = {
  name: 'protection',
  attributes: {
    ...unprotection.attributes,
    ips: { kind: addresses, post: 'required' },
    mac: { kind: mac, post: 'optional' },
  },
} as const

export function servePortward(app: FastifyInstance, options: PortwardOptions): void {
  const { context, local, version, signal } = options
  const { replica } = context

  app.get(`${ROOT}/status`, async ({ caller }) => {
    adminOnly(caller, 'to see the hosts')
    return { ...statusOf(replica, version), host: local?.host ?? null }
  })
  app.get(`${ROOT}/interfaces`, async ({ caller }) => {
    adminOnly(caller, 'to see the interfaces of hosts')
    return { interfaces: interfacesOf(replica) }
  })
  app.get<{ Params: { host: string } }>(`${ROOT}/hosts/:host/ports`, async (request) => {
    adminOnly(request.caller, 'to see what a host must enforce')
    const { host } = request.params
    return { host, ports: enforcedAt(replica, host) }
  })
  app.get<{ Params: { id: string } }>(`${ROOT}/ports/:id`, async (request) =>
    portOf(askedBy(context, request), request.params.id),
  )
  app.get<{ Querystring: Query }>(`${ROOT}/flows`, async (request) => {
    adminOnly(request.caller, 'to see the flows of a switch')
    if (local === undefined) throw errors.noLocalHost()
    const [portId] = textsOf(request.query, 'port')
    if (portId !== undefined) storedAt(port, askedBy(context, request), portId)
    const flows = await withinReason(local.flows(portId), signal).catch((cause: Error) => {
      request.log.warn({ err: cause }, 'the flows of the switch cannot be read')
      throw errors.noSwitch(local.host, cause.message)
    })
    return {
      host: local.host,
      flows: flows.map(({ portId, ruleText, ...flow }) => ({
        ...flow,
        port_id: portId,
        rule_text: ruleText,
      })),
    }
  })

  app.post<{ Querystring: Query }>(`${ROOT}/protect`, async (request, reply) => {
    adminOnly(request.caller, 'to protect an interface')
    const asking = askedBy(context, request)
    const wait = waitOf(request.query, request.headers)
    const { host, iface = '', ips = [], mac } = readValues(protection, 'POST', bodyOf(request))
    const wanted = { iface, host: host ?? homeFor(iface), ips, mac }
    const { result } = await transact(asking, () => protect(asking, wanted))
    const pending = await pendingAfter(asking, wait, reply, [applied(result.portId)], signal)
    reply.code(pending !== undefined ? 202 : result.created ? 201 : 200)
    return { ...portOf(asking, result.portId), ...pending }
  })

  app.post<{ Querystring: Query }>(`${ROOT}/unprotect`, async (request, reply) => {
    adminOnly(request.caller, 'to unprotect an interface')
    const asking = askedBy(context, request)
    const wait = waitOf(request.query, request.headers)
    const { host, iface = '' } = readValues(unprotection, 'POST', bodyOf(request))
    const wanted = { iface, host: host ?? homeFor(iface) }
    const { result } = await transact(asking, () => unprotect(asking, wanted))
    const checks = [withdrawn(result.portId, result.host)]
    const pending = await pendingAfter(asking, wait, reply, checks, signal)
    if (pending !== undefined) reply.code(202)
    return { host: result.host, iface, port_id: result.portId, ...pending }
  })

  /** Without a host: the one this process guards, if the interface is there. */
  function homeFor(iface: string): string | undefined {
    if (local === undefined) return undefined
    const { host } = local
    const seen = replica.seen.get(keys.hostSeenIface(host, iface))
    const plug = replica.plugs.get(keys.hostPlug(host, iface))
    return seen === undefined && plug === undefined ? undefined : host
  }
}

/** A switch that hangs must not hang whoever asks. */
export async function withinReason<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  const over = Promise.withResolvers<never>()
  const timer = setTimeout(over.reject, SWITCH_MS, new Error(`no answer in ${SWITCH_MS} ms`))
  const abort = (): void => over.reject(new Error('the server is closing'))
  signal.addEventListener('abort', abort)
  try {
    return await Promise.race([answer, over.promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}

/** All that is known of a port: as Neutron shows it, what it may say, and what has become of it. */
function portOf(eyes: Eyes, id: string): Record<string, unknown> {
  const { record } = storedAt(port, eyes, id)
  const { replica } = eyes
  const { status, applied, state, reason, host, iface, ofport, flows } = portState(record, replica)
  const { bindings, flaw } = bindingsFor(hostPortOf(record, replica))
  // Where it is bound is for administrators, as binding:host_id is; and so is a reason, which names the host.
  const place = eyes.caller.role === 'admin' ? { host, iface, ofport, reason } : nowhere
  return {
    port: viewOf<PortRecord>(port, record, eyes, undefined),
    bindings,
    host: place.host === '' ? null : place.host,
    iface: place.iface,
    ofport: place.ofport,
    status,
    state,
    reason: flaw ?? place.reason,
    applied,
    flows,
  }
}

const nowhere = { host: '', iface: null, ofport: null, reason: null } as const

/** What a port may claim: nothing, where it cannot be guarded as it is declared. */
export function bindingsFor(spec: PortSpec): {
  readonly bindings: readonly object[]
  readonly flaw: string | null
} {
  try {
    return { bindings: bindingsOf(spec), flaw: null }
  } catch (error) {
    if (!(error instanceof SpecError)) throw error
    return { bindings: [], flaw: error.message }
  }
}

/** What hosts see on their bridges, and what is tied to a port and not there. */
export function interfacesOf(replica: Replica): readonly InterfaceRow[] {
  const places = [...replica.seen.ids, ...replica.plugs.ids].flatMap((key) => {
    const at = parseHostKey(key)
    if (at === undefined) return []
    const { host, name: iface } = at
    const isSeen = replica.seen.get(keys.hostSeenIface(host, iface)) !== undefined
    return at.kind === 'plugs' && isSeen ? [] : [{ host, iface }]
  })
  return places.map((place) => interfaceAt(replica, place))
}

type InterfaceRow = Readonly<Record<string, unknown>> & Tie

/** One of them; `absent` where the host does not see it. */
export function interfaceAt(replica: Replica, { host, iface }: Tie): InterfaceRow {
  const record = replica.seen.get(keys.hostSeenIface(host, iface))?.record
  const wanted = replica.plugs.get(keys.hostPlug(host, iface))?.record.portId ?? null
  const { portId = null, type = '', ofport = null, mac = null } = record ?? {}
  const { state = 'absent', reason = `host ${host} has no such interface` } = record ?? {}
  const name = portId === null ? null : (replica.ports.get(portId)?.record.name ?? null)
  const place = { host, iface, port_id: portId, port_name: name, wanted_port_id: wanted }
  return { ...place, type, ofport, mac, state, reason }
}

/** What its agent is told, and whether its switch is known to do that. */
function enforcedAt(replica: Replica, host: string): readonly object[] {
  const prefix = keys.hostPorts(host)
  return replica.hostPorts.ids
    .filter((key) => key.startsWith(prefix))
    .flatMap((key) => {
      const stored = replica.hostPorts.get(key)
      if (stored === undefined) return []
      const { record, modified } = stored
      const done = acknowledged(replica, host, record.portId)
      const applied = done !== undefined && done.lacks === undefined
      return [{ id: record.portId, revision: modified, applied, declared: record }]
    })
}

function statusOf(replica: Replica, version: string): Record<string, unknown> {
  const hosts = new Set<string>()
  for (const table of [replica.alive, replica.seen, replica.hostPorts]) {
    for (const key of table.ids) hosts.add(hostOf(key))
  }
  const states: Record<string, number> = {}
  let active = 0
  for (const record of replica.ports.records()) {
    const { state, status } = portState(record, replica)
    states[state] = (states[state] ?? 0) + 1
    if (status === 'ACTIVE') active++
  }
  return {
    version,
    revision: replica.revision,
    hosts: [...hosts].sort().map((host) => hostStatus(replica, host)),
    ports: { total: replica.ports.size, active, states },
    silent: interfacesOf(replica).filter(({ state }) => state === 'silent' || state === 'blocked'),
  }
}

function hostStatus(replica: Replica, host: string): Record<string, unknown> {
  const alive = replica.alive.get(keys.hostAlive(host))?.record
  return {
    host,
    alive: alive !== undefined,
    version: alive?.version ?? null,
    started_at: alive?.startedAt ?? null,
    bridge: alive?.bridge ?? null,
    mode: alive?.mode ?? null,
    state: alive?.state ?? null,
    notes: alive?.notes ?? [],
    drift: alive?.drift ?? null,
    interfaces: replica.seenByHost.of(host).size,
    ports: replica.portsByHost.of(host).size,
  }
}
