// What etcd says when it does not do what it was asked, as an error of the store: the cause, and the way out.

import { status } from '@grpc/grpc-js'
import { StoreError } from '../errors.ts'
import { codeOf, detailsOf, isAway } from './members.ts'

/** `doing` begins with a verb, as `reading ports/`. What is no answer of etcd is given back as it is. */
export function told(error: unknown, doing: string, endpoints: string): unknown {
  const code = codeOf(error)
  if (error instanceof StoreError || code === undefined) return error
  return new StoreError(
    `etcd at ${endpoints}: ${doing} failed: ${detailsOf(error)}${wayOut(error)}`,
    {
      cause: error,
    },
  )
}

/** As `told`, of a transaction: whether it was done may not be known. */
export function toldOfTxn(error: unknown, doing: string, endpoints: string): unknown {
  const code = codeOf(error)
  if (code === undefined || refusals.has(code)) return told(error, doing, endpoints)
  return new StoreError(
    `etcd at ${endpoints}: ${doing} was not acknowledged (${detailsOf(error)}): it may have been done or not; look before trying again`,
    { cause: error },
  )
}

/** By these etcd says that it did nothing. Whatever else fails may have failed on the way back. */
const refusals: ReadonlySet<number> = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.RESOURCE_EXHAUSTED,
  status.FAILED_PRECONDITION,
  status.OUT_OF_RANGE,
  status.UNIMPLEMENTED,
])

function wayOut(error: unknown): string {
  const details = detailsOf(error)
  switch (codeOf(error)) {
    case status.PERMISSION_DENIED:
      return ': the role of this certificate’s name may not do that; portward store grant gives roles'
    case status.UNAUTHENTICATED:
      return ': show a certificate whose name is a user of etcd: store_cert and store_key'
    case status.RESOURCE_EXHAUSTED:
      return details.includes('space')
        ? ': compact and defragment it, then etcdctl alarm disarm; a larger --quota-backend-bytes gives more room'
        : ''
    case status.INVALID_ARGUMENT:
      if (details.includes('user name is empty'))
        return ': it asks for users: show a certificate whose name is one: store_cert and store_key'
      return details.includes('too large') ? ': start etcd with a larger --max-request-bytes' : ''
    case undefined:
    default:
      return isAway(error) ? ': too few of its members answer; start them' : ''
  }
}
