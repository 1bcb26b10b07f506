// The two tables of entries, as one. A key stands in one of them only.
//
//   entries   what lasts: in the file
//   leased    what stands under a lease: a TEMP table, in memory. Its holder lives in this process, so at the next start
//             there is nobody left who could still hold it; and writing it needs no disk
//
// One transaction of SQLite spans both, so an error undoes both.

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { endOf } from './limits.ts'
import type { Entry, LeaseId, Revision } from './store.ts'

/** The key's own tree holds the row (WITHOUT ROWID): a range of 10,000 entries takes half the time so. */
const columns = `
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  created INTEGER NOT NULL,
  modified INTEGER NOT NULL`

/** What stands in the file. */
export const entriesSchema = `
  CREATE TABLE entries (${columns}) STRICT, WITHOUT ROWID;
  CREATE TABLE revisions (unused INTEGER NOT NULL) STRICT;
  INSERT INTO revisions VALUES (0);`

const leasedSchema = `
  CREATE TEMP TABLE leased (${columns}, lease TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX temp.leased_by_lease ON leased (lease);`

export type Found = {
  readonly created: Revision
  readonly modified: Revision
  readonly leased: boolean
}

export class Tables {
  readonly #find: StatementSync
  readonly #range: StatementSync
  readonly #put: StatementSync
  readonly #putLeased: StatementSync
  readonly #drop: StatementSync
  readonly #dropLeased: StatementSync
  readonly #dropRange: StatementSync
  readonly #dropLeasedRange: StatementSync
  readonly #dropLease: StatementSync
  readonly #unused: StatementSync
  readonly #reserve: StatementSync

  constructor(database: DatabaseSync) {
    database.exec(leasedSchema)
    const sql = (text: string) => database.prepare(text)
    this.#find = sql(`
      SELECT created, modified, 0 AS leased FROM entries WHERE key = ?1
      UNION ALL SELECT created, modified, 1 FROM leased WHERE key = ?1`)
    this.#range = sql(`
      SELECT key, value, created, modified FROM entries WHERE key >= ?1 AND key < ?2
      UNION ALL SELECT key, value, created, modified FROM leased WHERE key >= ?1 AND key < ?2
      ORDER BY key`)
    // Half the time that rows as objects take: they would be copied anyway, for they come without a prototype.
    this.#range.setReturnArrays(true)
    this.#put = sql('INSERT INTO entries VALUES (?, ?, ?, ?)')
    this.#putLeased = sql('INSERT INTO leased VALUES (?, ?, ?, ?, ?)')
    this.#drop = sql('DELETE FROM entries WHERE key = ?')
    this.#dropLeased = sql('DELETE FROM leased WHERE key = ?')
    this.#dropRange = sql('DELETE FROM entries WHERE key >= ? AND key < ? RETURNING key')
    this.#dropLeasedRange = sql('DELETE FROM leased WHERE key >= ? AND key < ? RETURNING key')
    this.#dropLease = sql('DELETE FROM leased WHERE lease = ? RETURNING key')
    this.#unused = sql('SELECT unused FROM revisions')
    this.#reserve = sql('UPDATE revisions SET unused = ?')
  }

  find(key: string): Found | undefined {
    const row = this.#find.get(key)
    if (row === undefined) return undefined
    const { created, modified, leased } = row
    return { created: Number(created), modified: Number(modified), leased: leased === 1 }
  }

  /** In the order of their keys. */
  range(prefix: string): readonly Entry[] {
    return this.#range.all(prefix, endOf(prefix)).map((row) => ({
      key: String(row[0]),
      value: String(row[1]),
      created: Number(row[2]),
      modified: Number(row[3]),
    }))
  }

  /** Of a key that stands in neither table. */
  put({ key, value, created, modified }: Entry, lease: LeaseId | undefined): void {
    if (lease === undefined) this.#put.run(key, value, created, modified)
    else this.#putLeased.run(key, value, created, modified, lease)
  }

  drop(key: string, found: Found): void {
    if (found.leased) this.#dropLeased.run(key)
    else this.#drop.run(key)
  }

  /** The keys that stood there, in order. */
  dropPrefix(prefix: string): readonly string[] {
    const [from, to] = [prefix, endOf(prefix)]
    return keysOf([...this.#dropRange.all(from, to), ...this.#dropLeasedRange.all(from, to)])
  }

  /** The keys that stood there, in order. */
  dropLease(lease: LeaseId): readonly string[] {
    return keysOf(this.#dropLease.all(lease))
  }

  /** The least revision that no run can have come to. */
  unused(): Revision {
    return Number(this.#unused.get()?.['unused'])
  }

  /** From now on `unused` is this one. */
  reserveUpTo(unused: Revision): void {
    this.#reserve.run(unused)
  }
}

function keysOf(rows: readonly Record<string, unknown>[]): readonly string[] {
  return rows.map(({ key }) => String(key)).sort()
}
