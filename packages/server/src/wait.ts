// Waiting until a switch has done what was asked: `?wait=applied`, or `Prefer: wait=SECONDS` (RFC 7240, section 4.3).

import { keys } from '@portward/store'
import type { FastifyReply } from 'fastify'
import type { IncomingHttpHeaders } from 'node:http'
import { errors } from './errors.ts'
import { acknowledged, disconnected, noAgent, portState, whatIsMissing } from './port-state.ts'
import type { Query } from './query.ts'
import { textsOf } from './query.ts'
import type { Replica } from './replica.ts'
import type { Eyes } from './resource.ts'

/** What the client asked for. */
export type Wait = {
  readonly seconds: number
  /** The header to answer with, when it was asked for by one. */
  readonly preference: string | undefined
}

/** Something a host has still to do, and whether there is any point in waiting for it. */
export type Pending = {
  readonly host: string | null
  readonly port: string
  readonly reason: string
  readonly hopeless: boolean
}

/** Returns what is missing, or undefined once it is done. */
export type Check = (replica: Replica) => Pending | undefined

const DEFAULT_SECONDS = 5
const MAX_SECONDS = 60
/** Reasons name hosts, which are for administrators to know. */
const WITHHELD = 'it is not in force yet; an administrator sees why'

/** Undefined: answer as soon as it is written. Throws an ApiError for a wait nobody knows. */
export function waitOf(query: Query, headers: IncomingHttpHeaders): Wait | undefined {
  const [asked] = textsOf(query, 'wait')
  if (asked !== undefined && asked !== 'applied') throw errors.badWait(asked)
  const prefer = [headers['prefer'] ?? []].flat().join(',')
  const preferred = /(?:^|[,\s])wait\s*=\s*("?)(\d+)\1(?=$|[,;\s])/i.exec(prefer)?.[2]
  if (preferred === undefined) {
    return asked && { seconds: DEFAULT_SECONDS, preference: undefined }
  }
  const seconds = Math.min(Number(preferred), MAX_SECONDS)
  return { seconds, preference: `wait=${seconds}` }
}

/** The switch of the port's host has acknowledged what the port is now. */
export function applied(portId: string): Check {
  return (replica) => {
    const stored = replica.ports.get(portId)
    if (stored === undefined) return undefined
    const { applied: done, state, reason, host } = portState(stored.record, replica)
    if (done) return undefined
    return {
      host: host === '' ? null : host,
      port: portId,
      reason: reason ?? state,
      hopeless: state === 'unbound' || state === 'hostDown',
    }
  }
}

/** The switch of a host that the port may be moved to has acknowledged that all is ready for it there, and silent. */
export function armed(portId: string, host: string): Check {
  return (replica) => {
    const done = acknowledged(replica, host, portId)
    if (done !== undefined && done.lacks === undefined) return undefined
    const hopeless = replica.alive.get(keys.hostAlive(host)) === undefined
    const missing = done?.lacks ?? whatIsMissing(replica, host, portId)
    return { host, port: portId, reason: hopeless ? noAgent(host) : missing, hopeless }
  }
}

/** The switch of the host the port was bound to has nothing of it any more. */
export function withdrawn(portId: string, host: string): Check {
  return (replica) => {
    if (replica.applied.get(keys.hostAppliedPort(host, portId)) === undefined) return undefined
    const hopeless = replica.alive.get(keys.hostAlive(host)) === undefined
    const reason = hopeless
      ? noAgent(host)
      : (disconnected(host, replica) ??
        `the switch of host ${host} has not acknowledged that its flows are gone`)
    return { host, port: portId, reason, hopeless }
  }
}

/** Waits if the client asked to. Undefined: nothing is missing, or nobody asked. */
export async function pendingAfter(
  { replica, caller }: Eyes,
  wait: Wait | undefined,
  reply: Pick<FastifyReply, 'header'>,
  checks: readonly Check[],
  signal: AbortSignal,
): Promise<{ readonly pending: readonly object[] } | undefined> {
  if (wait === undefined) return undefined
  if (wait.preference !== undefined) reply.header('preference-applied', wait.preference)
  const pending = await settle(replica, checks, wait.seconds, signal)
  if (pending.length === 0) return undefined
  return {
    pending: pending.map(({ host, port, reason }) =>
      caller.role === 'admin' ? { host, port, reason } : { host: null, port, reason: WITHHELD },
    ),
  }
}

/** Resolves with what is still missing when all is done, when nothing of it can be hoped for, or when the time is over. */
export async function settle(
  replica: Replica,
  checks: readonly Check[],
  seconds: number,
  signal: AbortSignal,
): Promise<readonly Pending[]> {
  let pending = look()
  if (isOver() || signal.aborted) return pending
  const over = Promise.withResolvers<void>()
  const timer = setTimeout(over.resolve, seconds * 1000)
  const abort = (): void => over.resolve()
  signal.addEventListener('abort', abort)
  using _ = replica.onChange(({ portIds }) => {
    if (!pending.some(({ port }) => portIds.has(port))) return
    pending = look()
    if (isOver()) over.resolve()
  })
  await over.promise
  clearTimeout(timer)
  signal.removeEventListener('abort', abort)
  return pending

  function look(): readonly Pending[] {
    return checks.flatMap((check) => check(replica) ?? [])
  }
  function isOver(): boolean {
    return pending.every(({ hopeless }) => hopeless)
  }
}
