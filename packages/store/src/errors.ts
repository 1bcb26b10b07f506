// What a store throws. Each says what the caller can do; none is told apart by its text.

import type { LeaseId, Revision } from './store.ts'

/** The watch cannot go on from where it was asked to: range again, and watch from that revision. */
export class Compacted extends Error {
  override readonly name = 'Compacted'
  /** The oldest and the newest revision the store can still tell of. */
  readonly oldest: Revision
  readonly newest: Revision
  constructor(after: Revision, oldest: Revision, newest: Revision) {
    const why =
      after > newest
        ? `this store has only come to revision ${newest}, so ${after} is another's, or was lost when a backup came back`
        : `what came after revision ${after} is no longer remembered; the oldest is ${oldest}`
    super(`${why}: range again and watch from there`)
    this.oldest = oldest
    this.newest = newest
  }
}

export class LeaseExpired extends Error {
  override readonly name = 'LeaseExpired'
  constructor(id: LeaseId) {
    super(`lease ${id} has expired or was revoked: take a new one and write its keys again`)
  }
}

/** The store cannot do its work. The message names the store, the cause and the way out. */
export class StoreError extends Error {
  override readonly name: string = 'StoreError'
}

/** The store does not take so much in one transaction: nothing was written. */
export class TooManyOps extends StoreError {
  override readonly name = 'TooManyOps'
}
