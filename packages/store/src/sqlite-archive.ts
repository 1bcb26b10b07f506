// The table of the archive: what happened, beside the entries, which say how things stand. Nothing here is read by a range
// or at a start.

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Archived, Op } from './store.ts'

/**
 * AUTOINCREMENT, so that no id comes back, not even the last one's after it was forgotten (sqlite.org/autoinc.html). An index
 * ends with the id of its row: the first holds the rows of a name in the order in which they were archived.
 */
export const archiveSchema = `
  CREATE TABLE archive (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    value TEXT NOT NULL) STRICT;
  CREATE INDEX archive_by_name ON archive (name);
  CREATE INDEX archive_by_at ON archive (at);`

/** Of 2^53, the greatest integer that a number of JavaScript counts up to. */
const ID_DIGITS = 16
const GREATEST_ID = '9'.repeat(ID_DIGITS)

export class Archive {
  readonly #add: StatementSync
  readonly #newest: StatementSync
  readonly #newestOf: StatementSync
  readonly #forget: StatementSync

  constructor(database: DatabaseSync) {
    const sql = (text: string) => database.prepare(text)
    this.#add = sql('INSERT INTO archive (name, at, value) VALUES (?, ?, ?)')
    this.#newest = sql('SELECT * FROM archive WHERE id < ? ORDER BY id DESC LIMIT ?')
    this.#newestOf = sql('SELECT * FROM archive WHERE name = ? AND id < ? ORDER BY id DESC LIMIT ?')
    this.#forget = sql(
      'DELETE FROM archive WHERE id IN (SELECT id FROM archive WHERE at < ? ORDER BY at LIMIT ?)',
    )
  }

  add({ name, at, value }: Extract<Op, { readonly type: 'archive' }>): void {
    this.#add.run(name, at, value)
  }

  /** Throws a TypeError if `before` is no id. */
  newest(name: string | undefined, before: string | undefined, limit: number): readonly Archived[] {
    const id = numberOf(before ?? GREATEST_ID)
    const rows =
      name === undefined ? this.#newest.all(id, limit) : this.#newestOf.all(name, id, limit)
    return rows.map((row) => ({
      id: String(row['id']).padStart(ID_DIGITS, '0'),
      name: String(row['name']),
      at: Number(row['at']),
      value: String(row['value']),
    }))
  }

  /** Those that happened first, `limit` of them; how many there were. */
  forget(before: number, limit: number): number {
    return Number(this.#forget.run(before, limit).changes)
  }
}

function numberOf(id: string): number {
  if (id.length === ID_DIGITS && /^\d+$/.test(id)) return Number(id)
  throw new TypeError(`${JSON.stringify(id)}: not an id of the archive: take one that it gave`)
}
