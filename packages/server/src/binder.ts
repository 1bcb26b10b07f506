// Binds ports to hosts: a port whose host nobody named is enforced where its interface is seen, and moves with it. One that moves
// speaks where it goes once it is silent where it was (ADR 15). Also sees
// to it that hosts/H/ports/ID is what this version makes of the port, so that an upgrade reaches every host.

import { keys } from '@portward/store'
import { touched } from './common.ts'
import { putRight } from './dirty.ts'
import type { Chore } from './dirty.ts'
import { homeOf, hostWrites, isSilentAt, portWrites } from './port-write.ts'
import type { Context } from './transact.ts'
import { noWrites, together } from './writes.ts'
import type { Writes } from './writes.ts'

/** Ports bound in one transaction: each may compare itself, an agent and what that has applied, and etcd takes 128 compares. */
const BATCH = 42

/** Runs until the signal aborts. */
export function bindPorts(context: Context, signal: AbortSignal): Promise<void> {
  const { replica } = context
  const chore: Chore = {
    first: replica.ports.ids,
    marked: ({ portIds }) => portIds,
    batch: BATCH,
    plan: (ids) => ({ ...together(ids.map((id) => bindOne(context, id))), result: undefined }),
    failure: 'ports cannot be bound, will retry',
  }
  return putRight(context, chore, signal)
}

function bindOne({ replica, now, log }: Context, id: string): Writes {
  const stored = replica.ports.get(id)
  if (stored === undefined) return noWrites
  const { record, modified } = stored
  const boundHost = homeOf(record, replica)
  if (boundHost !== record.boundHost) {
    return portWrites(replica, stored, touched({ ...record, boundHost }, now()))
  }
  if (record.leaving !== undefined && isSilentAt(replica, record.leaving, id)) {
    if (replica.alive.get(keys.hostAlive(record.leaving)) === undefined) {
      log?.warn(
        { port: id, from: record.leaving, to: boundHost },
        'a port moves, and the agent it moves from is dead: whether it is silent there is not known',
      )
    }
    return portWrites(replica, stored, record)
  }
  const ops = hostWrites(replica, id, record, record)
  return ops.length === 0
    ? noWrites
    : { compares: [{ key: keys.port(id), modified }], ops, changes: [] }
}
