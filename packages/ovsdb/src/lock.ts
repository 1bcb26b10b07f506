// A lock of the database server: RFC 7047, sections 4.1.8 to 4.1.11. It protects nothing by itself; those who agree on its
// name take turns. It belongs to the connection, so it is free again when its holder ends, in whatever way.

import { LOCAL_PACE, keepConnected } from '@portward/wire'
import { NotationError } from './errors.ts'
import type { OvsdbSession } from './session.ts'
import { openSession } from './session.ts'

export type LockOptions = {
  /** As `parseAddress` of wire reads it. */
  readonly address: string
  /** An `<id>`: letters, digits and underscores, not beginning with a digit. */
  readonly name: string
  /**
   * `held`: it is ours. `taken`: another has it, and we are in the queue. While there is no connection nothing is told: who
   * has it then will be known when there is one.
   */
  readonly onState: (state: 'held' | 'taken') => void
  readonly signal: AbortSignal
}

/** Asks for the lock, waits for it, keeps it, and asks again after each loss of the connection; until the signal aborts. */
export async function keepLock({ address, name, onState, signal }: LockOptions): Promise<void> {
  const connect = async (attempt: AbortSignal): Promise<OvsdbSession> => {
    let notified = false
    const onNotification = (method: string): void => {
      notified = true
      if (method === 'locked') onState('held')
      else if (method === 'stolen') onState('taken')
      else throw new NotationError(`${method}: nobody asked to be notified of that`)
    }
    const session = await openSession({ address, onNotification, signal: attempt })
    const locked = isLocked(await session.request('lock', [name]))
    // What came right behind the answer was told before we got to it, and is newer.
    if (!notified) onState(locked ? 'held' : 'taken')
    return session
  }
  await keepConnected({ connect, onState: () => {}, signal, pace: LOCAL_PACE })
}

function isLocked(result: unknown): boolean {
  return (
    typeof result === 'object' && result !== null && 'locked' in result && result.locked === true
  )
}
