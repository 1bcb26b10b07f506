// One table of the replica, and what the server tells of one of its rows: `<row-update2>`, ovsdb-server(7), 4.1.14.

import type { ColumnType, TableSchema, Uuid, Value } from './column.ts'
import { columnTypes } from './column.ts'
import { applyDiff, sameValue } from './diff.ts'
import { NotationError } from './errors.ts'
import { decode, defaultOf } from './notation.ts'

export type Row = Readonly<Record<string, Value>>

export type Table = {
  readonly name: string
  readonly columns: readonly Column[]
  readonly rows: Map<Uuid, Row>
}

type Column = {
  readonly name: string
  /** `table.column`, for errors. */
  readonly where: string
  readonly type: ColumnType
  /** What a new row has that does not mention the column. */
  readonly initial: Value
}

export function tableOf(name: string, schema: TableSchema): Table {
  const columns = Object.entries(schema).map(([column, typeName]): Column => {
    const type = columnTypes[typeName]
    return { name: column, where: `${name}.${column}`, type, initial: defaultOf(type) }
  })
  return { name, columns, rows: new Map() }
}

/**
 * The row after `{ initial | insert: row }`, `{ modify: differences }` or `{ delete: null }`; undefined if it is gone.
 * Throws a NotationError if that makes no sense, or can't happen to `before`.
 */
export function rowAfter(table: Table, before: Row | undefined, update: unknown): Row | undefined {
  const [[how, content] = ['nothing', undefined], ...more] = members(update, table.name)
  if (more.length > 0)
    throw new NotationError(`${table.name}: more than one thing happened to a row`)
  switch (how) {
    case 'initial':
    case 'insert':
      if (before !== undefined) throw new NotationError(`${table.name}: a row came twice`)
      return newRow(table, content)
    case 'modify':
      if (before === undefined) break
      return modifiedRow(table, before, content)
    case 'delete':
      if (before === undefined) break
      return undefined
    default:
      throw new NotationError(`${table.name}: ${how} is nothing that happens to a row`)
  }
  throw new NotationError(`${table.name}: ${how} of a row that never came`)
}

export function sameRow(table: Table, a: Row, b: Row): boolean {
  return table.columns.every(({ name }) => sameValue(a[name], b[name]))
}

/** Throws a NotationError that names `what` if it is no object. */
export function members(value: unknown, what: string): readonly [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new NotationError(`${what}: want an object, have ${JSON.stringify(value)}`)
  }
  return Object.entries(value)
}

function newRow({ name, columns }: Table, content: unknown): Row {
  const told = new Map(members(content, name))
  const row: Record<string, Value> = {}
  for (const column of columns) {
    row[column.name] = told.has(column.name)
      ? decode(column.type, told.get(column.name), column.where)
      : column.initial
  }
  return row
}

function modifiedRow({ name, columns }: Table, before: Row, content: unknown): Row {
  const told = new Map(members(content, name))
  const row: Record<string, Value> = { ...before }
  for (const column of columns) {
    if (!told.has(column.name)) continue
    row[column.name] = applyDiff(
      column.type,
      before[column.name],
      told.get(column.name),
      column.where,
    )
  }
  return row
}
