// Writes the tags of ports to OVSDB: one transaction at a time, each with all that is to be changed by then. The next waits
// until ovs-vswitchd has taken the last, so that a thousand ports are a few transactions.

import type { Ovsdb, VswitchSchema } from '@portward/ovsdb'
import type { Log } from './log.ts'
import { tagOps } from './tag-ops.ts'
import type { Tags } from './tags.ts'
import type { Wake } from './wake.ts'

export type TagWriterOptions = {
  readonly tags: Tags
  readonly ovsdb: Pick<Ovsdb<VswitchSchema>, 'transact'>
  /** Rung when there may be something to write. */
  readonly wake: Wake
  /** We have the switch: another Portward writes else. */
  readonly ready: () => boolean
  /** Nothing waits any longer for the tags of an earlier run. */
  readonly givenUp: () => void
  readonly log: Log
}

/** How long the switch may take to tell that it has taken what an earlier run wrote: thousands of ports at once are 13 s. */
const START_MS = 20_000

/** Runs until the signal aborts. Throws what the database threw; then what was to be written is still to be written. */
export async function writeTags(options: TagWriterOptions, signal: AbortSignal): Promise<void> {
  const { tags, wake, ready, givenUp, log } = options
  let until: number | undefined
  while (!signal.aborted) {
    if (ready()) await write(options)
    until = ready() && tags.starting ? (until ?? performance.now() + START_MS) : undefined
    await wake.wait(signal, until === undefined ? undefined : until - performance.now())
    if (until === undefined || !tags.starting || performance.now() < until) continue
    log.warn(
      {},
      'ovs-vswitchd does not take changes of OVSDB: ports of VLANs are silent until it does',
    )
    tags.giveUp()
    givenUp()
  }
}

async function write({ tags, ovsdb, log }: TagWriterOptions): Promise<void> {
  const steps = tags.take()
  if (steps === undefined) return
  try {
    const results = await ovsdb.transact(tagOps(steps))
    tags.sent(Number(results.at(-1)?.rows?.[0]?.['next_cfg']))
  } catch (error) {
    tags.failed()
    throw error
  }
  const again = steps.filter((step) => step.again === true)
  if (again.length > 0) {
    const last = again.at(-1)?.iface
    log.warn({ count: again.length, last }, 'another hand changed the tags of ports: put right')
  }
  const [first] = steps
  if (first !== undefined) log.info({ count: steps.length, first }, 'set the VLANs of ports')
}
