// The store: etcd's model and nothing more, four verbs. SQLite in the process and etcd both pass one contract suite
// (contract.ts), so nothing above this file knows which it is.
//
// Every transaction that writes makes one new revision; all it wrote carries it. A watch delivers whole revisions, in order.

/** A count of transactions that wrote, from 1 on. 0 is the empty store. */
export type Revision = number

export type Entry = {
  readonly key: string
  /** JSON text; records.ts gives it a type. */
  readonly value: string
  /** The revision that made the key, and the one that last wrote it. */
  readonly created: Revision
  readonly modified: Revision
}

/** Holds when the key was last written at `modified`; 0 means that it must not exist. */
export type Compare = { readonly key: string; readonly modified: Revision }

export type Op =
  | { readonly type: 'put'; readonly key: string; readonly value: string; readonly lease?: LeaseId }
  | { readonly type: 'delete'; readonly key: string }
  | { readonly type: 'deletePrefix'; readonly prefix: string }

export type LeaseId = string

/** Keys put under a lease go when it is revoked, or not kept alive for its time. */
export type Lease = AsyncDisposable & {
  readonly id: LeaseId
  /** Renews it for its full time. Throws a LeaseExpired when it is gone. */
  keepAlive(): Promise<void>
  revoke(): Promise<void>
}

export type StoreEvent =
  | { readonly type: 'put'; readonly entry: Entry }
  | { readonly type: 'delete'; readonly key: string; readonly modified: Revision }

/** What one revision changed under the watched prefix. */
export type Change = { readonly revision: Revision; readonly events: readonly StoreEvent[] }

export type Store = AsyncDisposable & {
  /** All entries under a prefix, ordered by key, as they were at one revision. */
  range(
    prefix: string,
  ): Promise<{ readonly revision: Revision; readonly entries: readonly Entry[] }>
  /**
   * All ops if every compare holds, in one new revision; else nothing, and `failed` lists the compares that did not hold.
   * When it resolves, what it wrote survives a crash. No key may be written twice in one transaction.
   */
  txn(compares: readonly Compare[], ops: readonly Op[]): Promise<TxnResult>
  /**
   * Changes under the prefix after the revision `after`, as they come, without end until the signal aborts.
   * Throws a Compacted when the store no longer remembers that far back: then range again, and watch from there.
   */
  watch(prefix: string, after: Revision, signal: AbortSignal): AsyncIterable<Change>
  lease(ttlSeconds: number): Promise<Lease>
}

export type TxnResult =
  | { readonly succeeded: true; readonly revision: Revision }
  | { readonly succeeded: false; readonly failed: readonly Compare[] }

export class Compacted extends Error {
  override readonly name = 'Compacted'
  readonly oldest: Revision
  constructor(after: Revision, oldest: Revision) {
    super(
      `revision ${after} is no longer remembered; the oldest is ${oldest}: range again and watch from there`,
    )
    this.oldest = oldest
  }
}

export class LeaseExpired extends Error {
  override readonly name = 'LeaseExpired'
  constructor(id: LeaseId) {
    super(`lease ${id} has expired or was revoked: take a new one and write its keys again`)
  }
}
