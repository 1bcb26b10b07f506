// What the server puts right by itself: changes of the replica only mark ids as dirty, and one loop puts them right. Any number
// of servers may run it: compares keep them apart.

import { setImmediate as yieldToOthers, setTimeout as sleep } from 'node:timers/promises'
import type { Touched } from './replica.ts'
import { transact } from './transact.ts'
import type { Context, Plan } from './transact.ts'

const RETRY_MS = 1000

export type Chore = {
  /** Dirty at the start. */
  readonly first: Iterable<string>
  /** What a change makes dirty. */
  readonly marked: (touched: Touched) => ReadonlySet<string>
  /** How many at most in one transaction. */
  readonly batch: number
  readonly plan: (ids: readonly string[]) => Plan<unknown>
  /** What the log says where that fails. */
  readonly failure: string
}

/** Runs until the signal aborts. What fails stays dirty, is logged and tried again. */
export async function putRight(
  context: Context,
  { first, marked, batch, plan, failure }: Chore,
  signal: AbortSignal,
): Promise<void> {
  const { replica, log } = context
  const dirty = new Set(first)
  let wake = Promise.withResolvers<void>()
  using _ = replica.onChange((touched) => {
    for (const id of marked(touched)) dirty.add(id)
    if (dirty.size > 0) wake.resolve()
  })
  const abort = (): void => wake.resolve()
  signal.addEventListener('abort', abort)
  while (!signal.aborted) {
    if (dirty.size === 0) {
      await wake.promise
      wake = Promise.withResolvers()
      continue
    }
    const ids = [...dirty].slice(0, batch)
    for (const id of ids) dirty.delete(id)
    try {
      await transact(context, () => plan(ids))
      // A store in this process answers without letting anyone else run, and there may be many ids.
      await yieldToOthers()
    } catch (error) {
      for (const id of ids) dirty.add(id)
      if (signal.aborted) break
      log?.error({ err: error, ids }, failure)
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined)
    }
  }
  signal.removeEventListener('abort', abort)
}
