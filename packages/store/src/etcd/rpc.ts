// The calls of etcd, as TypeScript: etcd.proto read once. Revisions and lease ids come as decimal text, for 64 bits are more than a
// number holds; a revision fits one all the same.

import { join } from 'node:path'
import type { MethodDefinition } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

export type Header = { readonly revision: string }
export type KeyValue = {
  readonly key: Buffer
  readonly create_revision: string
  readonly mod_revision: string
  readonly value: Buffer
}
export type RangeRequest = {
  readonly key: Buffer
  readonly range_end?: Buffer
  readonly limit?: number
  readonly revision?: number
  readonly keys_only?: boolean
  readonly count_only?: boolean
}
export type RangeResponse = {
  readonly header: Header | null
  readonly kvs: readonly KeyValue[]
  readonly more: boolean
}
export type RequestOp =
  | { readonly request_range: RangeRequest }
  | {
      readonly request_put: {
        readonly key: Buffer
        readonly value: Buffer
        readonly lease?: string
      }
    }
  | { readonly request_delete_range: { readonly key: Buffer; readonly range_end?: Buffer } }
  | { readonly request_txn: TxnRequest }
export type Compare = {
  readonly result: 'EQUAL'
  readonly target: 'MOD'
  readonly key: Buffer
  readonly mod_revision: number
}
export type TxnRequest = {
  readonly compare: readonly Compare[]
  readonly success: readonly RequestOp[]
  readonly failure: readonly RequestOp[]
}
export type ResponseOp = {
  readonly response_range?: RangeResponse
  readonly response_put?: object
  readonly response_delete_range?: { readonly deleted: string }
  readonly response_txn?: TxnResponse
}
export type TxnResponse = {
  readonly header: Header | null
  readonly succeeded: boolean
  readonly responses: readonly ResponseOp[]
}
export type WatchRequest = {
  readonly create_request: {
    readonly key: Buffer
    readonly range_end: Buffer
    readonly start_revision: number
  }
}
export type WatchResponse = {
  readonly header: Header | null
  readonly created: boolean
  readonly canceled: boolean
  readonly compact_revision: string
  readonly cancel_reason: string
  readonly events: readonly { readonly type: 'PUT' | 'DELETE'; readonly kv: KeyValue | null }[]
}
export type Permission = {
  readonly permType: 'READ' | 'WRITE' | 'READWRITE'
  readonly key: Buffer
  readonly range_end: Buffer
}

export type Method<Q, A> = MethodDefinition<Q, A>

const definitions = loadSync(join(import.meta.dirname, 'etcd.proto'), {
  keepCase: true,
  longs: String,
  enums: String,
  defaults: true,
  arrays: true,
  oneofs: false,
})

function method<Q, A>(service: string, name: string): Method<Q, A> {
  const definition = definitions[`etcdserverpb.${service}`]
  const found = definition === undefined ? undefined : Object(definition)[name]
  if (found === undefined) throw new Error(`etcd.proto has no ${service}.${name}`)
  return found as Method<Q, A>
}

export const rpc = {
  range: method<RangeRequest, RangeResponse>('KV', 'Range'),
  txn: method<TxnRequest, TxnResponse>('KV', 'Txn'),
  watch: method<WatchRequest, WatchResponse>('Watch', 'Watch'),
  leaseGrant: method<{ TTL: number }, { ID: string; error: string }>('Lease', 'LeaseGrant'),
  leaseRevoke: method<{ ID: string }, object>('Lease', 'LeaseRevoke'),
  leaseKeepAlive: method<{ ID: string }, { TTL: string }>('Lease', 'LeaseKeepAlive'),
  userAdd: method<{ name: string; options: { no_password: boolean } }, object>('Auth', 'UserAdd'),
  userDelete: method<{ name: string }, object>('Auth', 'UserDelete'),
  userGrantRole: method<{ user: string; role: string }, object>('Auth', 'UserGrantRole'),
  roleAdd: method<{ name: string }, object>('Auth', 'RoleAdd'),
  roleDelete: method<{ name: string }, object>('Auth', 'RoleDelete'),
  roleGrantPermission: method<{ name: string; perm: Permission }, object>(
    'Auth',
    'RoleGrantPermission',
  ),
} as const

/** Of an answer's header. */
export function revisionOf({ header }: { readonly header: Header | null }): number {
  return Number(header?.revision ?? 0)
}
