// The store in one SQLite file, inside the process. Nothing that writes the file lets go of the event loop on the way, so no two
// transactions ever meet. Those asked for at the same time are committed together: whatever lasts of them costs one fsync;
// what is under a lease only costs none.
//
// Revisions: what is leased takes numbers too, and leaves no trace on the disk. Were a start to count on from the largest
// number it finds there, a number would come back with another meaning, and whoever watches on from one that he kept (the
// agent's cache file) would miss what came in between. So numbers are reserved on the disk before they are used, many at
// once, and a start takes the first that is not: a number from an earlier run is then always too old, Compacted.

import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as yieldToOthers } from 'node:timers/promises'
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

type Asked = {
  readonly compares: readonly Compare[]
  readonly ops: readonly Op[]
  readonly resolve: (result: TxnResult) => void
  readonly reject: (error: unknown) => void
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
  /** Transactions that are to be committed next, together. */
  readonly #asked: Asked[] = []
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

  async sync(): Promise<Revision> {
    return this.#feed.revision
  }

  async txn(compares: readonly Compare[], ops: readonly Op[]): Promise<TxnResult> {
    checkTxn(compares, ops)
    this.#mustGoOn()
    const { promise, resolve, reject } = Promise.withResolvers<TxnResult>()
    this.#asked.push({ compares, ops, resolve, reject })
    // After whatever else has arrived by now: it is committed together.
    if (this.#asked.length === 1) setImmediate(() => this.#commit(this.#asked.splice(0)))
    return promise
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
      await yieldToOthers()
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
    this.#write((revision) => {
      const events = deletions(this.#tables.dropLease(id), revision)
      return { changes: events.length === 0 ? [] : [{ revision, events }], result: undefined }
    })
    clearTimeout(timer)
    this.#leases.delete(id)
  }

  /** One fsync for all; each is a revision of its own, and sees those before it. */
  #commit(asked: readonly Asked[]): void {
    try {
      const results = this.#write((next) => {
        const changes: Change[] = []
        return { changes, result: asked.map((one) => this.#decide(one, next, changes)) }
      })
      for (const [i, { resolve, reject }] of asked.entries()) {
        const result = results[i]
        if (result instanceof Error) reject(result)
        else if (result !== undefined) resolve(result)
      }
    } catch (error) {
      // Of a disk that is full, one may have wanted more than there is, and the others not.
      if (asked.length > 1 && this.#end === undefined) for (const one of asked) this.#commit([one])
      else for (const { reject } of asked) reject(error)
    }
  }

  /** Adds what it changes, if it does, to the changes from the revision `next` on. */
  #decide({ compares, ops }: Asked, next: Revision, changes: Change[]): TxnResult | Error {
    for (const op of ops) {
      const lease = op.type === 'put' ? op.lease : undefined
      if (lease !== undefined && !this.#leases.has(lease)) return new LeaseExpired(lease)
    }
    const failed = compares.filter(
      ({ key, modified }) => modified !== (this.#tables.find(key)?.modified ?? 0),
    )
    if (failed.length > 0) return { succeeded: false, failed }
    const revision = next + changes.length
    const events = ops.flatMap((op) => this.#apply(op, revision))
    if (events.length === 0) return { succeeded: true, revision: revision - 1 }
    changes.push({ revision, events })
    return { succeeded: true, revision }
  }

  /** The changes that `work` says it made, from this revision on, are published once they are on the disk. */
  #write<T>(
    work: (next: Revision) => { readonly changes: readonly Change[]; readonly result: T },
  ): T {
    const next = this.#feed.revision + 1
    let unused = this.#unused
    const { changes, result } = this.#transaction(() => {
      const done = work(next)
      const last = next + done.changes.length - 1
      if (last >= unused) {
        unused = last + RESERVE
        this.#tables.reserveUpTo(unused)
      }
      return done
    })
    this.#unused = unused
    for (const change of changes) this.#feed.publish(change)
    return result
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
