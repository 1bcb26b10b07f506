// The store in one SQLite file, inside the process. Every transaction runs to its end without letting go of the event loop,
// so no two ever meet. One that writes what lasts costs one fsync, one that writes under a lease only costs none.
//
// Revisions: what is leased takes numbers too, and leaves no trace on the disk. Were a start to count on from the largest
// number it finds there, a number would come back with another meaning, and whoever watches on from one that he kept (the
// agent's cache file) would miss what came in between. So numbers are reserved on the disk before they are used, many at
// once, and a start takes the first that is not: a number from an earlier run is then always too old, Compacted.

import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { LeaseExpired, StoreError } from './errors.ts'
import { Feed } from './feed.ts'
import { checkArchived, checkPrefix, checkTtl, checkTxn } from './limits.ts'
import { Archive } from './sqlite-archive.ts'
import { isDiskFull, isSqliteError, openDatabase, storeErrorOf } from './sqlite-file.ts'
import { Tables } from './sqlite-tables.ts'
import type {
  Change,
  Compare,
  Entry,
  Lease,
  LeaseId,
  Op,
  Revision,
  Store,
  StoreEvent,
  TxnResult,
} from './store.ts'

export type SqliteOptions = {
  /** Made if there is none, and its directory. */
  readonly file: string
}

/** A start leaves out no more than this: 2^53 has room for 10^11 of them. One fsync for so many leased writes isn't felt. */
export const RESERVE = 10_000

/** Forgotten in one transaction: a writer waits for no more than that. */
export const FORGET_PIECE = 200

/** Throws a StoreError that names the file and the way out. */
export async function openSqlite(options: SqliteOptions): Promise<Store> {
  const file = resolve(options.file)
  const database = openDatabase(file)
  try {
    return new SqliteStore(file, database)
  } catch (cause) {
    database.close()
    throw storeErrorOf(file, cause)
  }
}

class SqliteStore implements Store {
  readonly #file: string
  readonly #database: DatabaseSync
  readonly #tables: Tables
  readonly #archive: Archive
  readonly #feed: Feed
  readonly #leases = new Map<LeaseId, NodeJS.Timeout>()
  /** No run has come to this revision, says the disk. */
  #unused: Revision
  /** Thrown by every verb, once nothing can be done any more. */
  #end: StoreError | undefined

  constructor(file: string, database: DatabaseSync) {
    this.#file = file
    this.#database = database
    this.#tables = new Tables(database)
    this.#archive = new Archive(database)
    this.#unused = this.#tables.unused()
    this.#feed = new Feed(this.#unused)
  }

  async range(prefix: string) {
    checkPrefix(prefix)
    const entries = this.#transaction(() => this.#tables.range(prefix))
    return { revision: this.#feed.revision, entries }
  }

  async txn(compares: readonly Compare[], ops: readonly Op[]): Promise<TxnResult> {
    checkTxn(compares, ops)
    let failed: readonly Compare[] = []
    this.#write((revision) => {
      failed = compares.filter(
        ({ key, modified }) => modified !== (this.#tables.find(key)?.modified ?? 0),
      )
      return failed.length > 0 ? [] : ops.flatMap((op) => this.#apply(op, revision))
    })
    if (failed.length > 0) return { succeeded: false, failed }
    return { succeeded: true, revision: this.#feed.revision }
  }

  watch(prefix: string, after: Revision, signal: AbortSignal): AsyncIterable<Change> {
    checkPrefix(prefix)
    return this.#feed.watch(prefix, after, signal)
  }

  async lease(ttlSeconds: number): Promise<Lease> {
    checkTtl(ttlSeconds)
    this.#mustGoOn()
    const id = randomUUID()
    const timer = setTimeout(() => this.#expire(id), ttlSeconds * 1000).unref()
    this.#leases.set(id, timer)
    const revoke = async () => this.#revoke(id)
    return {
      id,
      keepAlive: async () => {
        this.#mustGoOn()
        if (!this.#leases.has(id)) throw new LeaseExpired(id)
        timer.refresh()
      },
      revoke,
      [Symbol.asyncDispose]: revoke,
    }
  }

  async archived({ name, before, limit }: Parameters<Store['archived']>[0]) {
    checkArchived(name, limit)
    this.#mustGoOn()
    try {
      return this.#archive.newest(name, before, limit)
    } catch (cause) {
      // A damaged page of the past is no reason to end the present.
      throw isSqliteError(cause) ? storeErrorOf(this.#file, cause) : cause
    }
  }

  async forget(before: number): Promise<number> {
    let forgotten = 0
    for (;;) {
      const piece = this.#transaction(() => this.#archive.forget(before, FORGET_PIECE))
      forgotten += piece
      if (piece < FORGET_PIECE) return forgotten
      await setImmediate()
    }
  }

  async [Symbol.asyncDispose]() {
    if (!this.#database.isOpen) return
    this.#stop(new StoreError(`${this.#file}: was closed: open it again`))
    this.#database.close()
  }

  #expire(id: LeaseId): void {
    try {
      this.#revoke(id)
    } catch (error) {
      // A store that stopped tells everybody who asks, and here nobody does.
      if (error !== this.#end) throw error
    }
  }

  #revoke(id: LeaseId): void {
    const timer = this.#leases.get(id)
    if (timer === undefined) return
    this.#write((revision) => deletions(this.#tables.dropLease(id), revision))
    clearTimeout(timer)
    this.#leases.delete(id)
  }

  /** What `work` says it changed becomes the next revision, once it is on the disk. */
  #write(work: (revision: Revision) => readonly StoreEvent[]): void {
    const revision = this.#feed.revision + 1
    const unused = revision < this.#unused ? this.#unused : revision + RESERVE
    const events = this.#transaction(() => {
      const events = work(revision)
      if (events.length > 0 && unused > this.#unused) this.#tables.reserveUpTo(unused)
      return events
    })
    if (events.length === 0) return
    this.#unused = unused
    this.#feed.publish({ revision, events })
  }

  #apply(op: Op, revision: Revision): readonly StoreEvent[] {
    switch (op.type) {
      case 'put':
        return [{ type: 'put', entry: this.#put(op.key, op.value, op.lease, revision) }]
      case 'delete': {
        const found = this.#tables.find(op.key)
        if (found === undefined) return []
        this.#tables.drop(op.key, found)
        return deletions([op.key], revision)
      }
      case 'deletePrefix':
        return deletions(this.#tables.dropPrefix(op.prefix), revision)
      case 'archive':
        this.#archive.add(op)
        return []
      default:
        op satisfies never
        throw new Error('unreachable')
    }
  }

  #put(key: string, value: string, lease: LeaseId | undefined, modified: Revision): Entry {
    if (lease !== undefined && !this.#leases.has(lease)) throw new LeaseExpired(lease)
    const found = this.#tables.find(key)
    const entry = { key, value, created: found?.created ?? modified, modified }
    if (found !== undefined) this.#tables.drop(key, found) // it may stand in the other table
    this.#tables.put(entry, lease)
    return entry
  }

  /** Undoes everything when `work` throws. */
  #transaction<T>(work: () => T): T {
    this.#mustGoOn()
    try {
      this.#database.exec('BEGIN')
      const result = work()
      this.#database.exec('COMMIT')
      return result
    } catch (cause) {
      throw this.#undo(cause)
    }
  }

  /** The error to throw. A store that can't know what is on the disk now stops: the next start reads it afresh. */
  #undo(cause: unknown): unknown {
    try {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
    } catch (cause) {
      return this.#stop(storeErrorOf(this.#file, cause))
    }
    if (!isSqliteError(cause)) return cause
    const error = storeErrorOf(this.#file, cause)
    return isDiskFull(cause) ? error : this.#stop(error)
  }

  #mustGoOn(): void {
    if (this.#end !== undefined) throw this.#end
  }

  #stop(error: StoreError): StoreError {
    this.#end ??= error
    for (const timer of this.#leases.values()) clearTimeout(timer)
    this.#leases.clear()
    this.#feed.close(this.#end)
    return this.#end
  }
}

function deletions(keys: readonly string[], modified: Revision): readonly StoreEvent[] {
  return keys.map((key) => ({ type: 'delete', key, modified }))
}
