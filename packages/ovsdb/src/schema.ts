// Whether the server's database is what was declared: RFC 7047, section 3.2, as `get_schema` gives it.

import type { Schema } from './column.ts'
import { columnTypes } from './column.ts'
import { SchemaError } from './errors.ts'

/**
 * Throws a SchemaError that names every column which is missing or holds something else. Tables and columns beyond those
 * declared are none of our business.
 */
export function checkSchema(declared: Schema, served: unknown): void {
  const faults = Object.entries(declared).flatMap(([table, columns]) =>
    Object.entries(columns).flatMap(([column, type]) => {
      const there = member(served, 'tables', table, 'columns', column, 'type')
      if (there === undefined) return [`${table}.${column} is not there`]
      const [want, have] = [textOf(columnTypes[type]), textOf(servedType(there))]
      return want === have ? [] : [`${table}.${column} holds ${have}, not ${want}`]
    }),
  )
  if (faults.length === 0) return
  const [name, version] = [member(served, 'name'), member(served, 'version')]
  throw new SchemaError(
    `database ${String(name)} ${String(version)} is not the one expected: ${faults.join('; ')}: is Open vSwitch too old?`,
  )
}

type ServedType = { readonly shape: string; readonly of: string; readonly key?: string }

/** `<type>`: an atomic type by its name, or `{ key, value?, min = 1, max = 1 }`. */
function servedType(type: unknown): ServedType {
  const key = baseName(member(type, 'key') ?? type)
  const value = member(type, 'value')
  if (value !== undefined) return { shape: 'map', key, of: baseName(value) }
  if ((member(type, 'max') ?? 1) !== 1) return { shape: 'set', of: key }
  return { shape: member(type, 'min') === 0 ? 'optional' : 'one', of: key }
}

/** `<base-type>`: the name of an atomic type, alone or with what restricts it. */
function baseName(base: unknown): string {
  return String(member(base, 'type') ?? base)
}

function textOf({ shape, of, key }: ServedType): string {
  if (shape === 'set') return `set of ${of}`
  return key === undefined ? `${shape} ${of}` : `map of ${key} to ${of}`
}

function member(value: unknown, ...path: readonly string[]): unknown {
  let at = value
  for (const name of path) {
    if (typeof at !== 'object' || at === null) return undefined
    at = Object.getOwnPropertyDescriptor(at, name)?.value
  }
  return at
}
