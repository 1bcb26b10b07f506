// Transactions that may be asked again although nobody knows whether they were done: each compares a key that is there, and changes it
// itself, so that it is done once at most, whenever it comes. (That a key is not there would come true again with its deletion.) What
// is left to tell is whether it was done before it was asked again.

import type { Compare, Op, Revision } from '../store.ts'
import { answersOf, flat, nested } from './batches.ts'
import type { KeyValue, TxnRequest, TxnResponse } from './rpc.ts'

/** Done once, its own compares hold no longer, and never will again. */
export function guardsItself(compares: readonly Compare[], ops: readonly Op[]): boolean {
  const before = new Map(compares.map(({ key, modified }) => [key, modified]))
  return ops.some((op) => 'key' in op && (before.get(op.key) ?? 0) > 0)
}

/**
 * The revision in which all that it puts was put, after all that it compares, while nothing is left of what it deletes; undefined:
 * nobody can say that it was done. Should another have done the very same, that is what was to come of it.
 */
export async function doneAt(
  { compare, success }: TxnRequest,
  ask: (request: TxnRequest) => Promise<TxnResponse>,
): Promise<Revision | undefined> {
  const all = flat(success)
  const puts = all.flatMap((op) => ('request_put' in op ? [op.request_put] : []))
  const gone = all.flatMap((op) => ('request_delete_range' in op ? [op.request_delete_range] : []))
  const looks = [
    ...puts.map(({ key }) => ({ request_range: { key } })),
    ...gone.map((range) => ({ request_range: { ...range, limit: 1 } })),
  ]
  const ranges = nested(looks, 0)
  if (puts.length === 0 || ranges === undefined) return undefined
  const { responses } = await ask({ compare: [], success: ranges, failure: [] })
  const found = answersOf(responses).map(({ response_range }) => response_range?.kvs[0])
  const revision = Number(found[0]?.mod_revision ?? 0)
  const stands = (kv: KeyValue | undefined, i: number): boolean => {
    const put = puts[i]
    if (put === undefined) return kv === undefined
    return Number(kv?.mod_revision) === revision && kv?.value.equals(put.value) === true
  }
  const since = Math.max(...compare.map(({ mod_revision }) => mod_revision))
  return revision > since && found.every(stands) ? revision : undefined
}
