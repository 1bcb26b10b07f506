// A write: read the replica, say what must still hold and what shall be written, commit, wait until the replica shows it.
// When something relied on has changed meanwhile, look again and decide anew. What it changes of resources goes into the
// archive with it.

import type { Compare, Op, Revision, Store } from '@portward/store'
import type { FastifyBaseLogger } from 'fastify'
import type { Caller } from './caller.ts'
import { errors } from './errors.ts'
import { archiveOp, entryFor } from './history.ts'
import type { Replica } from './replica.ts'
import type { Settings } from './settings.ts'
import type { Writes } from './writes.ts'

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
export type Plan<T> = Writes & { readonly result: T }

const ATTEMPTS = 32

/** Of each store, the last that had to decide anew. They do it one after the other, so that many do not keep failing each other. */
const lastToRetry = new WeakMap<Store, Promise<unknown>>()

/**
 * Plans and commits, and again when another was faster. `plan` reads nothing but the replica, and throws an ApiError when
 * what it finds there forbids the write.
 */
export async function transact<T>(context: Context, plan: () => Plan<T>): Promise<Done<T>> {
  const { store } = context
  const first = await attempt(context, plan)
  if (first !== undefined) return first
  const turn = (lastToRetry.get(store) ?? Promise.resolve()).then(() => retry(context, plan))
  lastToRetry.set(
    store,
    turn.catch(() => undefined),
  )
  return turn
}

type Done<T> = { readonly result: T; readonly revision: Revision }

async function retry<T>(context: Context, plan: () => Plan<T>): Promise<Done<T>> {
  for (let count = 1; count < ATTEMPTS; count++) {
    const done = await attempt(context, plan)
    if (done !== undefined) return done
  }
  throw errors.contended()
}

/** Undefined: something relied on has changed, and the replica shows it by now. */
async function attempt<T>(context: Context, plan: () => Plan<T>): Promise<Done<T> | undefined> {
  const { store, replica, log } = context
  const { compares, ops, changes, result } = plan()
  if (ops.length === 0) return { result, revision: replica.revision }
  const entries = changes.map((change) => entryFor(context, change))
  const archived = entries.map(archiveOp)
  const answer = await store.txn(firstOfKey(compares), [...firstOfKey(ops), ...archived])
  if (!answer.succeeded) {
    await replica.reached(await store.sync())
    return undefined
  }
  await replica.reached(answer.revision)
  for (const { entry } of entries) log?.info({ audit: entry }, 'changed')
  return { result, revision: answer.revision }
}

function firstOfKey<T extends Compare | Op>(items: readonly T[]): readonly T[] {
  const byKey = new Map<string, T>()
  for (const item of items) {
    const key = 'key' in item ? item.key : JSON.stringify(item)
    if (!byKey.has(key)) byKey.set(key, item)
  }
  return [...byKey.values()]
}
