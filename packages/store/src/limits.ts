// What a store may be asked for, the same in every store; checked before anything is read or written.

import { ARCHIVED_MAX, LEASE_MAX_SECONDS } from './store.ts'
import type { Compare, Op } from './store.ts'

const printable = /^[!-~]+$/

/**
 * Greater than every key under the prefix, and smaller than every key behind them: no key has a character as great as DEL.
 * Keys are ASCII, so that JavaScript, SQLite and etcd order them alike.
 */
export function endOf(prefix: string): string {
  return `${prefix}\x7f`
}

/** Throws a TypeError that names the key, or what is archived. */
export function checkTxn(compares: readonly Compare[], ops: readonly Op[]): void {
  for (const { key } of compares) checkKey(key)
  const keys = new Set<string>()
  const prefixes: string[] = []
  for (const op of ops) {
    if (op.type === 'deletePrefix') {
      checkPrefix(op.prefix)
      prefixes.push(op.prefix)
    } else if (op.type === 'archive') {
      checkName(op.name)
      checkAt(op.name, op.at)
    } else {
      checkKey(op.key)
      if (keys.has(op.key)) throw new TypeError(`${op.key}: written twice in one transaction`)
      keys.add(op.key)
    }
  }
  for (const [i, prefix] of prefixes.entries()) {
    for (const other of [...keys, ...prefixes.slice(0, i), ...prefixes.slice(i + 1)]) {
      if (!other.startsWith(prefix)) continue
      throw new TypeError(
        `${other}: written twice in one transaction, which also deletes all that begins with ${JSON.stringify(prefix)}`,
      )
    }
  }
}

/** Throws a TypeError that names the prefix. */
export function checkPrefix(prefix: string): void {
  if (!/^[!-~]*$/.test(prefix)) {
    throw new TypeError(
      `${JSON.stringify(prefix)}: not the beginning of a key: those are printable ASCII`,
    )
  }
}

/** Throws a RangeError that names the time. */
export function checkTtl(seconds: number): void {
  if (seconds >= 1 && seconds <= LEASE_MAX_SECONDS) return
  throw new RangeError(`${seconds} s: a lease lasts from 1 s to ${LEASE_MAX_SECONDS} s`)
}

/** Throws a TypeError that names the name, or a RangeError that names the limit. */
export function checkArchived(name: string | undefined, limit: number): void {
  if (name !== undefined) checkName(name)
  if (Number.isInteger(limit) && limit >= 1 && limit <= ARCHIVED_MAX) return
  throw new RangeError(`limit ${limit}: the archive gives from 1 to ${ARCHIVED_MAX} at once`)
}

/** Throws a TypeError that names it. */
export function checkName(name: string): void {
  if (!printable.test(name)) {
    throw new TypeError(
      `${JSON.stringify(name)}: not a name to archive under: those are printable ASCII, at least one character`,
    )
  }
}

function checkAt(name: string, at: number): void {
  if (Number.isSafeInteger(at) && at >= 0) return
  throw new TypeError(`${name}: archived at ${at}, which is no time: give whole ms since 1970`)
}

function checkKey(key: string): void {
  if (!printable.test(key)) {
    throw new TypeError(
      `${JSON.stringify(key)}: not a key: those are printable ASCII, at least one character; encode names`,
    )
  }
}
