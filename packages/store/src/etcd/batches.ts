// How many operations etcd takes in one transaction (`--max-txn-ops`, 128 by default), and how more are put into one all the same:
// a transaction may have transactions as its operations. What one level has is taken off what each of the next may have.

import type { RequestOp, ResponseOp } from './rpc.ts'

export const MAX_TXN_OPS = 128

/** The same operations, at most so many on a level; undefined where they don't fit. `compares` are all on the first. */
export function nested(
  ops: readonly RequestOp[],
  compares: number,
): readonly RequestOp[] | undefined {
  if (compares > MAX_TXN_OPS) return undefined
  if (ops.length <= MAX_TXN_OPS) return ops
  for (let parts = 2; parts < MAX_TXN_OPS; parts++) {
    const size = MAX_TXN_OPS - Math.max(parts, compares)
    if (parts * size < ops.length) continue
    return Array.from({ length: parts }, (_, i) => ({
      request_txn: {
        compare: [],
        success: ops.slice(i * size, (i + 1) * size),
        failure: [],
      },
    }))
  }
  return undefined
}

/** The operations, those of transactions within in their place. */
export function flat(ops: readonly RequestOp[]): readonly RequestOp[] {
  return ops.flatMap((op) => ('request_txn' in op ? flat(op.request_txn.success) : [op]))
}

/** The answers to the operations, likewise. */
export function answersOf(responses: readonly ResponseOp[]): readonly ResponseOp[] {
  return responses.flatMap((one) =>
    one.response_txn == null ? [one] : answersOf(one.response_txn.responses),
  )
}
