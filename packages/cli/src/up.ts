// `portward up`: server and agent in one process, for one host.

import { makeAgent, openAgentCache } from './agent-parts.ts'
import type { Config } from './config.ts'
import { announce, logOf } from './daemon.ts'
import { releaseHeap } from './heap.ts'
import { openGate, serve } from './server-parts.ts'
import { openWhole } from './store/open.ts'
import { placeOf } from './store/place.ts'

/** Runs until the signal aborts; prints the line `ready URL` once it serves and its agent is in sync. */
export async function up(config: Config, signal: AbortSignal): Promise<void> {
  const log = logOf(config)
  await using gate = await openGate(config, log, signal)
  await using store = await openWhole(placeOf(config))
  await using cache = await openAgentCache(config, log)
  const agent = makeAgent(config, store, cache, log)
  // The state and the address are taken before the switch is touched: of two started by mistake, the second ends here.
  await using server = await serve(config, gate, store, {
    log,
    signal,
    local: {
      host: config.host,
      flows: (portId) => agent.flows(portId),
      fragments: () => agent.fragments,
      vlanLimit: () => agent.vlanLimit,
      trace: (portId, frame) => agent.trace(portId, frame),
    },
  })
  const ready = async (): Promise<void> => {
    await agent.inSync
    releaseHeap()
    announce(`ready ${server.url}`)
  }
  void ready()
  await agent.run(signal)
}
