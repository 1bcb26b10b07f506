// `portward agent`: the agent of this host alone. It starts, and guards, without its store too.

import { makeAgent, openAgentCache } from './agent-parts.ts'
import type { Config } from './config.ts'
import { announce, logOf, mustBeShared } from './daemon.ts'
import { releaseHeap } from './heap.ts'
import { openStore } from './store/open.ts'
import { placeOf } from './store/place.ts'

/** Runs until the signal aborts; prints the line `ready` once the switch has the flows that it should have. */
export async function agent(config: Config, signal: AbortSignal): Promise<void> {
  mustBeShared(config, 'agent')
  const log = logOf(config)
  await using cache = await openAgentCache(config, log)
  await using store = await openStore(placeOf(config))
  const guarding = makeAgent(config, store, cache, log)
  const ready = async (): Promise<void> => {
    await guarding.inSync
    releaseHeap()
    announce('ready')
  }
  void ready()
  await guarding.run(signal)
}
