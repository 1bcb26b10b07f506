// `portward up`: server, agent and SQLite in one process, for one host. This is where they are put together.

import { join } from 'node:path'
import { Agent } from '@portward/agent'
import { openServer } from '@portward/server'
import { openSqlite } from '@portward/store'
import { pino } from 'pino'
import type { Config } from './config.ts'
import { parseListen } from './config.ts'
import { releaseHeap } from './heap.ts'
import { VERSION } from './version.ts'

/** Runs until the signal aborts; prints the line `ready URL` once it serves and its agent is in sync. */
export async function up(config: Config, signal: AbortSignal): Promise<void> {
  const { host, port } = parseListen(config.listen)
  const log = pino({ level: config.log_level, base: null }, pino.destination(2))
  await using store = await openSqlite({ file: join(config.state, 'portward.db') })
  const agent = new Agent({
    store,
    host: config.host,
    version: VERSION,
    rundir: config.ovs_rundir,
    bridge: config.bridge,
    mode: config.bridge_mode,
    uplinks: new Set(config.uplinks),
    isolate: config.isolate,
    log: log.child({ part: 'agent' }),
  })
  // The state and the address are taken before the switch is touched: of two started by mistake, the second ends here.
  await using server = await openServer({
    store,
    host,
    port,
    version: VERSION,
    maxPairs: config.max_allowed_address_pair,
    signal,
    log: log.child({ part: 'server' }),
    local: {
      host: config.host,
      flows: (portId) => agent.flows(portId),
      fragments: () => agent.fragments,
      vlanLimit: () => agent.vlanLimit,
      trace: (portId, frame) => agent.trace(portId, frame),
    },
  })
  void announce(agent, server.url)
  await agent.run(signal)
}

async function announce(agent: Agent, url: string): Promise<void> {
  await agent.inSync
  releaseHeap()
  process.stdout.write(`ready ${url}\n`)
}
