// One client's way to a store that is real: what it asks waits until somebody carries it there, and what a watch would tell, until
// it is let hear it. Either can fail at any time. For tests only.
//
//   client ──asks──► waiting ──carried──► store        told: done, and the client knows     lost: not done, and it was told of a failure
//   client ◄─hears── waiting ◄──a watch── store        done: the answer is still to come    unknown: done, and it was told of a failure

import { Compacted, StoreError } from '@portward/store'
import type { Change, Lease, Revision, Store } from '@portward/store'

export type Fate = 'told' | 'lost' | 'done' | 'unknown'

type Outcome = { readonly value: unknown } | { readonly error: unknown }

type Asked = {
  readonly run: () => Promise<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  /** It was carried, and the answer was not. */
  outcome?: Outcome
}

export class Line implements Store {
  readonly #store: Store
  readonly #asked: Asked[] = []
  readonly #hearings = new Set<Hearing>()
  #isOpen = false

  constructor(store: Store) {
    this.#store = store
  }

  range(prefix: string) {
    return this.#ask(() => this.#store.range(prefix))
  }

  txn(...of: Parameters<Store['txn']>) {
    return this.#ask(() => this.#store.txn(...of))
  }

  sync() {
    return this.#ask(() => this.#store.sync())
  }

  async lease(ttlSeconds: number): Promise<Lease> {
    const lease = await this.#ask(() => this.#store.lease(ttlSeconds))
    return { ...lease, keepAlive: () => this.#ask(() => lease.keepAlive()) }
  }

  archived(query: Parameters<Store['archived']>[0]) {
    return this.#ask(() => this.#store.archived(query))
  }

  forget(before: number) {
    return this.#ask(() => this.#store.forget(before))
  }

  async *watch(prefix: string, after: Revision, signal: AbortSignal): AsyncIterable<Change> {
    const hearing = new Hearing()
    if (this.#isOpen) hearing.open()
    this.#hearings.add(hearing)
    const until = AbortSignal.any([signal, hearing.broken])
    until.addEventListener('abort', () => hearing.open())
    try {
      for await (const change of this.#store.watch(prefix, after, until)) {
        await hearing.turn()
        if (until.aborted) break
        yield change
      }
      if (!signal.aborted) throw hearing.broken.reason
    } finally {
      this.#hearings.delete(hearing)
    }
  }

  /** How much waits to be carried. */
  get waiting(): number {
    return this.#asked.length
  }

  /** There is something to hear. */
  get hears(): boolean {
    return [...this.#hearings].some(({ waits }) => waits)
  }

  /** The n-th of what waits. */
  async carry(n: number, fate: Fate): Promise<void> {
    const asked = this.#asked[n]
    if (asked === undefined) return
    if (fate !== 'lost') asked.outcome ??= await outcomeOf(asked.run)
    if (fate === 'done') return
    this.#asked.splice(this.#asked.indexOf(asked), 1)
    const { outcome } = asked
    if (fate !== 'told' || outcome === undefined) asked.reject(new StoreError('no answer'))
    else if ('error' in outcome) asked.reject(outcome.error)
    else asked.resolve(outcome.value)
  }

  /** One change more is heard. */
  hear(): void {
    for (const hearing of this.#hearings) hearing.one()
  }

  /** Whatever there is to hear is heard at once, until it is closed. */
  open(): void {
    this.#isOpen = true
    for (const hearing of this.#hearings) hearing.open()
  }

  close(): void {
    this.#isOpen = false
    for (const hearing of this.#hearings) hearing.close()
  }

  /** Nothing more is told; `how` says whether it may go on from where it was. */
  break(how: 'away' | 'compacted'): void {
    const why = how === 'away' ? new StoreError('the watch broke') : new Compacted(0, 1, 1)
    for (const hearing of this.#hearings) hearing.break(why)
  }

  /** The client is no more. Gives what it asked and the store has not seen: it may still come there. */
  end(): readonly (() => Promise<unknown>)[] {
    const asked = this.#asked.splice(0)
    for (const { reject } of asked) reject(new StoreError('whoever asked is no more'))
    return asked.flatMap(({ run, outcome }) => (outcome === undefined ? [run] : []))
  }

  /** The store is others' too. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve()
  }

  #ask<T>(run: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `run` gives, and nothing else
      this.#asked.push({ run, resolve: resolve as (value: unknown) => void, reject })
    })
  }
}

class Hearing {
  readonly #stop = new AbortController()
  #gate = Promise.withResolvers<void>()
  #isOpen = false
  waits = false

  /** Aborts with the reason why nothing more is told. */
  get broken(): AbortSignal {
    return this.#stop.signal
  }

  async turn(): Promise<void> {
    if (this.#isOpen) return
    this.#gate = Promise.withResolvers()
    this.waits = true
    await this.#gate.promise
    this.waits = false
  }

  one(): void {
    this.#gate.resolve()
  }

  open(): void {
    this.#isOpen = true
    this.#gate.resolve()
  }

  close(): void {
    this.#isOpen = false
  }

  break(why: Error): void {
    this.#stop.abort(why)
  }
}

async function outcomeOf(run: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { value: await run() }
  } catch (error) {
    return { error }
  }
}
