// What a server is made of, as the configuration has it: for `portward up` and `portward server`.

import type { Identity, LocalHost, Server, ServerOptions, Tls } from '@portward/server'
import { openServer, openTls, withKeystone, withTokens, withoutIdentity } from '@portward/server'
import type { Store } from '@portward/store'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { parseListen, parseVlanRange } from './config.ts'
import { VERSION } from './version.ts'

/** Whom the API lets in, and by what it shows that it is the API. */
export type Gate = AsyncDisposable & {
  readonly identity: Identity
  readonly tls: Tls | undefined
}

export async function openGate(config: Config, log: Logger, signal: AbortSignal): Promise<Gate> {
  const { loopback } = parseListen(config.listen, config.auth)
  parseVlanRange(config.vlan_range)
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
  const identity = await identityOf(config, log, signal)
  return { identity, tls, [Symbol.asyncDispose]: () => identity[Symbol.asyncDispose]() }
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

/** `local` is the agent in the same process, if there is one. */
export function serve(
  config: Config,
  gate: Gate,
  store: Store,
  { local, log, signal }: { local?: LocalHost; log: Logger; signal: AbortSignal },
): Promise<Server> {
  const { host, port } = parseListen(config.listen, config.auth)
  const options: ServerOptions = {
    store,
    host,
    port,
    version: VERSION,
    identity: gate.identity,
    ...(gate.tls !== undefined && { tls: gate.tls }),
    settings: {
      maxPairs: config.max_allowed_address_pair,
      network: {
        type: config.network_type,
        physicalNetwork: config.physical_network,
        vlanRange: parseVlanRange(config.vlan_range),
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
    ...(local && { local }),
  }
  return openServer(options)
}
