// `portward up`: server, agent and SQLite in one process, for one host. This is where they are put together.

import { join } from 'node:path'
import { Agent } from '@portward/agent'
import { openServer, openTls, withKeystone, withTokens, withoutIdentity } from '@portward/server'
import type { Identity, Tls } from '@portward/server'
import { openSqlite } from '@portward/store'
import { pino } from 'pino'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { parseListen, parseVlanRange } from './config.ts'
import { releaseHeap } from './heap.ts'
import { VERSION } from './version.ts'

/** Runs until the signal aborts; prints the line `ready URL` once it serves and its agent is in sync. */
export async function up(config: Config, signal: AbortSignal): Promise<void> {
  const { host, port, loopback } = parseListen(config.listen, config.auth)
  const vlanRange = parseVlanRange(config.vlan_range)
  const log = pino({ level: config.log_level, base: null }, pino.destination(2))
  const tls = await tlsOf(config, log, signal)
  if (!loopback && tls === undefined) {
    log.warn(
      { listen: config.listen },
      'tokens cross the network in the clear: set tls_cert and tls_key',
    )
  }
  if (config.auth !== 'none' && config.network_type === 'local') {
    log.warn(
      {},
      'networks of all projects share one wire: set network_type to vlan, unless the projects trust each other',
    )
  }
  await using identity = await identityOf(config, log, signal)
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
    identity,
    ...(tls !== undefined && { tls }),
    settings: {
      maxPairs: config.max_allowed_address_pair,
      network: {
        type: config.network_type,
        physicalNetwork: config.physical_network,
        vlanRange,
      },
      quotas: {
        network: config.quota_network,
        subnet: config.quota_subnet,
        port: config.quota_port,
        rbacPolicy: config.quota_rbac_policy,
      },
      auditDays: config.audit_days,
    },
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

function identityOf(
  config: Config,
  parent: Logger,
  signal: AbortSignal,
): Identity | Promise<Identity> {
  const log = parent.child({ part: 'identity' })
  if (config.auth === 'none') return withoutIdentity()
  if (config.auth === 'tokens') return withTokens({ file: config.token_file, log, signal })
  return withKeystone({
    url: config.keystone_url,
    tokenFile: config.keystone_token_file === '' ? undefined : config.keystone_token_file,
    log,
    signal,
  })
}

async function tlsOf(
  { tls_cert: cert, tls_key: key }: Config,
  log: Logger,
  signal: AbortSignal,
): Promise<Tls | undefined> {
  if (cert === '') return undefined
  return openTls({ cert, key, log: log.child({ part: 'tls' }), signal })
}

async function announce(agent: Agent, url: string): Promise<void> {
  await agent.inSync
  releaseHeap()
  process.stdout.write(`ready ${url}\n`)
}
