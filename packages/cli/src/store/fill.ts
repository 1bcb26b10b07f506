// An empty store is filled from a copy, in pieces. Until the last is there the key `restoring` says so: nobody serves such a
// store, and the next attempt begins by clearing it.

import type { Op, Store } from '@portward/store'
import { isEntry, keys } from '@portward/store'
import { Complaint } from '../complaint.ts'
import type { Line } from './copy.ts'
import { isPast } from './copy.ts'

/** Of one transaction: etcd takes 128 operations (`--max-txn-ops`), of which what is archived may take two, and 1.5 MiB. */
const PIECE = { ops: 50, characters: 500_000 }
/** Transactions under way. What is archived goes one by one, in its order. */
const AT_ONCE = 16

/** `name` is the store's, for people. Throws a Complaint if there is anything in it, and says what. */
export async function fill(store: Store, name: string, lines: AsyncIterable<Line>): Promise<void> {
  await begin(store, name)
  const writer = new Writer(store)
  for await (const line of lines) {
    if (isEntry(line)) await writer.put(line.key, line.value)
    else if (isPast(line)) await writer.archive(line.archived)
  }
  await writer.flush()
  await store.txn([], [{ type: 'delete', key: keys.restoring }])
}

/** Throws a Complaint if the store was not filled to its end. */
export async function refuseUnfinished(store: Store, name: string): Promise<void> {
  const { entries } = await store.range(keys.restoring)
  if (entries.length === 0) return
  throw new Complaint(
    `${name} is being filled from a copy, or that was not brought to its end: run the same portward store restore (or migrate) again`,
  )
}

async function begin(store: Store, name: string): Promise<void> {
  const marked = (await store.range(keys.restoring)).entries.length > 0
  if (marked) {
    // Nobody has served it: all there is, is of an attempt that was not brought to its end.
    await store.forget(Number.MAX_SAFE_INTEGER)
    await store.txn([], [{ type: 'deletePrefix', prefix: '' }])
  }
  const { entries } = await store.range('')
  const [archived] = await store.archived({ limit: 1 })
  if (entries.length > 0 || archived !== undefined) {
    const some = entries.slice(0, 3).map(({ key }) => key)
    const what =
      entries.length > 0 ? `${entries.length} entries (${some.join(', ')}…)` : 'an archive'
    throw new Complaint(
      `${name} has ${what} already, and nothing of it is overwritten: name a store that is empty, with no server or agent on it`,
    )
  }
  const value = JSON.stringify({ since: new Date().toISOString() })
  const { succeeded } = await store.txn(
    [{ key: keys.restoring, modified: 0 }],
    [{ type: 'put', key: keys.restoring, value }],
  )
  if (!succeeded) throw new Complaint(`${name} is being filled by somebody else at this moment`)
}

class Writer {
  readonly #store: Store
  readonly #underWay = new Set<Promise<void>>()
  #failure: Error | undefined
  #ops: Op[] = []
  #characters = 0

  constructor(store: Store) {
    this.#store = store
  }

  async put(key: string, value: string): Promise<void> {
    await this.#add({ type: 'put', key, value }, AT_ONCE)
  }

  async archive(past: { name: string; at: number; value: string }): Promise<void> {
    await this.#add({ type: 'archive', ...past }, 1)
  }

  /** Resolves once all that was given is in the store. */
  async flush(): Promise<void> {
    await this.#send(1)
    await this.#untilUnder(1)
  }

  async #add(op: Op & { readonly value: string }, atOnce: number): Promise<void> {
    this.#ops.push(op)
    this.#characters += op.value.length
    if (this.#ops.length >= PIECE.ops || this.#characters >= PIECE.characters) {
      await this.#send(atOnce)
    }
  }

  async #send(atOnce: number): Promise<void> {
    await this.#untilUnder(atOnce)
    const ops = this.#ops
    if (ops.length === 0) return
    this.#ops = []
    this.#characters = 0
    const sent = this.#commit(ops).finally(() => this.#underWay.delete(sent))
    this.#underWay.add(sent)
  }

  async #commit(ops: readonly Op[]): Promise<void> {
    try {
      await this.#store.txn([], ops)
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new Error(String(error))
    }
  }

  async #untilUnder(limit: number): Promise<void> {
    while (this.#underWay.size >= limit) await Promise.race(this.#underWay)
    if (this.#failure !== undefined) throw this.#failure
  }
}
