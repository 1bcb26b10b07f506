// How the server tells of a changed row: ovsdb-server(7), 4.1.14, <row-update2> `modify`.
//
//   one value, or none    the new value
//   set                   the elements that are in one of old and new, and not in both
//   map                   a key that was absent: added; present with this value: removed; with another: this value now

import type { Atom, ColumnType, Value } from './column.ts'
import { decode } from './notation.ts'

/** The value after the change; `before` stays as it is. Throws a NotationError as `decode` does. */
export function applyDiff(type: ColumnType, before: Value, wire: unknown, where: string): Value {
  const diff = decode(type, wire, where)
  if (before instanceof Set && diff instanceof Set) return before.symmetricDifference(diff)
  if (before instanceof Map && diff instanceof Map) return changedMap(before, diff)
  return diff
}

export function sameValue(a: Value, b: Value): boolean {
  if (a instanceof Set && b instanceof Set) return a.size === b.size && a.isSubsetOf(b)
  if (a instanceof Map && b instanceof Map) {
    return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value)
  }
  return a === b
}

function changedMap(before: ReadonlyMap<Atom, Atom>, diff: ReadonlyMap<Atom, Atom>) {
  const after = new Map(before)
  for (const [key, value] of diff) {
    if (before.get(key) === value) after.delete(key)
    else after.set(key, value)
  }
  return after
}
