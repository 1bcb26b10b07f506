// Operations of a transaction and their results: RFC 7047, section 5.2. What a column holds is written by `encode`.

import { NotationError, OvsdbError } from './errors.ts'
import type { Json } from './notation.ts'

/** `[column, function, value]` */
export type Condition = readonly [
  column: string,
  is: '==' | '!=' | '<' | '<=' | '>' | '>=' | 'includes' | 'excludes',
  value: Json,
]

/** `[column, mutator, value]` */
export type Mutation = readonly [
  column: string,
  how: '+=' | '-=' | '*=' | '/=' | '%=' | 'insert' | 'delete',
  value: Json,
]

export type WireRow = Readonly<Record<string, Json>>
type On = { readonly table: string; readonly where: readonly Condition[] }

export type Op =
  | {
      readonly op: 'insert'
      readonly table: string
      readonly row: WireRow
      /** Other operations of the transaction may name the row as `["named-uuid", …]`. */
      readonly 'uuid-name'?: string
    }
  | ({ readonly op: 'select'; readonly columns?: readonly string[] } & On)
  | ({ readonly op: 'update'; readonly row: WireRow } & On)
  | ({ readonly op: 'mutate'; readonly mutations: readonly Mutation[] } & On)
  | ({ readonly op: 'delete' } & On)
  | ({
      readonly op: 'wait'
      /** Milliseconds; 0 makes the transaction fail at once. */
      readonly timeout: number
      readonly columns: readonly string[]
      readonly until: '==' | '!='
      readonly rows: readonly WireRow[]
    } & On)
  | { readonly op: 'comment'; readonly comment: string }

export type OpResult = {
  /** Of a select. */
  readonly rows?: readonly WireRow[]
  /** Rows touched by an update, mutate or delete. */
  readonly count?: number
  /** Of the row inserted. */
  readonly uuid?: readonly ['uuid', string]
}

/**
 * The result of each operation. Throws an OvsdbError that names the operation which failed: the database answers with as
 * many results as there were operations, null for those it did not get to, and with one more, an error, if all of them
 * succeeded and the commit did not.
 */
export function resultsOf(ops: readonly Op[], reply: unknown): readonly OpResult[] {
  if (!Array.isArray(reply)) throw new NotationError('transact: the results are no array')
  return reply.map((result: unknown, i) => {
    if (isError(result)) throw new OvsdbError(nameOf(ops, i), result.error, result.details)
    // Not reached: an earlier operation failed, and that was thrown.
    if (!isResult(result)) throw new NotationError(`${nameOf(ops, i)}: the result is no object`)
    return result
  })
}

export function isError(value: unknown): value is { error: string; details?: string } {
  return isObject(value) && 'error' in value && typeof value.error === 'string'
}

function isResult(value: unknown): value is OpResult {
  return isObject(value) && (!('rows' in value) || Array.isArray(value.rows))
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function nameOf(ops: readonly Op[], i: number): string {
  const op = ops[i]
  if (op === undefined) return 'transaction: commit'
  const on = 'table' in op ? ` ${op.table}` : ''
  return `transaction, operation ${i + 1} of ${ops.length} (${op.op}${on})`
}
