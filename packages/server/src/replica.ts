// Everything in the store, in memory, so that a read costs no round trip. It trails the store by the time a change takes to
// get here; who has written waits for `reached`, and so reads its own writes.
//
//   follow '' ─► snapshot, change ─► tables ─► reached, onChange

import { setTimeout as sleep } from 'node:timers/promises'
import { follow, keys, parseHostKey, records } from '@portward/store'
import type {
  Change,
  Entry,
  Follower,
  HostKey,
  ProviderRecord,
  Revision,
  Store,
} from '@portward/store'
import type { FastifyBaseLogger } from 'fastify'
import { Table } from './table.ts'

/** What a change is about: ports that may have another state now, and hosts. */
export type Touched = {
  readonly revision: Revision
  readonly portIds: ReadonlySet<string>
  /** Whose agents came, went, said something new of themselves, or were struck off the list. */
  readonly hosts: ReadonlySet<string>
}

/** A table as a place to put entries. */
type AnyTable = Pick<Table<never>, 'put' | 'delete' | 'clear'>

const RETRY_MS = 1000

export class Replica implements Follower {
  readonly networks = new Table(records.network)
  readonly subnets = new Table(records.subnet)
  readonly ports = new Table(records.port)
  readonly rbac = new Table(records.rbac)
  /** By project. */
  readonly quotas = new Table(records.quota)
  /** By host. */
  readonly agents = new Table(records.agent)
  /** By network: members/NET, last written with its newest port. */
  readonly members = new Table(records.owner)
  /** By their keys, as all that follow: usage/PROJECT/KIND, last written with the newest resource that counts. */
  readonly usage = new Table(records.usage)
  /** hosts/H/ports/ID; the others likewise. */
  readonly hostPorts = new Table(records.hostPort)
  readonly plugs = new Table(records.plug)
  readonly seen = new Table(records.seen)
  readonly applied = new Table(records.applied)
  readonly alive = new Table(records.alive)

  readonly networksByProject = this.networks.indexBy((network) => [network.projectId])
  readonly networksBySegment = this.networks.indexBy(({ provider }) => [segmentOf(provider)])
  readonly subnetsByProject = this.subnets.indexBy((subnet) => [subnet.projectId])
  readonly portsByProject = this.ports.indexBy((port) => [port.projectId])
  readonly rbacByProject = this.rbac.indexBy((policy) => [policy.projectId])
  readonly rbacByNetwork = this.rbac.indexBy((policy) => [policy.networkId])
  readonly rbacByTarget = this.rbac.indexBy((policy) => [policy.target])
  readonly agentsById = this.agents.indexBy((agent) => [agent.id])
  readonly networksByName = this.networks.indexBy((network) => [network.name])
  readonly subnetsByNetwork = this.subnets.indexBy((subnet) => [subnet.networkId])
  readonly subnetsByName = this.subnets.indexBy((subnet) => [subnet.name])
  readonly portsByNetwork = this.ports.indexBy((port) => [port.networkId])
  readonly portsByName = this.ports.indexBy((port) => [port.name])
  readonly portsByDevice = this.ports.indexBy((port) => [port.deviceId])
  readonly portsByMac = this.ports.indexBy((port) => [port.mac])
  readonly portsByIp = this.ports.indexBy((port) => port.fixedIps.map(({ ip }) => ip))
  readonly portsBySubnet = this.ports.indexBy((port) => [
    ...new Set(port.fixedIps.map(({ subnetId }) => subnetId)),
  ])
  readonly portsByHost = this.ports.indexBy((port) => [port.boundHost])
  /** By the host that must fall silent before they may speak. */
  readonly portsLeaving = this.ports.indexBy(({ leaving }) =>
    leaving === undefined ? [] : [leaving],
  )
  /** Keys of interfaces by the port they shall be, by the port they say they are, and by host. */
  readonly plugsByPort = this.plugs.indexBy(({ portId }) => [portId])
  readonly seenByPort = this.seen.indexBy(({ portId }) => (portId === null ? [] : [portId]))
  readonly seenByHost = this.seen.indexBy((_, key) => [hostOf(key)])

  /** What is not here is of no concern to a server. */
  readonly #hostTables: Readonly<Partial<Record<HostKey['kind'], AnyTable>>> = {
    ports: this.hostPorts,
    plugs: this.plugs,
    seen: this.seen,
    applied: this.applied,
    alive: this.alive,
  }
  #revision: Revision = 0
  readonly #log: FastifyBaseLogger | undefined
  readonly #listeners = new Set<(touched: Touched) => void>()
  #waiting: { readonly revision: Revision; readonly done: PromiseWithResolvers<void> }[] = []
  readonly #loading = Promise.withResolvers<void>()
  #loaded = false
  #closed = false

  constructor(log?: FastifyBaseLogger) {
    this.#log = log
  }

  /** The store's revision that this shows. */
  get revision(): Revision {
    return this.#revision
  }

  /** Resolves once everything that was in the store at the start is here. */
  get loaded(): Promise<void> {
    return this.#loading.promise
  }

  /** Resolves once everything up to the revision is here. Rejects when the replica is closed before. */
  reached(revision: Revision): Promise<void> {
    if (revision <= this.#revision) return Promise.resolve()
    if (this.#closed) return Promise.reject(closing())
    const done = Promise.withResolvers<void>()
    this.#waiting.push({ revision, done })
    return done.promise
  }

  /** Calls back after every change, until what it returns is disposed of. */
  onChange(listener: (touched: Touched) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  /**
   * Follows the store until the signal aborts, and resolves then. Throws if the store cannot be read at the start; a failure
   * after that is logged and retried.
   */
  async follow(store: Store, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await follow(store, '', this, signal)
      } catch (error) {
        if (signal.aborted) break
        if (!this.#loaded) throw error
        this.#log?.error({ err: error }, 'the store cannot be followed, will retry')
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined)
      }
    }
    this.#closed = true
    for (const { done } of this.#waiting.splice(0)) done.reject(closing())
  }

  /** Takes all there is instead of what was here. */
  snapshot(entries: readonly Entry[], revision: Revision): void {
    const portIds = new Set(this.ports.ids)
    const hosts = new Set(this.alive.ids.map(hostOf))
    for (const table of this.#tables()) table.clear()
    for (const entry of entries) this.#put(entry)
    for (const id of this.ports.ids) portIds.add(id)
    for (const { portId } of this.seen.records()) if (portId !== null) portIds.add(portId)
    this.#loaded = true
    this.#loading.resolve()
    for (const key of this.alive.ids) hosts.add(hostOf(key))
    this.#arrive({ revision, portIds, hosts })
  }

  /** Takes what one revision changed. */
  change({ revision, events }: Change): void {
    const portIds = new Set<string>()
    const hosts = new Set<string>()
    for (const event of events) {
      const key = event.type === 'put' ? event.entry.key : event.key
      this.#touch(key, portIds)
      if (event.type === 'put') this.#put(event.entry)
      else this.#delete(key)
      this.#touch(key, portIds)
      const at = key.startsWith(keys.hosts) ? parseHostKey(key) : undefined
      if (at?.kind === 'alive') hosts.add(at.host)
      if (event.type === 'delete' && key.startsWith(keys.agents))
        hosts.add(decodeURIComponent(key.slice(keys.agents.length)))
    }
    this.#arrive({ revision, portIds, hosts })
  }

  #arrive(touched: Touched): void {
    this.#revision = touched.revision
    const waiting = this.#waiting
    this.#waiting = waiting.filter(({ revision }) => revision > touched.revision)
    for (const { revision, done } of waiting) if (revision <= touched.revision) done.resolve()
    for (const listener of this.#listeners) listener(touched)
  }

  /** A record that does not fit is not believed: what was there stays, and the log says so. */
  #put(entry: Entry): void {
    const place = this.#placeOf(entry.key)
    if (place === undefined) return
    try {
      place.table.put(place.id, entry)
    } catch (error) {
      this.#log?.error({ err: error, key: entry.key }, 'a record in the store cannot be read')
    }
  }

  #delete(key: string): void {
    const place = this.#placeOf(key)
    place?.table.delete(place.id)
  }

  #placeOf(key: string): { readonly table: AnyTable; readonly id: string } | undefined {
    const slash = key.indexOf('/')
    const id = (): string => decodeURIComponent(key.slice(slash + 1))
    switch (key.slice(0, slash + 1)) {
      case keys.networks:
        return { table: this.networks, id: id() }
      case keys.subnets:
        return { table: this.subnets, id: id() }
      case keys.ports:
        return { table: this.ports, id: id() }
      case keys.hosts: {
        const at = parseHostKey(key)
        const table = at && this.#hostTables[at.kind]
        return table && { table, id: key }
      }
      case keys.members:
        return { table: this.members, id: id() }
      case keys.rbacs:
        return { table: this.rbac, id: id() }
      case keys.quotas:
        return { table: this.quotas, id: id() }
      case keys.agents:
        return { table: this.agents, id: id() }
      case keys.usages:
        return { table: this.usage, id: key }
      default:
        return undefined
    }
  }

  /** Adds the ports whose state hangs on what is under the key at the moment. */
  #touch(key: string, portIds: Set<string>): void {
    if (key.startsWith(keys.ports)) portIds.add(decodeURIComponent(key.slice(keys.ports.length)))
    if (!key.startsWith(keys.hosts)) return
    const at = parseHostKey(key)
    switch (at?.kind) {
      case 'ports':
      case 'applied':
        portIds.add(at.name)
        break
      case 'seen': {
        const portId = this.seen.get(key)?.record.portId ?? null
        if (portId !== null) portIds.add(portId)
        break
      }
      case 'alive':
        for (const id of this.portsByHost.of(at.host)) portIds.add(id)
        for (const id of this.portsLeaving.of(at.host)) portIds.add(id)
        for (const seen of this.seenByHost.of(at.host)) this.#touch(seen, portIds)
        break
      case 'plugs':
      case 'turn':
      case undefined:
    }
  }

  #tables(): readonly AnyTable[] {
    const { networks, subnets, ports, hostPorts, plugs, seen, applied, alive, members } = this
    const { rbac, quotas, usage, agents } = this
    const observed = [hostPorts, plugs, seen, applied, alive]
    return [networks, subnets, ports, rbac, quotas, agents, members, usage, ...observed]
  }
}

/** What no two networks may share; empty for one that is not told apart on the wire. */
export function segmentOf({ type, physicalNetwork, segmentationId }: ProviderRecord): string {
  return type === 'local' ? '' : `${physicalNetwork} ${segmentationId ?? 'flat'}`
}

/** The host in a key under hosts/. */
export function hostOf(key: string): string {
  return parseHostKey(key)?.host ?? ''
}

function closing(): Error {
  return new Error('the server is closing: ask again')
}
