// A watch that outlives the members it is with: where one is lost, it goes on with another from the revision that was told last.

import { setTimeout as sleep } from 'node:timers/promises'
import { status } from '@grpc/grpc-js'
import { Compacted, StoreError } from '../errors.ts'
import type { Revision } from '../store.ts'
import type { Members } from './members.ts'
import { codeOf } from './members.ts'
import type { WatchResponse } from './rpc.ts'
import { revisionOf, rpc } from './rpc.ts'

export type WatchOptions = {
  readonly key: Buffer
  readonly end: Buffer
  /** Everything later is told. */
  readonly after: Revision
  readonly signal: AbortSignal
  /** The store's newest revision, asked of its leader. */
  readonly newest: () => Promise<Revision>
}

/** The wait between two attempts, in milliseconds; each further one doubles it. */
const AGAIN = { first: 50, most: 1000 }

/**
 * The answers that have events: whole revisions, in order. Ends when the signal aborts. Throws a Compacted, and a StoreError when it
 * is not allowed; a member that is away it does not tell of.
 */
export async function* watchMembers(
  members: Members,
  options: WatchOptions,
): AsyncGenerator<WatchResponse, void, void> {
  const { key, end, signal, newest } = options
  let { after } = options
  let wait = AGAIN.first
  while (!signal.aborted) {
    try {
      const { stream, left } = await members.open(rpc.watch)
      const cancel = (): void => stream.cancel()
      signal.addEventListener('abort', cancel)
      if (signal.aborted) cancel()
      try {
        stream.write({ create_request: { key, range_end: end, start_revision: after + 1 } })
        for await (const answer of stream as AsyncIterable<WatchResponse>) {
          throwIfEnded(answer, after)
          // Each time: it may be another cluster by now, or one that came back from a copy.
          if (answer.created) await checkReached(after, revisionOf(answer), newest)
          if (answer.events.length === 0) continue
          wait = AGAIN.first
          yield answer
          after = lastRevision(answer)
        }
      } catch (error) {
        left()
        throw error
      } finally {
        signal.removeEventListener('abort', cancel)
        stream.cancel()
      }
    } catch (error) {
      if (signal.aborted) return
      if (!passes(error)) throw error
    }
    await sleep(wait, undefined, { signal }).catch(() => {})
    wait = Math.min(wait * 2, AGAIN.most)
  }
}

function lastRevision({ events }: WatchResponse): Revision {
  return Number(events.at(-1)?.kv?.mod_revision ?? 0)
}

/** Cancelled by etcd: for good, or, as where its member has lost its leader, only there. */
function throwIfEnded(answer: WatchResponse, after: Revision): void {
  if (!answer.canceled) return
  const compacted = Number(answer.compact_revision)
  if (compacted > 0) throw new Compacted(after, compacted, Math.max(compacted, revisionOf(answer)))
  if (/permission denied|user name is empty/i.test(answer.cancel_reason)) {
    throw new Refused(
      `etcd refuses the watch: ${answer.cancel_reason}: the role of this certificate’s name may not read that; portward store grant gives roles`,
    )
  }
  throw new Moved(answer.cancel_reason)
}

/** A member may be behind what another has told; the leader is not. */
async function checkReached(
  after: Revision,
  here: Revision,
  newest: () => Promise<Revision>,
): Promise<void> {
  if (after <= here) return
  const most = await newest()
  if (after > most) throw new Compacted(after, 1, most)
}

/** Whoever asks again is told the same. */
class Refused extends StoreError {}

const refusals: ReadonlySet<number | undefined> = new Set([
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
])

class Moved extends Error {
  override readonly name = 'Moved'
}

/** Another member, or the same one later, can go on. */
function passes(error: unknown): boolean {
  if (error instanceof Compacted) return false
  if (error instanceof Moved) return true
  if (codeOf(error) === undefined) return error instanceof StoreError && !(error instanceof Refused)
  return !refusals.has(codeOf(error))
}
