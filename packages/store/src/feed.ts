// What has happened lately, and those who watch it happen. Pure: no database, no clock.
//
//   publish(change) ──► history, the last events ──► replayed to a watch that begins in the past
//                  └──► the queue of each watcher whose prefix fits, taken by its reader at its own pace
//
// A queue holds no more revisions than the history does: whoever falls behind that is told so, and nobody waits for him.

import { Compacted } from './errors.ts'
import { keyOfEvent } from './store.ts'
import type { Change, Revision, StoreEvent } from './store.ts'

/**
 * Beyond as many events as a large store has entries, ranging again costs less than being told all of them.
 * It also bounds the memory: about 10 MB of port records.
 */
export const HISTORY_EVENTS = 10_000

export class Feed {
  /** Every revision from #oldest to #newest; one more revision is one more number, so none is missing. */
  readonly #history = new Map<Revision, readonly StoreEvent[]>()
  readonly #watchers = new Map<string, Set<Watcher>>()
  /** Of the prefixes in #watchers: with it, finding those that fit a key does not look at the others. */
  #lengths: readonly number[] = []
  #events = 0
  #oldest: Revision
  #newest: Revision
  #end: Error | undefined

  /** Knows nothing of how the store came to this revision. */
  constructor(revision: Revision) {
    this.#oldest = revision + 1
    this.#newest = revision
  }

  get revision(): Revision {
    return this.#newest
  }

  /** The next revision, whole. */
  publish({ revision, events }: Change): void {
    this.#newest = revision
    this.#history.set(revision, events)
    this.#events += events.length
    while (this.#events > HISTORY_EVENTS) this.#forget()
    for (const [prefix, fitting] of this.#byPrefix(events)) {
      const change = { revision, events: fitting }
      for (const watcher of this.#watchers.get(prefix) ?? []) this.#push(watcher, change)
    }
  }

  /** As Store.watch. */
  async *watch(
    prefix: string,
    after: Revision,
    signal: AbortSignal,
  ): AsyncGenerator<Change, void, void> {
    if (this.#end !== undefined) throw this.#end
    if (after < this.#oldest - 1 || after > this.#newest) throw this.#compacted(after)
    const watcher = new Watcher(prefix, this.#since(prefix, after))
    this.#add(watcher)
    const wake = () => watcher.wake()
    signal.addEventListener('abort', wake)
    try {
      while (!signal.aborted) {
        const change = watcher.queue.shift()
        if (change !== undefined) yield change
        else if (watcher.end !== undefined) throw watcher.end
        else await watcher.sleep()
      }
    } finally {
      signal.removeEventListener('abort', wake)
      this.#remove(watcher)
    }
  }

  /** Nothing will come any more: every watch, and every later one, throws this error once it has delivered what it had. */
  close(error: Error): void {
    this.#end = error
    for (const watchers of this.#watchers.values()) {
      for (const watcher of watchers) {
        watcher.end = error
        watcher.wake()
      }
    }
  }

  #push(watcher: Watcher, change: Change): void {
    const first = watcher.queue[0]
    if (first !== undefined && first.revision < this.#oldest) {
      watcher.queue.length = 0
      watcher.end = this.#compacted(first.revision - 1)
      this.#remove(watcher)
    } else watcher.queue.push(change)
    watcher.wake()
  }

  #forget(): void {
    this.#events -= this.#history.get(this.#oldest)?.length ?? 0
    this.#history.delete(this.#oldest)
    this.#oldest++
  }

  #compacted(after: Revision): Compacted {
    return new Compacted(after, this.#oldest, this.#newest)
  }

  #since(prefix: string, after: Revision): Change[] {
    const changes: Change[] = []
    for (let revision = after + 1; revision <= this.#newest; revision++) {
      const all = this.#history.get(revision) ?? []
      const events = all.filter((event) => keyOfEvent(event).startsWith(prefix))
      if (events.length > 0) changes.push({ revision, events })
    }
    return changes
  }

  /** The events under each watched prefix. O(events × different lengths of prefixes). */
  #byPrefix(events: readonly StoreEvent[]): ReadonlyMap<string, readonly StoreEvent[]> {
    const fitting = new Map<string, StoreEvent[]>()
    for (const event of events) {
      const key = keyOfEvent(event)
      for (const length of this.#lengths) {
        const prefix = key.slice(0, length)
        if (length > key.length || !this.#watchers.has(prefix)) continue
        const others = fitting.get(prefix)
        if (others === undefined) fitting.set(prefix, [event])
        else others.push(event)
      }
    }
    return fitting
  }

  #add(watcher: Watcher): void {
    const others = this.#watchers.get(watcher.prefix)
    if (others === undefined) this.#watchers.set(watcher.prefix, new Set([watcher]))
    else others.add(watcher)
    this.#measure()
  }

  #remove(watcher: Watcher): void {
    const others = this.#watchers.get(watcher.prefix)
    others?.delete(watcher)
    if (others?.size === 0) this.#watchers.delete(watcher.prefix)
    this.#measure()
  }

  #measure(): void {
    this.#lengths = [...new Set([...this.#watchers.keys()].map((prefix) => prefix.length))]
  }
}

class Watcher {
  readonly prefix: string
  readonly queue: Change[]
  /** Thrown once the queue is empty. */
  end: Error | undefined
  #woken = Promise.withResolvers<void>()

  constructor(prefix: string, queue: Change[]) {
    this.prefix = prefix
    this.queue = queue
  }

  async sleep(): Promise<void> {
    await this.#woken.promise
    this.#woken = Promise.withResolvers()
  }

  wake(): void {
    this.#woken.resolve()
  }
}
