// What the store declares for one host: its ports, and the interfaces that are to carry a port's id.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Entry, Follower, RecordCodec, Revision, Store } from '@portward/store'
import { StoreError, follow, parseHostKey } from '@portward/store'
import type { Cache } from './cache.ts'
import type { Log } from './log.ts'

export type Declarations<T> = {
  /** Where they stand, such as `keys.hostPorts(host)`. */
  readonly prefix: string
  readonly codec: RecordCodec<T>
  /** A declaration, or (undefined) its end. `name` is the last part of the key: a port's id, an interface's name. */
  readonly set: (name: string, declared: T | undefined, revision: Revision) => void
  /** Everything that is declared now has been set. */
  readonly complete?: () => void
}

/** How long the store may take to tell what there is, before the cache is asked. */
const PATIENCE_MS = 1000
/** Between two tries to read a store that is away. */
const RETRY_MS = 1000

/**
 * Runs until the signal aborts. A record that cannot be read changes nothing: what it was to replace stays, so that a port
 * keeps its last good guard, or its silence. With a cache, a store that is away is waited for, and meanwhile the cache is
 * gone by; without, its failure is thrown.
 */
export async function followDeclared<T>(
  store: Store,
  { prefix, codec, set, complete }: Declarations<T>,
  { cache, log }: { readonly cache: Cache | undefined; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  const present = new Set<string>()
  const put = (entry: Entry): void => {
    const name = nameOf(entry.key)
    present.add(name)
    try {
      set(name, codec.decode(entry), entry.modified)
    } catch (err) {
      log.error(
        { err, key: entry.key },
        'a declaration cannot be read: what was there before stays',
      )
    }
  }
  const remove = (name: string, revision: Revision): void => {
    present.delete(name)
    set(name, undefined, revision)
  }
  const declare = (entries: readonly Entry[], revision: Revision): void => {
    const names = new Set(entries.map(({ key }) => nameOf(key)))
    for (const name of present) if (!names.has(name)) remove(name, revision)
    for (const entry of entries) put(entry)
    complete?.()
  }
  const recall = (): void => {
    const known = cache?.recall(prefix)
    if (known === undefined)
      return log.warn({ prefix }, 'the store does not answer: waiting for it')
    log.warn({ prefix, entries: known.entries.length }, cache?.note ?? '')
    declare(known.entries, known.revision)
  }
  let away = false
  const patience = cache && setTimeout(recall, PATIENCE_MS)
  const follower: Follower = {
    snapshot(entries, revision) {
      clearTimeout(patience)
      if (away) log.info({ prefix }, 'the store is back')
      away = false
      declare(entries, revision)
      cache?.snapshot(prefix, entries, revision)
    },
    change(change) {
      const { events, revision } = change
      for (const event of events) {
        if (event.type === 'put') put(event.entry)
        else remove(nameOf(event.key), revision)
      }
      cache?.change(prefix, change)
    },
  }
  try {
    while (!signal.aborted) await attempt()
  } finally {
    clearTimeout(patience)
  }

  async function attempt(): Promise<void> {
    try {
      await follow(store, prefix, follower, signal)
    } catch (err) {
      if (cache === undefined || !(err instanceof StoreError)) throw err
      if (signal.aborted) return
      if (!away) log.warn({ err, prefix }, 'the store cannot be read: trying again until it can')
      away = true
      await sleep(RETRY_MS, undefined, { signal }).catch(() => {})
    }
  }
}

function nameOf(key: string): string {
  return parseHostKey(key)?.name ?? key
}
