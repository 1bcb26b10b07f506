// What one part of a change relies on, writes, and says of it in the archive. A plan is made of such parts.

import type { Compare, Op } from '@portward/store'
import type { Change } from './history.ts'

export type Writes = {
  readonly compares: readonly Compare[]
  readonly ops: readonly Op[]
  readonly changes: readonly Change[]
}

export const noWrites: Writes = { compares: [], ops: [], changes: [] }

/** All of them in one, in this order. */
export function together(parts: readonly Writes[]): Writes {
  return {
    compares: parts.flatMap(({ compares }) => compares),
    ops: parts.flatMap(({ ops }) => ops),
    changes: parts.flatMap(({ changes }) => changes),
  }
}
