// What the store declares for one host: its ports, and the interfaces that are to carry a port's id.

import type { Entry, RecordCodec, Revision, Store } from '@portward/store'
import { follow, parseHostKey } from '@portward/store'
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

/**
 * Runs until the signal aborts. A record that cannot be read changes nothing: what it was to replace stays, so that a port
 * keeps its last good guard, or its silence.
 */
export async function followDeclared<T>(
  store: Store,
  { prefix, codec, set, complete }: Declarations<T>,
  log: Log,
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
  await follow(
    store,
    prefix,
    {
      snapshot(entries, revision) {
        const names = new Set(entries.map(({ key }) => nameOf(key)))
        for (const name of present) if (!names.has(name)) remove(name, revision)
        for (const entry of entries) put(entry)
        complete?.()
      },
      change({ events, revision }) {
        for (const event of events) {
          if (event.type === 'put') put(event.entry)
          else remove(nameOf(event.key), revision)
        }
      },
    },
    signal,
  )
}

function nameOf(key: string): string {
  return parseHostKey(key)?.name ?? key
}
