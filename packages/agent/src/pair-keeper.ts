// Keeps the pair of ports for floods on the bridge while it is wanted there, and takes it off when it is not: ADR 9.

import type { Ovsdb, VswitchSchema } from '@portward/ovsdb'
import { Disconnected } from '@portward/ovsdb'
import type { Log } from './log.ts'
import type { PairPorts } from './pair.ts'
import { makePair, removePair } from './pair.ts'
import type { Reconciler } from './reconciler.ts'
import type { Wake } from './wake.ts'

export type PairKeeperOptions = {
  readonly bridge: string
  readonly pair: PairPorts
  readonly reconciler: Reconciler
  readonly ovsdb: Ovsdb<VswitchSchema>
  /** Rung when there may be something to do. */
  readonly wake: Wake
  /** We have the switch. */
  readonly ready: () => boolean
  /** All that was kept from ports is let to them again, or can't be. */
  readonly floodsAreBack: () => boolean
  /** Called when there is something new to say of why floods reach ports. */
  readonly hindered: () => void
  readonly log: Log
}

/** How long the switch may take to number the ports of the pair: it is given thousands of ports at once, at times. */
const PAIR_MS = 20_000

/** Runs until the signal aborts. Throws what the database threw. */
export async function keepPair(options: PairKeeperOptions, signal: AbortSignal): Promise<void> {
  const { bridge, pair, reconciler, ovsdb, wake, ready, floodsAreBack, log } = options
  /** Since when there has been a pair that the switch has not numbered. */
  let since: number | undefined
  while (!signal.aborted) {
    const { missing, names, numbers, error } = pair
    if (numbers !== undefined) since = undefined
    if (ready() && reconciler.wantsPair) {
      if (missing.length > 0) await putUp(options)
      else if (numbers === undefined) since ??= performance.now()
    } else if (ready() && names.length > 0 && floodsAreBack()) {
      await ovsdb.transact(removePair(ovsdb, bridge, names))
      reconciler.setPair(undefined)
      log.info({ bridge }, 'took the pair of ports for floods off the bridge')
    }
    const left = since === undefined ? undefined : since + PAIR_MS - performance.now()
    if (left !== undefined && left <= 0) {
      since = undefined
      hinder(options, error ?? 'the switch does not number the ports of its pair')
    }
    await wake.wait(signal, since === undefined ? undefined : left)
  }
}

async function putUp(options: PairKeeperOptions): Promise<void> {
  const { bridge, pair, ovsdb, log } = options
  const { missing } = pair
  try {
    await ovsdb.transact(makePair(ovsdb, bridge, missing))
    log.info({ bridge, missing }, 'put the pair of ports for floods on the bridge')
  } catch (error) {
    if (error instanceof Disconnected) throw error
    hinder(options, error instanceof Error ? error.message : String(error))
  }
}

function hinder({ reconciler, hindered, log }: PairKeeperOptions, why: string): void {
  if (reconciler.hindrance === why) return
  log.warn({}, `floods reach guarded ports: ${why}`)
  reconciler.hinder(why)
  hindered()
}
