// The store: etcd's model and nothing more, four verbs. SQLite in the process and etcd both pass one contract suite
// (contract.ts), so nothing above this file knows which it is.
//
// Every transaction that changes something makes one new revision; all it wrote carries it. A watch delivers whole
// revisions, in order. Any verb may throw a StoreError.

/**
 * Grows with every transaction that changes something. Numbers may be left out, and none ever means two things, across
 * restarts too: so a revision that somebody kept either leads on to all that came after it, or to a Compacted.
 */
export type Revision = number

export type Entry = {
  /** Printable ASCII without the space, and not empty; keys.ts makes them. */
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
  /** With a lease the key goes when the lease does. Each put says so anew: one without makes a leased key lasting. */
  | { readonly type: 'put'; readonly key: string; readonly value: string; readonly lease?: LeaseId }
  | { readonly type: 'delete'; readonly key: string }
  | { readonly type: 'deletePrefix'; readonly prefix: string }

export type LeaseId = string

/** 24 days: the longest that a timer of Node can wait. */
export const LEASE_MAX_SECONDS = 2_147_483

/** Keys put under a lease go, in one revision, when it is revoked, disposed of, or not kept alive for its time. */
export type Lease = AsyncDisposable & {
  readonly id: LeaseId
  /** Renews it for its full time. Throws a LeaseExpired when it is gone. */
  keepAlive(): Promise<void>
  /** Of one that is gone already, does nothing. */
  revoke(): Promise<void>
}

export type StoreEvent =
  | { readonly type: 'put'; readonly entry: Entry }
  | { readonly type: 'delete'; readonly key: string; readonly modified: Revision }

/** What one revision changed under the watched prefix: at least one event, and of each key at most one. */
export type Change = { readonly revision: Revision; readonly events: readonly StoreEvent[] }

export type Store = AsyncDisposable & {
  /** All entries under a prefix, ordered by key, as they were at one revision. The empty prefix is everything. */
  range(
    prefix: string,
  ): Promise<{ readonly revision: Revision; readonly entries: readonly Entry[] }>
  /**
   * All ops if every compare holds, in one new revision; else nothing, and `failed` lists the compares that did not hold.
   * Ops that change nothing make no revision: `revision` is then the store's. When it resolves, what it wrote without a
   * lease survives a crash. Throws a LeaseExpired for a put under a lease that is gone, and a TypeError for a key that
   * is no key, or is written twice: by two ops, or by one below another's prefix. Then nothing is written either.
   */
  txn(compares: readonly Compare[], ops: readonly Op[]): Promise<TxnResult>
  /**
   * Changes under the prefix after the revision `after`, as they come; ends when the signal aborts.
   * A reader too slow to keep up, or `after` further back than the store remembers, or not yet reached: throws a Compacted.
   */
  watch(prefix: string, after: Revision, signal: AbortSignal): AsyncIterable<Change>
  /** From 1 s to LEASE_MAX_SECONDS, else throws a RangeError. A store may round it up. */
  lease(ttlSeconds: number): Promise<Lease>
}

export type TxnResult =
  | { readonly succeeded: true; readonly revision: Revision }
  | { readonly succeeded: false; readonly failed: readonly Compare[] }

export function keyOfEvent(event: StoreEvent): string {
  return event.type === 'put' ? event.entry.key : event.key
}
