// A database as rows that are always there: connects, monitors, follows; and again after every loss.
//
//   keepConnected ──► session ──► get_schema ──► monitor_cond_since ──► Replica ──► onChanges, one call a transaction
//                                                       update3 ────────────┘

import type { KeptState, Pace } from '@portward/wire'
import { LOCAL_PACE, PACE, keepConnected, parseAddress } from '@portward/wire'
import type { RowOf, Schema, Uuid } from './column.ts'
import { Disconnected, NotationError } from './errors.ts'
import type { Op, OpResult } from './operation.ts'
import { resultsOf } from './operation.ts'
import type { Change } from './replica.ts'
import { Replica } from './replica.ts'
import { checkSchema } from './schema.ts'
import type { OvsdbSession } from './session.ts'
import { openSession } from './session.ts'

export type OvsdbOptions<S extends Schema> = {
  /** As `parseAddress` of wire reads it: `unix:PATH`, `/PATH`, `tcp:HOST:PORT`. */
  readonly address: string
  /** Default `Open_vSwitch`. */
  readonly database?: string
  readonly schema: S
  /**
   * Called once for each transaction of the database, in order, when `rows` already has the changes; after a reconnect once
   * for all that happened meanwhile. What it throws is thrown by `ended`: these changes would never be told again.
   */
  readonly onChanges: (changes: readonly Change<S>[]) => void
  /**
   * `synced`: the contents were told, and are followed from here. `connecting`: not so, or no longer, with the reason; told
   * when the reason is a new one. It begins connecting, and does not say so.
   */
  readonly onState: (state: 'connecting' | 'synced', why?: Error) => void
  /** Ends it, as disposing does. */
  readonly signal: AbortSignal
}

export type Ovsdb<S extends Schema> = AsyncDisposable & {
  /** As of the last transaction told; while there is no connection, as they were when it went. */
  rows<T extends keyof S & string>(table: T): ReadonlyMap<Uuid, RowOf<S[T]>>
  /**
   * All of the operations, or none. What it changes in the tables of `schema` has been told when it resolves. Rejects with
   * an OvsdbError that names the operation which failed, with a Disconnected while there is no connection.
   */
  transact(ops: readonly Op[]): Promise<readonly OpResult[]>
  /** Resolves when the contents were told for the first time. Rejects if the client ends before. */
  readonly synced: Promise<void>
  /** Resolves when it was disposed of or its signal aborted. Rejects with what `onChanges` or `onState` threw. */
  readonly ended: Promise<void>
}

const MONITOR = 'portward'

/** Opens it, and goes on trying for as long as it lives. Throws a TypeError if `address` is none. */
export function openOvsdb<S extends Schema>(options: OvsdbOptions<S>): Ovsdb<S> {
  const { address, database = 'Open_vSwitch', schema, onChanges, onState, signal } = options
  const pace: Pace = parseAddress(address).type === 'unix' ? LOCAL_PACE : PACE
  const monitored = Object.fromEntries(
    Object.entries(schema).map(([table, columns]) => [table, [{ columns: Object.keys(columns) }]]),
  )
  const replica = new Replica(schema, (changes) => blame(() => onChanges(changes)))
  const end = new AbortController()
  const synced = Promise.withResolvers<void>()
  synced.promise.catch(() => {}) // whoever waits for it hears of it
  let current: OvsdbSession | undefined
  let why: Error | undefined
  let bug: { readonly error: unknown } | undefined

  async function connect(signal: AbortSignal): Promise<OvsdbSession> {
    const session = await openSession({ address, onNotification, signal })
    sync(session).catch((error: Error) => session.close(error))
    return session
  }

  async function sync(session: OvsdbSession): Promise<void> {
    checkSchema(schema, await session.request('get_schema', [database]))
    const params = [database, MONITOR, monitored, replica.lastTxn]
    replica.reply(await session.request('monitor_cond_since', params))
    current = session
    why = undefined
    blame(() => onState('synced'))
    synced.resolve()
  }

  function onNotification(method: string, params: unknown): void {
    if (method !== 'update3')
      throw new NotationError(`${method}: nobody asked to be notified of that`)
    replica.update(params)
  }

  /** What the receiver throws is no fault of the connection, which another one could mend. */
  function blame(call: () => void): void {
    try {
      call()
    } catch (error) {
      bug = { error }
      throw error
    }
  }

  function onKept(kept: KeptState<OvsdbSession>): void {
    if (kept.state !== 'backoff') return
    if (bug !== undefined) throw bug.error
    current = undefined
    replica.disconnected()
    const told = why?.message === kept.why.message
    why = kept.why
    if (!told) onState('connecting', why)
  }

  const ended = keepConnected({
    connect,
    onState: onKept,
    signal: AbortSignal.any([signal, end.signal]),
    pace,
  }).finally(() => synced.reject(new Disconnected(`${address}: closed before it was synced`)))

  return {
    rows: (table) => replica.rows(table),
    async transact(ops) {
      if (current === undefined) {
        throw new Disconnected(`${address}: not connected`, { cause: why })
      }
      return resultsOf(ops, await current.request('transact', [database, ...ops]))
    },
    synced: synced.promise,
    ended,
    async [Symbol.asyncDispose]() {
      end.abort()
      await ended
    },
  }
}
