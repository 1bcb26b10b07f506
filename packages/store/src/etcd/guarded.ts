// Transactions that may be asked again although nobody knows whether they were done: each compares a key that it changes itself, so
// it is done once at most, whenever it comes. What is left to tell is whether it was done before it was asked again.

import type { Compare, Op, Revision } from '../store.ts'
import { nested } from './batches.ts'
import type { KeyValue, RequestOp, ResponseOp, TxnRequest, TxnResponse } from './rpc.ts'

/** Done once, its own compares hold no longer. */
export function guardsItself(compares: readonly Compare[], ops: readonly Op[]): boolean {
  const before = new Map(compares.map(({ key, modified }) => [key, modified]))
  return ops.some((op) => {
    // A deletion of what is not there changes nothing.
    if (op.type === 'delete') return (before.get(op.key) ?? 0) > 0
    return op.type === 'put' && before.has(op.key)
  })
}

/**
 * The revision at which all that it puts was put, as it stands; undefined: by what stands, nobody can say that it was done. Its values
 * are as good as its own: who else had written the same, and in one revision, would have done the same.
 */
export async function doneAt(
  { success }: TxnRequest,
  ask: (request: TxnRequest) => Promise<TxnResponse>,
): Promise<Revision | undefined> {
  const puts = success.flatMap(putsOf)
  const ranges = nested(
    puts.map(({ key }) => ({ request_range: { key } })),
    0,
  )
  if (puts.length === 0 || ranges === undefined) return undefined
  const { responses } = await ask({ compare: [], success: ranges, failure: [] })
  const found = leaves(responses).map(({ response_range }) => response_range?.kvs[0])
  const [first] = found
  const stands = (kv: KeyValue | undefined, i: number): boolean =>
    kv?.mod_revision === first?.mod_revision && puts[i]?.value.equals(kv?.value ?? NONE) === true
  return first !== undefined && found.every(stands) ? Number(first.mod_revision) : undefined
}

const NONE = Buffer.alloc(0)

/** The answers to the operations, those of transactions within in their place. */
export function leaves(responses: readonly ResponseOp[]): readonly ResponseOp[] {
  return responses.flatMap((one) =>
    one.response_txn == null ? [one] : leaves(one.response_txn.responses),
  )
}

type Put = Extract<RequestOp, { readonly request_put: object }>['request_put']

function putsOf(op: RequestOp): readonly Put[] {
  if ('request_put' in op) return [op.request_put]
  return 'request_txn' in op ? op.request_txn.success.flatMap(putsOf) : []
}
