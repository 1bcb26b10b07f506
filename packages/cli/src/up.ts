// `portward up`: server, agent and SQLite in one process, for one host. This is where they are put together.

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent } from '@portward/agent'
import { openSqlite } from '@portward/store'
import { pino } from 'pino'
import type { Config } from './config.ts'
import { parseListen } from './config.ts'
import { VERSION } from './version.ts'

/** Guards first: the API can wait for a moment, frames cannot. Not longer, since the switch may not be there at all. */
const GUARD_FIRST_MS = 1000

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
    log: log.child({ part: 'agent' }),
  })
  const stop = new AbortController()
  const until = AbortSignal.any([signal, stop.signal])
  const guarding = agent.run(until)
  try {
    const patience = sleep(GUARD_FIRST_MS, undefined, { signal: until }).catch(() => {})
    await Promise.race([agent.inSync, guarding, patience])
    const { openServer } = await import('@portward/server')
    await using server = await openServer({
      store,
      host,
      port,
      version: VERSION,
      signal: until,
      log: log.child({ part: 'server' }),
      local: { host: config.host, flows: (portId) => agent.flows(portId) },
    })
    void agent.inSync.then(() => process.stdout.write(`ready ${server.url}\n`))
    await guarding
  } finally {
    stop.abort()
    await Promise.allSettled([guarding])
  }
}
