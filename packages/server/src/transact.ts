// A write: read the replica, say what must still hold and what shall be written, commit, wait until the replica shows it.
// When something relied on has changed meanwhile, look again and decide anew. What it changes of resources goes into the
// archive with it.

import type { Compare, Op, Revision, Store } from '@portward/store'
import type { FastifyBaseLogger } from 'fastify'
import type { Caller } from './caller.ts'
import { errors } from './errors.ts'
import { archiveOp } from './history.ts'
import type { Change } from './history.ts'
import type { Replica } from './replica.ts'
import type { Settings } from './settings.ts'

/** What every write works on, and on whose behalf. */
export type Context = {
  readonly store: Store
  readonly replica: Replica
  readonly now: () => Date
  readonly settings: Settings
  readonly log: FastifyBaseLogger | undefined
  readonly caller: Caller
  /** Of the request that asks for it; null where the server acts by itself. */
  readonly requestId: string | null
}

/** Compares and ops may repeat a key; the first of a key stands. No ops: there is nothing to write. */
export type Plan<T> = {
  readonly compares: readonly Compare[]
  readonly ops: readonly Op[]
  /** Of resources, for those who ask later who did what. */
  readonly changes?: readonly Change[]
  readonly result: T
}

const ATTEMPTS = 32

/**
 * Plans and commits, and again when another was faster. `plan` reads nothing but the replica, and throws an ApiError when
 * what it finds there forbids the write.
 */
export async function transact<T>(
  context: Context,
  plan: () => Plan<T>,
): Promise<{ readonly result: T; readonly revision: Revision }> {
  const { store, replica, log } = context
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { compares, ops, changes = [], result } = plan()
    if (ops.length === 0) return { result, revision: replica.revision }
    const archived = changes.map((change) => archiveOp(context, change))
    const answer = await store.txn(firstOfKey(compares), [...firstOfKey(ops), ...archived])
    if (answer.succeeded) {
      await replica.reached(answer.revision)
      for (const { value } of archived) log?.info({ audit: JSON.parse(value) }, 'changed')
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
    const key = 'key' in item ? item.key : JSON.stringify(item)
    if (!byKey.has(key)) byKey.set(key, item)
  }
  return [...byKey.values()]
}
