// Binds ports to hosts: a port whose host nobody named is enforced where its interface is seen, and moves with it. Also sees
// to it that hosts/H/ports/ID is what this version makes of the port, so that an upgrade reaches every host.
//
// Changes only mark ports as dirty; one loop puts them right. Any number of servers may run it: compares keep them apart.

import { keys } from '@portward/store'
import { setImmediate as yieldToOthers, setTimeout as sleep } from 'node:timers/promises'
import { touched } from './common.ts'
import { homeOf, hostWrites, portWrites } from './port-write.ts'
import type { Writes } from './port-write.ts'
import { transact } from './transact.ts'
import type { Context, Plan } from './transact.ts'

const RETRY_MS = 1000
/** Ports bound in one transaction. */
const BATCH = 100

/** Runs until the signal aborts. What fails stays dirty, is logged and tried again. */
export async function bindPorts(context: Context, signal: AbortSignal): Promise<void> {
  const { replica, log } = context
  const dirty = new Set(replica.ports.ids)
  let wake = Promise.withResolvers<void>()
  using _ = replica.onChange(({ portIds }) => {
    for (const id of portIds) dirty.add(id)
    wake.resolve()
  })
  const abort = (): void => wake.resolve()
  signal.addEventListener('abort', abort)
  while (!signal.aborted) {
    if (dirty.size === 0) {
      await wake.promise
      wake = Promise.withResolvers()
      continue
    }
    const ids = [...dirty].slice(0, BATCH)
    for (const id of ids) dirty.delete(id)
    try {
      await transact(context, () => bind(context, ids))
      // A store in this process answers without letting anyone else run, and there may be many ports.
      await yieldToOthers()
    } catch (error) {
      for (const id of ids) dirty.add(id)
      if (signal.aborted) break
      log?.error({ err: error, ports: ids }, 'ports cannot be bound, will retry')
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined)
    }
  }
  signal.removeEventListener('abort', abort)
}

/** What the ports need, in one transaction. */
function bind(context: Context, ids: readonly string[]): Plan<undefined> {
  const writes = ids.map((id) => bindOne(context, id))
  return {
    compares: writes.flatMap(({ compares }) => compares),
    ops: writes.flatMap(({ ops }) => ops),
    changes: writes.flatMap(({ changes }) => changes),
    result: undefined,
  }
}

function bindOne({ replica, now }: Context, id: string): Writes {
  const stored = replica.ports.get(id)
  if (stored === undefined) return nothing
  const { record, modified } = stored
  const boundHost = homeOf(record, replica)
  if (boundHost !== record.boundHost) {
    return portWrites(replica, stored, touched({ ...record, boundHost }, now()))
  }
  const ops = hostWrites(replica, id, boundHost, record)
  return ops.length === 0
    ? nothing
    : { compares: [{ key: keys.port(id), modified }], ops, changes: [] }
}

const nothing: Writes = { compares: [], ops: [], changes: [] }
