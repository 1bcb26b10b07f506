// The store: etcd's model, four verbs, and an archive beside it, two. SQLite in the process and etcd both pass one contract
// suite (contract.ts), so nothing above this file knows which it is.
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
  /**
   * Beside the entries: no range and no watch tells of it. The name is printable ASCII as a
   * key is, and may come again, in one transaction too. `at` is in ms since 1970, a whole number; the value is JSON text.
   */
  | { readonly type: 'archive'; readonly name: string; readonly at: number; readonly value: string }

export type LeaseId = string

/** 24 days: the longest that a timer of Node can wait. */
export const LEASE_MAX_SECONDS = 2_147_483

/** At once, by `archived`. */
export const ARCHIVED_MAX = 1000

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

/** What one revision changed under the watched prefix: of each key at most one event; none where the store only `sync`ed. */
export type Change = { readonly revision: Revision; readonly events: readonly StoreEvent[] }

export type Archived = {
  /**
   * Opaque. As text they sort in the order in which they were archived, as the clocks go of those who did; none is used twice.
   */
  readonly id: string
  readonly name: string
  readonly at: number
  readonly value: string
}

export type Store = AsyncDisposable & {
  /** All entries under a prefix, ordered by key, as they were at one revision. The empty prefix is everything. */
  range(
    prefix: string,
  ): Promise<{ readonly revision: Revision; readonly entries: readonly Entry[] }>
  /**
   * All ops if every compare holds, in one new revision; else nothing, and `failed` lists the compares that did not hold.
   * Ops that change no entry are told by no watch: `revision` is then as `sync` gives it. When it resolves, what it wrote without a
   * lease survives a crash. Throws a LeaseExpired for a put under a lease that is gone, and a TypeError for a key that
   * is no key, or is written twice: by two ops, or by one below another's prefix; or for a name or a time that is none.
   * Then nothing is written either.
   */
  txn(compares: readonly Compare[], ops: readonly Op[]): Promise<TxnResult>
  /**
   * Changes under the prefix after the revision `after`, as they come; ends when the signal aborts.
   * A reader too slow to keep up, or `after` further back than the store remembers, or not yet reached: throws a Compacted.
   */
  watch(prefix: string, after: Revision, signal: AbortSignal): AsyncIterable<Change>
  /** From 1 s to LEASE_MAX_SECONDS, else throws a RangeError. A store may round it up. */
  lease(ttlSeconds: number): Promise<Lease>
  /**
   * A revision that every watch of the empty prefix will tell of, be it without events: what was committed before is told by then.
   * What it costs in a store of many writers is a write.
   */
  sync(): Promise<Revision>
  /**
   * What was archived, newest first: of all names, or of one. With `before`, an id, only what is older; the id may be
   * forgotten by now. At most `limit`, from 1 to ARCHIVED_MAX, else throws a RangeError; a TypeError for a `name` or a
   * `before` that is none.
   */
  archived(query: {
    readonly name?: string
    readonly before?: string
    readonly limit: number
  }): Promise<readonly Archived[]>
  /**
   * Forgets what was archived with an `at` less than `before`, in ms since 1970. Resolves with how many those were. It goes
   * in pieces, and lets writers in between: when it throws, some may be forgotten already.
   */
  forget(before: number): Promise<number>
}

export type TxnResult =
  | { readonly succeeded: true; readonly revision: Revision }
  | { readonly succeeded: false; readonly failed: readonly Compare[] }

export function keyOfEvent(event: StoreEvent): string {
  return event.type === 'put' ? event.entry.key : event.key
}
