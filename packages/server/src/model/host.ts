// A host that is simulated: interfaces, a switch that lets ports speak, and an agent. What the agent does and in what order it tells
// of it is as in packages/agent (verdict.ts, report.ts, agent.ts); when it does the next thing, somebody else says. For tests only.
//
//   store ──heard──► ports ─┐
//   interfaces ─────────────┴─ apply ──► flows of the switch
//                                └─────► said ── tell ──► store

import { setTimeout as sleep } from 'node:timers/promises'
import { LeaseExpired, follow, keys, parseHostKey, records } from '@portward/store'
import type {
  AliveRecord,
  Change,
  Entry,
  HostPortRecord,
  Lease,
  Op,
  Revision,
  Store,
} from '@portward/store'
import { Line } from './line.ts'

const LEASE_TTL = 10
/** The agent's are more. What is told in parts is read in parts. */
const OPS_PER_TXN = 2
const RETRY_MS = 1000

export type Iface = {
  readonly portId: string
  /** The switch has a port for it; false: it is the row of a device that is gone. */
  readonly numbered: boolean
  /** Nobody has been told yet that the switch has the flows for it. */
  isNew: boolean
}

type Declared = { readonly record: HostPortRecord; readonly revision: Revision }

export class Host {
  readonly name: string
  readonly #store: Store
  readonly #ifaces = new Map<string, Iface>()
  /** As which port an interface of that name may speak. They outlive the agent. */
  #flows = new Map<string, string>()
  #agent: Agent | undefined

  constructor(name: string, store: Store) {
    this.name = name
    this.#store = store
  }

  get ifaces(): ReadonlyMap<string, Iface> {
    return this.#ifaces
  }

  get agent(): Agent | undefined {
    return this.#agent
  }

  /** Whatever had that name is gone. */
  plug(name: string, portId: string, numbered: boolean): void {
    this.#ifaces.set(name, { portId, numbered, isNew: true })
  }

  unplug(name: string): void {
    this.#ifaces.delete(name)
  }

  /** The interface by which the port may speak here. */
  speaker(portId: string): Iface | undefined {
    const found = [...this.#ifaces].find(
      ([name, iface]) =>
        iface.portId === portId && iface.numbered && this.#flows.get(name) === portId,
    )
    return found?.[1]
  }

  /** The switch has flows by which it may, if it has the interface. */
  lets(portId: string): boolean {
    return [...this.#flows.values()].includes(portId)
  }

  start(): void {
    this.#agent ??= new Agent(this.name, this.#store)
  }

  /** What it has written on the switch stays; what it told, until its lease is over. Gives what was on its way to the store. */
  kill(): ReturnType<Line['end']> {
    const asked = this.#agent?.end() ?? []
    this.#agent = undefined
    return asked
  }

  /** The agent writes on the switch what it makes of what it knows. */
  apply(): void {
    this.#flows = this.#agent?.apply(this.#ifaces) ?? this.#flows
  }
}

class Agent {
  readonly line: Line
  readonly #host: string
  readonly #stop = new AbortController()
  readonly #ports = new Map<string, Declared>()
  #isDeclared = false
  #state: AliveRecord['state'] = 'connecting'
  /** What the store should say, and of what it may not say that yet. */
  readonly #said = new Map<string, string>()
  readonly #dirty = new Set<string>()
  /** Whose flows a key of `applied` speaks of. */
  readonly #holders = new Map<string, Iface>()
  #lease: Lease | undefined
  #renewal = 0
  #saidAgain = false
  #isTelling = false
  #drift = 0

  constructor(host: string, store: Store) {
    this.line = new Line(store)
    this.#host = host
    void this.#follow()
  }

  end(): ReturnType<Line['end']> {
    this.#stop.abort()
    return this.line.end()
  }

  /** The switch is lost: at the next look it is there again, as it was. */
  cut(): void {
    this.#state = 'connecting'
  }

  /**
   * Another hand has changed the flows of an interface: nothing is applied until that is put right. That it did is told with it; the
   * agent itself may tell that up to a second later.
   */
  disturb(portId: string): void {
    this.#drift++
    this.#say(keys.hostAlive(this.#host), records.alive.encode(this.#alive))
    this.#say(keys.hostAppliedPort(this.#host, portId), undefined)
    void this.tell()
  }

  /** Gives what then stands on the switch. */
  apply(ifaces: ReadonlyMap<string, Iface>): Map<string, string> | undefined {
    if (!this.#isDeclared) return undefined
    if (this.#state === 'connecting') {
      this.#state = 'syncing'
      return undefined
    }
    const next = new Map<string, string>()
    const seen = new Map<string, string>()
    const applied = new Map<string, string>()
    for (const [name, iface] of ifaces) {
      const { portId, numbered } = iface
      const { speaks, fulfils } = this.#verdictOn(iface, ifaces)
      if (speaks) next.set(name, portId)
      const ofport = numbered ? 1 : null
      const state = speaks ? 'guarded' : 'silent'
      const record = { portId, type: '', ofport, mac: null, state, reason: null } as const
      seen.set(keys.hostSeenIface(this.#host, name), records.seen.encode(record))
      if (fulfils === undefined) continue
      const key = keys.hostAppliedPort(this.#host, portId)
      const told = { revision: fulfils.revision, iface: name, ofport: 1, flows: 0 }
      applied.set(key, records.applied.encode(told))
      this.#holders.set(key, iface)
    }
    for (const key of this.#said.keys()) {
      if (parseHostKey(key)?.kind !== 'alive' && !seen.has(key) && !applied.has(key))
        this.#say(key, undefined)
    }
    for (const [key, value] of [...seen, ...applied]) this.#say(key, value)
    this.#state = 'in-sync'
    return next
  }

  /** One time round the loops that write to the store and renew the lease, where the last one has come to its end. */
  async tell(): Promise<void> {
    if (this.#isTelling) return
    this.#isTelling = true
    try {
      const lease = (this.#lease ??= await this.#begin())
      void this.#renew(lease)
      this.#say(keys.hostAlive(this.#host), records.alive.encode(this.#alive))
      await this.#flush(lease.id)
      if (this.#state === 'in-sync' && !this.#saidAgain) {
        await this.#retract()
        await this.#flush(lease.id)
        this.#saidAgain = true
      }
    } catch (error) {
      // What fails is done again, under the same lease while there is one.
      if (error instanceof LeaseExpired) this.#lease = undefined
    } finally {
      this.#isTelling = false
    }
  }

  async #begin(): Promise<Lease> {
    const lease = await this.line.lease(LEASE_TTL)
    this.#renewal = Date.now() + LEASE_TTL * 500
    this.#saidAgain = false
    for (const key of this.#said.keys()) this.#dirty.add(key)
    return lease
  }

  async #renew(lease: Lease): Promise<void> {
    if (Date.now() < this.#renewal) return
    this.#renewal = Infinity
    try {
      await lease.keepAlive()
    } catch (error) {
      if (error instanceof LeaseExpired && this.#lease === lease) this.#lease = undefined
    }
    this.#renewal = Date.now() + LEASE_TTL * 500
  }

  /** What an earlier run or lease has left there, and this one does not say, is to go. */
  async #retract(): Promise<void> {
    for (const prefix of [keys.hostSeen(this.#host), keys.hostApplied(this.#host)]) {
      const { entries } = await this.line.range(prefix)
      for (const { key } of entries) if (!this.#said.has(key)) this.#dirty.add(key)
    }
  }

  get #alive(): AliveRecord {
    const told = this.#state === 'connecting' || this.#saidAgain
    return {
      host: this.#host,
      version: '0.0.0',
      startedAt: '2026-11-24T05:00:00Z',
      bridge: 'br-int',
      mode: 'own',
      state: told ? this.#state : 'syncing',
      notes: [],
      drift: { count: this.#drift, last: '' },
    }
  }

  async #flush(lease: string): Promise<void> {
    while (this.#dirty.size > 0) {
      const batch = [...this.#dirty].slice(0, OPS_PER_TXN)
      for (const key of batch) this.#dirty.delete(key)
      const told = batch.flatMap((key) =>
        this.#said.has(key) ? (this.#holders.get(key) ?? []) : [],
      )
      const ops = batch.map((key): Op => {
        const value = this.#said.get(key)
        return value === undefined ? { type: 'delete', key } : { type: 'put', key, value, lease }
      })
      try {
        await this.line.txn([], ops)
      } catch (error) {
        for (const key of batch) this.#dirty.add(key)
        throw error
      }
      for (const iface of told) iface.isNew = false
    }
  }

  #say(key: string, value: string | undefined): void {
    if (this.#said.get(key) === value) return
    if (value === undefined) this.#said.delete(key)
    else this.#said.set(key, value)
    this.#dirty.add(key)
  }

  #verdictOn(
    iface: Iface,
    ifaces: ReadonlyMap<string, Iface>,
  ): { readonly speaks: boolean; readonly fulfils?: Declared } {
    const declared = this.#ports.get(iface.portId)
    if (!iface.numbered || declared === undefined) return { speaks: false }
    const hasNamesake = [...ifaces.values()].some(
      (other) => other !== iface && other.portId === iface.portId && other.numbered,
    )
    if (hasNamesake) return { speaks: false }
    const { up, standby } = declared.record
    return { speaks: up && standby !== true, fulfils: declared }
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop
    const prefix = keys.hostPorts(this.#host)
    const put = (entry: Entry): void => {
      const record = records.hostPort.decode(entry)
      this.#ports.set(record.portId, { record, revision: entry.modified })
    }
    const follower = {
      snapshot: (entries: readonly Entry[]) => {
        this.#ports.clear()
        for (const entry of entries) put(entry)
        this.#isDeclared = true
      },
      change: ({ events }: Change) => {
        for (const event of events) {
          if (event.type === 'put') put(event.entry)
          else this.#ports.delete(parseHostKey(event.key)?.name ?? '')
        }
      },
    }
    while (!signal.aborted) {
      try {
        await follow(this.line, prefix, follower, signal)
      } catch {
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined)
      }
    }
  }
}
