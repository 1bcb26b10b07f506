// What the agent tells the store: each interface it sees, each port its switch has acknowledged, and that it lives.
// All of it under the agent's lease: when the agent is gone, so is what it said.
//
// Each write compares what the one before has written (`turn`). One that is late, because the member of a store's cluster that had it
// was frozen, is then nothing: it would bring back what is so no longer.

import { randomUUID } from 'node:crypto'
import type {
  AliveRecord,
  AppliedRecord,
  LeaseId,
  Op,
  Revision,
  SeenRecord,
  Store,
} from '@portward/store'
import { StoreError, keys, records } from '@portward/store'
import type { Outcome } from './reconciler.ts'

/** etcd takes at most 128 operations in one transaction (`--max-txn-ops`). */
const OPS_PER_TXN = 100

export class Report {
  readonly #host: string
  readonly #wake: () => void
  readonly #another: () => void
  /** What the store should say. */
  readonly #said = new Map<string, string>()
  readonly #dirty = new Set<string>()
  /** Which interface fulfils a port, and the other way round. */
  readonly #holders = new Map<string, string>()
  readonly #fulfilled = new Map<string, string>()
  /** When `turn` was last written; undefined: the store must be asked. */
  #turn: Revision | undefined

  constructor(options: {
    readonly host: string
    /** Called whenever there is something to write. */
    readonly wake: () => void
    /** Called when another agent was found to write under this host's name. */
    readonly another?: () => void
  }) {
    this.#host = options.host
    this.#wake = options.wake
    this.#another = options.another ?? (() => {})
  }

  alive(record: AliveRecord): void {
    this.#say(keys.hostAlive(this.#host), records.alive.encode(record))
  }

  outcome(outcome: Outcome): void {
    const { name, iface, verdict } = outcome
    this.#see(outcome)
    if (verdict?.fulfils === undefined || iface?.ofport === undefined) {
      this.#unfulfil(name)
      return
    }
    const { fulfils, lacks } = verdict
    const portId = fulfils.record.portId
    if (this.#fulfilled.get(name) !== portId) this.#unfulfil(name)
    this.#fulfilled.set(name, portId)
    this.#holders.set(portId, name)
    const applied: AppliedRecord = {
      revision: fulfils.revision,
      iface: name,
      ofport: iface.ofport,
      flows: verdict.flows.length,
      ...(lacks !== undefined && { lacks }),
    }
    this.#say(keys.hostAppliedPort(this.#host, portId), records.applied.encode(applied))
  }

  /** What is to come of an interface, and why it can't be relied on yet: what was applied stays what it was. */
  pending(outcome: Outcome, reason: string): void {
    const { verdict } = outcome
    this.#see({ ...outcome, verdict: verdict && { ...verdict, reason } })
  }

  /** What the switch had acknowledged of an interface is so no longer. */
  withdraw(name: string): void {
    this.#unfulfil(name)
  }

  /** A new lease has none of what was said under the last one. */
  sayAgain(): void {
    for (const key of this.#said.keys()) this.#dirty.add(key)
    this.#turn = undefined
    this.#wake()
  }

  /** What an earlier run or lease has left there, and this one does not say, is to go at the next `flush`. */
  async retract(store: Pick<Store, 'range'>): Promise<void> {
    for (const prefix of [keys.hostSeen(this.#host), keys.hostApplied(this.#host)]) {
      const { entries } = await store.range(prefix)
      for (const { key } of entries) if (!this.#said.has(key)) this.#dirty.add(key)
    }
  }

  /**
   * Writes what has changed. Throws what the store throws, and a StoreError where another goes on writing between; then all that was
   * not written is still to be written.
   */
  async flush(store: Pick<Store, 'txn' | 'range'>, lease: LeaseId): Promise<void> {
    while (this.#dirty.size > 0) {
      const batch = [...this.#dirty].slice(0, OPS_PER_TXN)
      for (const key of batch) this.#dirty.delete(key)
      const ops = batch.map((key): Op => {
        const value = this.#said.get(key)
        return value === undefined ? { type: 'delete', key } : { type: 'put', key, value, lease }
      })
      try {
        this.#turn = await this.#write(store, ops, lease)
      } catch (error) {
        for (const key of batch) this.#dirty.add(key)
        throw error
      }
    }
  }

  async #turnIn(store: Pick<Store, 'range'>): Promise<Revision> {
    const key = keys.hostTurn(this.#host)
    const { entries } = await store.range(key)
    return entries.find((entry) => entry.key === key)?.modified ?? 0
  }

  /** Gives the revision, which is that of `turn` now. */
  async #write(
    store: Pick<Store, 'txn' | 'range'>,
    ops: readonly Op[],
    lease: LeaseId,
  ): Promise<Revision> {
    const key = keys.hostTurn(this.#host)
    // Like no other, so that a store that has lost the answer can tell whether this one was written.
    const turn: Op = { type: 'put', key, value: JSON.stringify(randomUUID()), lease }
    const known = this.#turn
    for (const before of [known, undefined]) {
      this.#turn = undefined
      const modified = before ?? (await this.#turnIn(store))
      const done = await store.txn([{ key, modified }], [...ops, turn])
      if (!done.succeeded) continue
      // Not so where the lease has expired, and with it all keys: then nothing is written under it.
      if (before !== known) this.#another()
      return done.revision
    }
    throw new StoreError(`what the agent of ${this.#host} says is written by another all the time`)
  }

  #see({ name, iface, verdict }: Outcome): void {
    const key = keys.hostSeenIface(this.#host, name)
    if (iface === undefined || verdict === undefined) return this.#say(key, undefined)
    const seen: SeenRecord = {
      portId: iface.portId ?? null,
      type: iface.type,
      ofport: iface.ofport ?? null,
      mac: iface.mac ?? null,
      state: verdict.state,
      reason: verdict.reason ?? null,
    }
    this.#say(key, records.seen.encode(seen))
  }

  #unfulfil(name: string): void {
    const portId = this.#fulfilled.get(name)
    if (portId === undefined) return
    this.#fulfilled.delete(name)
    // Another interface may have become the port's meanwhile: then what is said of the port is of that one.
    if (this.#holders.get(portId) !== name) return
    this.#holders.delete(portId)
    this.#say(keys.hostAppliedPort(this.#host, portId), undefined)
  }

  #say(key: string, value: string | undefined): void {
    if (this.#said.get(key) === value) return
    if (value === undefined) this.#said.delete(key)
    else this.#said.set(key, value)
    this.#dirty.add(key)
    this.#wake()
  }
}
