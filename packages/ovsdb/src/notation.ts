// Values on the wire: RFC 7047, section 5.1.
//
//   <atom>   true  5  0.5  "text"  ["uuid", "…"]
//   <set>    <atom>  |  ["set", [<atom>*]]          one element may stand alone; a column without a value is an empty set
//   <map>    ["map", [[<atom>, <atom>]*]]

import type { Atom, AtomName, AtomValues, ColumnType, RowOf, TableSchema, Value } from './column.ts'
import { columnTypes } from './column.ts'
import { NotationError } from './errors.ts'

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [member: string]: Json }

/** `where` names the value in errors, as `table.column`. Throws a NotationError with it, what was wanted and what was there. */
export function decode(column: ColumnType, wire: unknown, where: string): Value {
  switch (column.shape) {
    case 'one':
      return decodeAtom(column.of, wire, where)
    case 'optional': {
      const atoms = decodeAtoms(column.of, wire, where)
      if (atoms.length > 1) throw unexpected(`at most one ${column.of}`, wire, where)
      return atoms[0]
    }
    case 'set':
      return new Set(decodeAtoms(column.of, wire, where))
    case 'map':
      return new Map(decodePairs(column.key, column.of, wire, where))
    default:
      column satisfies never
      throw new Error('unreachable')
  }
}

/** What a column has that the server does not mention in a new row: ovsdb-server(7), 4.1.14. */
export function defaultOf(column: ColumnType): Value {
  switch (column.shape) {
    case 'one':
      return atoms[column.of].none
    case 'optional':
      return undefined
    case 'set':
      return new Set()
    case 'map':
      return new Map()
    default:
      column satisfies never
      throw new Error('unreachable')
  }
}

export function encode(column: ColumnType, value: Value): Json {
  if (value === undefined) return ['set', []]
  if (typeof value !== 'object') return encodeAtom(column.of, value)
  if ('get' in value) {
    const key = column.shape === 'map' ? column.key : column.of
    return ['map', [...value].map(([k, v]) => [encodeAtom(key, k), encodeAtom(column.of, v)])]
  }
  return ['set', [...value].map((atom) => encodeAtom(column.of, atom))]
}

/** Columns left out keep their value in an update, and get their default in an insert. */
export function encodeRow<T extends TableSchema>(
  schema: T,
  row: Partial<RowOf<T>>,
): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    Object.entries<Value>(row).map(([column, value]) => {
      const type = schema[column]
      if (type === undefined) throw new TypeError(`no column ${column} was declared`)
      return [column, encode(columnTypes[type], value)]
    }),
  )
}

const uuidForm = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

type AtomRow = { readonly is: (wire: unknown) => boolean; readonly none: Atom }
const atoms: Readonly<Record<AtomName, AtomRow>> = {
  boolean: { is: (wire) => typeof wire === 'boolean', none: false },
  // RFC 7047 has 64 bits; beyond 2^53 JSON.parse would give another number than was sent.
  integer: { is: Number.isSafeInteger, none: 0 },
  real: { is: (wire) => typeof wire === 'number', none: 0 },
  string: { is: (wire) => typeof wire === 'string', none: '' },
  uuid: {
    is: (wire) => typeof wire === 'string' && uuidForm.test(wire),
    none: '00000000-0000-0000-0000-000000000000',
  },
}

function decodeAtom(name: AtomName, wire: unknown, where: string): Atom {
  const bare = name === 'uuid' ? tagged('uuid', wire) : wire
  if (!isAtom(name, bare)) throw unexpected(name, wire, where)
  return bare
}

function isAtom<N extends AtomName>(name: N, wire: unknown): wire is AtomValues[N] {
  return atoms[name].is(wire)
}

function encodeAtom(name: AtomName, atom: Atom): Json {
  return name === 'uuid' ? ['uuid', atom] : atom
}

function decodeAtoms(name: AtomName, wire: unknown, where: string): readonly Atom[] {
  const elements = tagged('set', wire)
  if (elements === undefined) return [decodeAtom(name, wire, where)]
  if (!Array.isArray(elements)) throw unexpected(`a set of ${name}`, wire, where)
  return elements.map((element) => decodeAtom(name, element, where))
}

function decodePairs(key: AtomName, name: AtomName, wire: unknown, where: string): [Atom, Atom][] {
  const pairs = tagged('map', wire)
  if (!Array.isArray(pairs)) throw unexpected(`a map of ${key} to ${name}`, wire, where)
  return pairs.map((pair: unknown) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw unexpected('a pair', pair, where)
    return [decodeAtom(key, pair[0], where), decodeAtom(name, pair[1], where)]
  })
}

/** The second of `[tag, …]`. */
function tagged(tag: 'uuid' | 'set' | 'map', wire: unknown): unknown {
  return Array.isArray(wire) && wire.length === 2 && wire[0] === tag ? wire[1] : undefined
}

function unexpected(wanted: string, wire: unknown, where: string): NotationError {
  const there = wire === undefined ? 'nothing' : JSON.stringify(wire).slice(0, 200)
  return new NotationError(`${where}: want ${wanted}, have ${there}`)
}
