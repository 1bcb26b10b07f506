// Keeps a session with a daemon that comes and goes: connects, probes, drops, waits, connects again. Drives link.ts.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Link, Pace } from './link.ts'
import { PACE, connected, connecting, due, heard, lost, probed, startLink } from './link.ts'

export type Session = AsyncDisposable & {
  /** Resolves once when the session has ended, however it did; with undefined if we ended it. */
  readonly closed: Promise<Error | undefined>
  /** When the peer was last heard; milliseconds of `performance.now()`. A channel has it ready. */
  readonly heardAt: number
  /** Sends a request that any healthy peer answers; the answer moves `heardAt`. */
  probe(): void
}

export type KeptState<S> =
  | { readonly state: 'connecting' }
  | { readonly state: 'up'; readonly session: S }
  /** The attempt failed, or the session ended. */
  | { readonly state: 'backoff'; readonly why: Error }

export type KeepOptions<S extends Session> = {
  /** Opens a session. When the signal is aborted, because it takes too long or its time is over, it must fail or end. */
  readonly connect: (signal: AbortSignal) => Promise<S>
  /** What it throws is thrown by `keepConnected`. */
  readonly onState: (state: KeptState<S>) => void
  readonly signal: AbortSignal
  /** Default `PACE`. */
  readonly pace?: Pace
}

/** Resolves when the signal was aborted and the last session is disposed of. */
export async function keepConnected<S extends Session>(options: KeepOptions<S>): Promise<void> {
  const { onState, signal, pace = PACE } = options
  let link = startLink(performance.now(), pace)
  for (;;) {
    const wait = due(link, pace).at - performance.now()
    if (wait > 0) await sleep(wait, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    link = connecting(link, performance.now())
    onState({ state: 'connecting' })
    const end = await liveOnce(options, pace, link)
    if (signal.aborted) return
    link = lost(end.link, performance.now(), pace)
    onState({ state: 'backoff', why: end.why })
  }
}

/** One attempt and, if it succeeds, its session, to the end of it. */
async function liveOnce<S extends Session>(
  { connect, onState, signal }: KeepOptions<S>,
  pace: Pace,
  start: Link,
): Promise<{ readonly link: Link; readonly why: Error }> {
  const attempt = new AbortController()
  const abort = (): void => attempt.abort(signal.reason)
  signal.addEventListener('abort', abort)
  let link = start
  let session: S | undefined
  let dropped: Error | undefined
  let timer: NodeJS.Timeout | undefined

  const look = (): void => {
    clearTimeout(timer)
    if (attempt.signal.aborted) return
    if (session !== undefined) link = heard(link, session.heardAt)
    const now = performance.now()
    if (now >= due(link, pace).at) {
      if (link.state !== 'up') {
        dropped = new Error(complaint(link, pace))
        attempt.abort(dropped)
        return
      }
      session?.probe()
      link = probed(link, now)
    }
    // Should this process have been kept from running, what came in meanwhile is read between the timer and the look.
    timer = setTimeout(() => setImmediate(look), due(link, pace).at - now)
  }

  try {
    look()
    const [opened] = await Promise.allSettled([connect(attempt.signal)])
    if (opened.status === 'rejected') return { link, why: dropped ?? errorOf(opened.reason) }
    await using current = opened.value
    session = current
    if (!attempt.signal.aborted) {
      link = connected(link, performance.now())
      look()
      onState({ state: 'up', session: current })
    }
    const why = await current.closed
    return { link, why: dropped ?? why ?? new Error('the session was closed on this side') }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    attempt.abort()
  }
}

function complaint(link: Link, pace: Pace): string {
  return link.state === 'probing'
    ? `no answer within ${pace.probe} ms to a probe sent after ${pace.probe} ms of silence`
    : `no session within ${pace.patience} ms`
}

function errorOf(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
