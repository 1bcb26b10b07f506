// The monitored part of a database, kept in step: ovsdb-server(7), 4.1.12 to 4.1.16. Pure: what the server said comes in,
// what changed comes out, once for each transaction.
//
//   disconnected ──► reply of monitor_cond_since ──► update3, update3, …
//
// After a reconnect the server sends the whole contents again, unless it remembers the transaction we saw last (a clustered
// database does, for a while): either way only what truly changed in between comes out.

import type { RowOf, Schema, Uuid } from './column.ts'
import { NotationError } from './errors.ts'
import { members, rowAfter, sameRow, tableOf } from './table.ts'
import type { Row, Table } from './table.ts'

/** A row that came (`before` undefined), changed, or went (`after` undefined). */
export type Change<S extends Schema> = {
  [T in keyof S & string]: {
    readonly table: T
    readonly uuid: Uuid
    readonly before: RowOf<S[T]> | undefined
    readonly after: RowOf<S[T]> | undefined
  }
}[keyof S & string]

/** The transaction nobody has seen: asks for everything. */
export const NO_TXN: Uuid = '00000000-0000-0000-0000-000000000000'

type RowChange = {
  readonly table: Table
  readonly uuid: Uuid
  readonly before: Row | undefined
  readonly after: Row | undefined
}

export class Replica<S extends Schema> {
  readonly #tables: ReadonlyMap<string, Table>
  readonly #tell: (changes: readonly Change<S>[]) => void
  #lastTxn = NO_TXN
  /** Updates that came before the monitor's reply; undefined once that is there. */
  #early: unknown[] | undefined = []

  /** `tell` is called once for each transaction that changed something, when `rows` has these changes and no later ones. */
  constructor(schema: S, tell: (changes: readonly Change<S>[]) => void) {
    this.#tables = new Map(
      Object.entries(schema).map(([name, columns]) => [name, tableOf(name, columns)]),
    )
    this.#tell = tell
  }

  /** What to ask the next monitor to go on from. */
  get lastTxn(): Uuid {
    return this.#lastTxn
  }

  rows<T extends keyof S & string>(table: T): ReadonlyMap<Uuid, RowOf<S[T]>> {
    const rows: ReadonlyMap<Uuid, Row> | undefined = this.#tables.get(table)?.rows
    if (rows === undefined) throw new TypeError(`no table ${table} was declared`)
    // Decoded by the schema its type comes from.
    return rows as ReadonlyMap<Uuid, RowOf<S[T]>>
  }

  /** The connection went. What is known stays, until a next one says what became of it. */
  disconnected(): void {
    this.#early = []
  }

  /** `[found, last-txn-id, table-updates2]`: what changed since the last connection. Early updates come after it. */
  reply(result: unknown): void {
    const [found, txn, updates] = triple(result, 'monitor_cond_since')
    const early = this.#early ?? []
    this.#early = undefined
    this.#move(txn, () => (found === true ? this.#advanced(updates) : this.#replaced(updates)))
    for (const params of early) this.update(params)
  }

  /** `[monitor, last-txn-id, table-updates2]`: one transaction, or several if we were slow to read. */
  update(params: unknown): void {
    const [, txn, updates] = triple(params, 'update3')
    if (this.#early !== undefined) this.#early.push(params)
    else this.#move(txn, () => this.#advanced(updates))
  }

  /** All of the changes or, if one of them makes no sense, none; then only the whole contents can put things right. */
  #move(txn: unknown, changesOf: () => readonly RowChange[]): void {
    this.#lastTxn = NO_TXN
    const changes = changesOf()
    for (const { table, uuid, after } of changes) {
      if (after === undefined) table.rows.delete(uuid)
      else table.rows.set(uuid, after)
    }
    this.#lastTxn = String(txn)
    if (changes.length === 0) return
    const told = changes.map(({ table, ...change }) => ({ table: table.name, ...change }))
    // Decoded by the schema its type comes from.
    this.#tell(told as Change<S>[])
  }

  /** What `updates`, told as steps from what is known, change. */
  #advanced(updates: unknown): readonly RowChange[] {
    return this.#told(updates).flatMap(([table, rows]) =>
      rows.flatMap(([uuid, update]) => {
        const before = table.rows.get(uuid)
        return changeOf(table, uuid, before, rowAfter(table, before, update))
      }),
    )
  }

  /** What changes if `updates` tell the whole contents. */
  #replaced(updates: unknown): readonly RowChange[] {
    const told = new Map(this.#told(updates))
    return [...this.#tables.values()].flatMap((table) => {
      const present = new Map(told.get(table))
      const gone = [...table.rows].filter(([uuid]) => !present.has(uuid))
      return [
        ...gone.map(([uuid, before]) => ({ table, uuid, before, after: undefined })),
        ...[...present].flatMap(([uuid, update]) =>
          changeOf(table, uuid, table.rows.get(uuid), rowAfter(table, undefined, update)),
        ),
      ]
    })
  }

  #told(updates: unknown): readonly (readonly [Table, readonly [Uuid, unknown][]])[] {
    return members(updates, 'table-updates2').map(([name, rows]) => {
      const table = this.#tables.get(name)
      if (table === undefined) throw new NotationError(`${name}: nobody asked for that table`)
      return [table, members(rows, name)]
    })
  }
}

/** None where a row turns out to be what it was. */
function changeOf(
  table: Table,
  uuid: Uuid,
  before: Row | undefined,
  after: Row | undefined,
): readonly RowChange[] {
  if (before !== undefined && after !== undefined && sameRow(table, before, after)) return []
  return [{ table, uuid, before, after }]
}

function triple(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value) && value.length === 3) return value
  throw new NotationError(
    `${what}: want [_, last-txn-id, table-updates2], have ${JSON.stringify(value)}`,
  )
}
