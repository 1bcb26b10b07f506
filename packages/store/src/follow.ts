// Range, then watch from there: how everyone who reads the store keeps up with it. What was compacted away under a slow
// reader is made good by a fresh range.

import { Compacted } from './errors.ts'
import type { Change, Entry, Revision, Store } from './store.ts'

export type Follower = {
  /** All there is under the prefix: at the start, and again when the store no longer remembers the changes since. */
  snapshot(entries: readonly Entry[], revision: Revision): void
  /** What one later revision changed. */
  change(change: Change): void
}

/** Runs until the signal aborts. Throws what the store or the follower throws. */
export async function follow(
  store: Pick<Store, 'range' | 'watch'>,
  prefix: string,
  follower: Follower,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const { revision, entries } = await store.range(prefix)
    if (signal.aborted) return
    follower.snapshot(entries, revision)
    try {
      for await (const change of store.watch(prefix, revision, signal)) follower.change(change)
    } catch (error) {
      if (!(error instanceof Compacted)) throw error
    }
  }
}
