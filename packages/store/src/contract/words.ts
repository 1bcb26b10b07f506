// The few words in which the contract suite speaks to a store.

import assert from 'node:assert/strict'
import { keyOfEvent } from '../store.ts'
import type { Change, Compare, Lease, Op, Revision, Store } from '../store.ts'

export type Open = () => Promise<Store>

export function put(key: string, value: string, lease?: Lease): Op {
  return { type: 'put', key, value, ...(lease && { lease: lease.id }) }
}

export function remove(key: string): Op {
  return { type: 'delete', key }
}

export function archive(name: string, at: number, value: string): Op {
  return { type: 'archive', name, at, value }
}

export function absent(key: string): Compare {
  return { key, modified: 0 }
}

/** The revision of a transaction that must succeed. */
export async function commit(store: Store, ...ops: readonly Op[]): Promise<Revision> {
  const result = await store.txn([], ops)
  assert.ok(result.succeeded)
  return result.revision
}

/** A watch that is read one change at a time. */
export class Reader {
  readonly #aborter = new AbortController()
  readonly #changes: AsyncIterator<Change>

  constructor(store: Store, prefix: string, after: Revision) {
    this.#changes = store.watch(prefix, after, this.#aborter.signal)[Symbol.asyncIterator]()
  }

  /** With at least one event; undefined once it has ended. */
  async next(): Promise<Change | undefined> {
    for (;;) {
      const { done, value } = await this.#changes.next()
      if (done === true) return undefined
      if (value.events.length > 0) return value
    }
  }

  async stop(): Promise<void> {
    this.#aborter.abort()
    await this.#changes.return?.()
  }
}

/** The order of a revision's events means nothing, so here it is that of their keys. */
export function ordered(change: Change | undefined): Change {
  assert.ok(change !== undefined, 'the watch ended')
  const events = change.events.toSorted((a, b) => (keyOfEvent(a) < keyOfEvent(b) ? -1 : 1))
  return { revision: change.revision, events }
}

export async function keysUnder(store: Store, prefix: string): Promise<readonly string[]> {
  return (await store.range(prefix)).entries.map(({ key }) => key)
}

/** The revision, and each event in two words. */
export function shortened(change: Change | undefined): readonly (Revision | string)[] {
  const { revision, events } = ordered(change)
  return [revision, ...events.map((event) => `${event.type} ${keyOfEvent(event)}`)]
}
