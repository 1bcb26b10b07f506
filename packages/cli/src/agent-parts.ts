// What an agent is made of, as the configuration has it: for `portward up` and `portward agent`.

import { join } from 'node:path'
import { Agent, openCache } from '@portward/agent'
import type { Cache } from '@portward/agent'
import type { Store } from '@portward/store'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { placeOf } from './store/place.ts'
import { VERSION } from './version.ts'

/**
 * What the agent goes on with while its store is away. None for SQLite, which is in the process: when it can't be read
 * somebody has to look, and until then the flows stand in the switch.
 */
export async function openAgentCache(config: Config, log: Logger): Promise<Cache | undefined> {
  if (placeOf(config).kind === 'sqlite') return undefined
  return openCache({
    file: join(config.state, 'agent-cache'),
    host: config.host,
    log: log.child({ part: 'cache' }),
  })
}

export function makeAgent(
  config: Config,
  store: Store,
  cache: Cache | undefined,
  log: Logger,
): Agent {
  return new Agent({
    store,
    ...(cache && { cache }),
    host: config.host,
    version: VERSION,
    rundir: config.ovs_rundir,
    bridge: config.bridge,
    mode: config.bridge_mode,
    uplinks: new Set(config.uplinks),
    isolate: config.isolate,
    log: log.child({ part: 'agent' }),
  })
}
