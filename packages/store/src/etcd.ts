// The store in etcd, which many servers and hosts share. What etcd does by itself is not done again here: order, watches, leases,
// and who may read and write what.

import { status } from '@grpc/grpc-js'
import { LeaseExpired, StoreError, TooManyOps } from './errors.ts'
import { EtcdArchive } from './etcd/archive.ts'
import { MAX_TXN_OPS, answersOf, nested } from './etcd/batches.ts'
import { doneAt, guardsItself } from './etcd/guarded.ts'
import { EtcdLease } from './etcd/lease.ts'
import type { MembersOptions } from './etcd/members.ts'
import { Members, codeOf } from './etcd/members.ts'
import type { Names } from './etcd/names.ts'
import { SYNC, namesBelow } from './etcd/names.ts'
import type {
  KeyValue,
  RangeRequest,
  RangeResponse,
  RequestOp,
  ResponseOp,
  TxnRequest,
  TxnResponse,
  WatchResponse,
} from './etcd/rpc.ts'
import { revisionOf, rpc } from './etcd/rpc.ts'
import { told, toldOfTxn } from './etcd/told.ts'
import { watchMembers } from './etcd/watch.ts'
import { checkArchived, checkPrefix, checkTtl, checkTxn } from './limits.ts'
import type {
  Archived,
  Change,
  Compare,
  Entry,
  Lease,
  Op,
  Revision,
  Store,
  StoreEvent,
  TxnResult,
} from './store.ts'

export type EtcdOptions = MembersOptions & {
  /** Before every key of ours in etcd. Default `portward/`. */
  readonly prefix?: string
}

export const PREFIX = 'portward/'
/** Entries that are read at once. */
const PAGE = 5000

/** No member needs to be there yet. Throws a TypeError for endpoints that are none. */
export async function openEtcd(options: EtcdOptions): Promise<Store> {
  return new EtcdStore(options)
}

class EtcdStore implements Store {
  readonly #members: Members
  readonly #names: Names
  readonly #archive: EtcdArchive
  readonly #end = new AbortController()

  constructor({ prefix = PREFIX, ...members }: EtcdOptions) {
    this.#members = new Members(members)
    this.#names = namesBelow(prefix)
    this.#archive = new EtcdArchive(this.#names, {
      range: (request) => this.#range(request),
      txn: (request) => this.#txn(request),
    })
  }

  async range(
    prefix: string,
  ): Promise<{ readonly revision: Revision; readonly entries: readonly Entry[] }> {
    checkPrefix(prefix)
    for (;;) {
      try {
        return await this.#pages(prefix)
      } catch (error) {
        // Compacted away between two pages: from the first again.
        if (codeOf(error) !== status.OUT_OF_RANGE) throw this.#told(error, `reading '${prefix}'`)
      }
    }
  }

  async txn(compares: readonly Compare[], ops: readonly Op[]): Promise<TxnResult> {
    checkTxn(compares, ops)
    const entries = ops.flatMap((op) => (op.type === 'archive' ? [] : [this.#requestOf(op)]))
    const archive = ops.flatMap((op) => (op.type === 'archive' ? this.#archive.ops(op) : []))
    const success = nested([...entries, ...archive], compares.length)
    if (success === undefined) {
      throw new TooManyOps(
        `etcd at ${this.#members.text} takes no transaction of ${compares.length} compares and ${ops.length} operations ` +
          `(--max-txn-ops, ${MAX_TXN_OPS}): ask for less at once`,
      )
    }
    const failure = compares.map(({ key }) => ({
      request_range: { key: this.#names.state(key), keys_only: true },
    }))
    const compare = compares.map(({ key, modified }) => ({
      result: 'EQUAL' as const,
      target: 'MOD' as const,
      key: this.#names.state(key),
      mod_revision: modified,
    }))
    const request = { compare, success, failure }
    const again = guardsItself(compares, ops)
    const answer = await this.#commit(ops, () =>
      again ? this.#guarded(request) : this.#txn(request),
    )
    if (typeof answer === 'number') return { succeeded: true, revision: answer }
    if (!answer.succeeded) return { succeeded: false, failed: failedOf(compares, answer.responses) }
    const changed = answersOf(answer.responses).slice(0, entries.length).some(changes)
    const revision = revisionOf(answer)
    return { succeeded: true, revision: changed ? revision : await this.#syncFrom(revision) }
  }

  async sync(): Promise<Revision> {
    const put = { request_put: { key: this.#names.sync, value: Buffer.from('null') } }
    const request = { compare: [], success: [put], failure: [] }
    return revisionOf(await this.#commit([], () => this.#txn(request)))
  }

  async *watch(
    prefix: string,
    after: Revision,
    signal: AbortSignal,
  ): AsyncGenerator<Change, void, void> {
    checkPrefix(prefix)
    const watching = {
      key: this.#names.state(prefix),
      end: this.#names.stateEnd(prefix),
      after,
      signal: AbortSignal.any([signal, this.#end.signal]),
      newest: () => this.#ask(`reading '${prefix}'`, () => this.#newest(prefix)),
    }
    for await (const answer of watchMembers(this.#members, watching)) {
      for (const change of this.#changesIn(answer)) {
        yield change
        if (signal.aborted) return
      }
    }
    if (!signal.aborted) throw new StoreError(`etcd at ${this.#members.text}: closed`)
  }

  async lease(ttlSeconds: number): Promise<Lease> {
    checkTtl(ttlSeconds)
    const { ID, error } = await this.#ask('taking a lease', () =>
      this.#members.ask(rpc.leaseGrant, { TTL: Math.ceil(ttlSeconds) }, { again: true }),
    )
    if (error !== '') throw new StoreError(`etcd at ${this.#members.text} gives no lease: ${error}`)
    return new EtcdLease(ID, this.#members, (error, doing) => this.#told(error, doing))
  }

  async archived(query: {
    readonly name?: string
    readonly before?: string
    readonly limit: number
  }): Promise<readonly Archived[]> {
    checkArchived(query.name, query.limit)
    return this.#ask('reading the archive', () => this.#archive.read(query))
  }

  async forget(before: number): Promise<number> {
    return this.#ask('forgetting what was archived', () => this.#archive.forget(before))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort()
    this.#members.close()
  }

  /** Who may not write what sync writes may not watch everything either: for them it is the revision they know. */
  async #syncFrom(revision: Revision): Promise<Revision> {
    try {
      return await this.sync()
    } catch (error) {
      if (error instanceof StoreError && codeOf(error.cause) === status.PERMISSION_DENIED) {
        return revision
      }
      throw error
    }
  }

  async #pages(prefix: string): Promise<{ revision: Revision; entries: readonly Entry[] }> {
    const range_end = this.#names.stateEnd(prefix)
    const entries: Entry[] = []
    let revision = 0
    let key = this.#names.state(prefix)
    for (;;) {
      const page = await this.#range({ key, range_end, limit: PAGE, revision })
      if (revision === 0) revision = revisionOf(page)
      for (const kv of page.kvs) {
        const entry = this.#entryOf(kv)
        if (entry.key !== SYNC) entries.push(entry)
      }
      const last = page.kvs.at(-1)
      if (!page.more || last === undefined) return { revision, entries }
      key = Buffer.concat([last.key, Buffer.of(0)])
    }
  }

  /** Asked of the leader. */
  async #newest(prefix: string): Promise<Revision> {
    const key = this.#names.state(prefix)
    const range_end = this.#names.stateEnd(prefix)
    return revisionOf(await this.#range({ key, range_end, count_only: true }))
  }

  /** Revision by revision. One that only `sync` made has no events. */
  #changesIn({ events }: WatchResponse): readonly Change[] {
    const changes = new Map<Revision, StoreEvent[]>()
    for (const { type, kv } of events) {
      if (kv === null) continue
      const entry = this.#entryOf(kv)
      const { key, modified } = entry
      const others = changes.get(modified) ?? []
      changes.set(modified, others)
      if (key === SYNC) continue
      others.push(type === 'PUT' ? { type: 'put', entry } : { type: 'delete', key, modified })
    }
    return [...changes].map(([revision, events]) => ({ revision, events }))
  }

  #entryOf({ key, value, create_revision, mod_revision }: KeyValue): Entry {
    return {
      key: this.#names.keyOf(key),
      value: value.toString(),
      created: Number(create_revision),
      modified: Number(mod_revision),
    }
  }

  #requestOf(op: Exclude<Op, { readonly type: 'archive' }>): RequestOp {
    switch (op.type) {
      case 'put': {
        const put = { key: this.#names.state(op.key), value: Buffer.from(op.value) }
        return { request_put: op.lease === undefined ? put : { ...put, lease: op.lease } }
      }
      case 'delete':
        return { request_delete_range: { key: this.#names.state(op.key) } }
      case 'deletePrefix': {
        // Of all keys: those behind what sync writes.
        const first = op.prefix === '' ? '!' : op.prefix
        const range_end = this.#names.stateEnd(op.prefix)
        return { request_delete_range: { key: this.#names.state(first), range_end } }
      }
      default:
        return op satisfies never
    }
  }

  async #commit<A>(ops: readonly Op[], ask: () => Promise<A>): Promise<A> {
    try {
      return await ask()
    } catch (error) {
      const lease = ops.find((op) => op.type === 'put' && op.lease !== undefined)
      if (codeOf(error) === status.NOT_FOUND && lease?.type === 'put') {
        throw new LeaseExpired(lease.lease ?? '')
      }
      const [first] = ops
      const what = first === undefined ? '' : ` ${'key' in first ? first.key : first.type}`
      throw toldOfTxn(error, `writing${what}`, this.#members.text)
    }
  }

  /** Asked again where no answer comes. Gives the revision in which it was done where that is found out only afterwards. */
  async #guarded(request: TxnRequest): Promise<TxnResponse | Revision> {
    let lost: unknown
    const onAgain = (error: unknown): void => {
      lost = error
    }
    try {
      const answer = await this.#members.ask(rpc.txn, request, { again: true, onAgain })
      if (answer.succeeded || lost === undefined) return answer
      const revision = await doneAt(request, (looking) =>
        this.#members.ask(rpc.txn, looking, { again: true }),
      )
      if (revision !== undefined) return revision
    } catch (error) {
      // Of what it says now, the first may have been done all the same.
      throw lost ?? error
    }
    throw lost
  }

  #range(request: RangeRequest): Promise<RangeResponse> {
    return this.#members.ask(rpc.range, request, { again: true })
  }

  /** Asked once: where no answer comes, nobody knows whether it was done. */
  #txn(request: TxnRequest): Promise<TxnResponse> {
    return this.#members.ask(rpc.txn, request, { again: false })
  }

  async #ask<T>(doing: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask()
    } catch (error) {
      throw this.#told(error, doing)
    }
  }

  #told(error: unknown, doing: string): unknown {
    return told(error, doing, this.#members.text)
  }
}

function failedOf(
  compares: readonly Compare[],
  responses: readonly ResponseOp[],
): readonly Compare[] {
  return compares.filter(({ modified }, i) => {
    const actual = responses[i]?.response_range?.kvs[0]?.mod_revision ?? '0'
    return Number(actual) !== modified
  })
}

function changes({ response_delete_range: deletion }: ResponseOp): boolean {
  return deletion == null || Number(deletion.deleted) > 0
}
