// A write: read the replica, say what must still hold and what shall be written, commit, wait until the replica shows it.
// When something relied on has changed meanwhile, look again and decide anew.

import type { Compare, Op, Revision, Store } from '@portward/store'
import { errors } from './errors.ts'
import type { Replica } from './replica.ts'

/** What every write works on. */
export type Context = {
  readonly store: Store
  readonly replica: Replica
  readonly now: () => Date
  /** How many allowed address pairs a port can have: Neutron's `max_allowed_address_pair`. */
  readonly maxPairs: number
}

/** Compares and ops may repeat a key; the first of a key stands. No ops: there is nothing to write. */
export type Plan<T> = {
  readonly compares: readonly Compare[]
  readonly ops: readonly Op[]
  readonly result: T
}

const ATTEMPTS = 32

/**
 * Plans and commits, and again when another was faster. `plan` reads nothing but the replica, and throws an ApiError when
 * what it finds there forbids the write.
 */
export async function transact<T>(
  { store, replica }: Pick<Context, 'store' | 'replica'>,
  plan: () => Plan<T>,
): Promise<{ readonly result: T; readonly revision: Revision }> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { compares, ops, result } = plan()
    if (ops.length === 0) return { result, revision: replica.revision }
    const answer = await store.txn(firstOfKey(compares), firstOfKey(ops))
    if (answer.succeeded) {
      await replica.reached(answer.revision)
      return { result, revision: answer.revision }
    }
    const key = answer.failed[0]?.key ?? ''
    await replica.reached((await store.range(key)).revision)
  }
  throw errors.contended()
}

function firstOfKey<T extends Compare | Op>(items: readonly T[]): readonly T[] {
  const byKey = new Map<string, T>()
  for (const item of items) {
    const key = 'key' in item ? item.key : item.prefix
    if (!byKey.has(key)) byKey.set(key, item)
  }
  return [...byKey.values()]
}
