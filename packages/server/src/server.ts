// The server as a whole: the replica that follows the store, the binder, and the API on a socket.

import type { Store } from '@portward/store'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { Server as TlsServer } from 'node:tls'
import { noteAgents } from './agents.ts'
import { buildApp } from './app.ts'
import { bindPorts } from './binder.ts'
import { portward } from './caller.ts'
import type { Identity } from './caller.ts'
import { forgetOld } from './history-routes.ts'
import { withoutIdentity } from './identity/nobody.ts'
import type { Tls } from './identity/tls.ts'
import type { LocalHost } from './portward.ts'
import { Replica } from './replica.ts'
import { upgradeShared } from './rbac.ts'
import { defaults } from './settings.ts'
import type { Settings } from './settings.ts'
import type { Context } from './transact.ts'

export type ServerOptions = {
  readonly store: Store
  /** Where to listen. Port 0: any that is free. */
  readonly host: string
  readonly port: number
  readonly log: FastifyBaseLogger | undefined
  /** The agent in the same process; without it the server sees no switch of its own. */
  readonly local?: LocalHost
  readonly version: string
  /** Who may ask. Default: whoever reaches it, which is right on loopback alone. */
  readonly identity?: Identity
  /** With it, the API is served by HTTPS alone. */
  readonly tls?: Tls
  /** What differs from the defaults. */
  readonly settings?: Partial<Settings>
  /** Ends it, as disposing does. */
  readonly signal: AbortSignal
}

export type Server = AsyncDisposable & {
  /** Without a slash at its end. */
  readonly url: string
  readonly replica: Replica
}

/** What requests under way get when the server ends; a client that sends none to its end must not hold it up. */
const GRACE_MS = 1000

/** Resolves once requests are answered. Throws an error that names the address and the way out if it cannot listen. */
export async function openServer(options: ServerOptions): Promise<Server> {
  options.signal.throwIfAborted()
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  const { app, replica, ended } = await start(options, signal).catch((error: unknown) => {
    stop.abort()
    throw error
  })
  const close = async (): Promise<void> => {
    stop.abort()
    const hangUp = setTimeout(() => app.server.closeAllConnections(), GRACE_MS)
    await app.close()
    clearTimeout(hangUp)
    await ended
  }
  try {
    const url = await listen(app, options)
    signal.addEventListener('abort', () => void close(), { once: true })
    return { url, replica, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The server without its socket, for whoever calls it by `inject`. */
export async function start(
  options: Pick<
    ServerOptions,
    'store' | 'log' | 'local' | 'version' | 'identity' | 'tls' | 'settings'
  >,
  signal: AbortSignal,
): Promise<{
  readonly app: FastifyInstance
  readonly replica: Replica
  /** Settles after the signal has aborted and nothing runs any more. */
  readonly ended: Promise<unknown>
}> {
  const { store, log, local, version, identity = withoutIdentity(), tls } = options
  const settings = { ...defaults, ...options.settings }
  const replica = new Replica(log)
  const following = replica.follow(store, signal)
  await Promise.race([replica.loaded, following])
  const context: Context = {
    store,
    replica,
    settings,
    log,
    now: () => new Date(),
    caller: portward,
    requestId: null,
  }
  await upgradeShared(context)
  const tasks = [
    following,
    bindPorts(context, signal),
    noteAgents(context, signal),
    forgetOld(context, signal),
  ]
  const app = buildApp({ context, identity, tls, log, local, version, signal })
  if (app.server instanceof TlsServer) tls?.follow(app.server)
  return { app, replica, ended: Promise.all(tasks) }
}

async function listen(
  app: FastifyInstance,
  { host, port }: Pick<ServerOptions, 'host' | 'port'>,
): Promise<string> {
  try {
    return await app.listen({ host, port })
  } catch (cause) {
    throw new Error(`cannot listen on ${host} port ${port}: ${whyNot(cause)}`, { cause })
  }
}

function whyNot(cause: unknown): string {
  switch (codeOf(cause)) {
    case 'EADDRINUSE':
      return 'another program listens there. Stop it, or listen elsewhere (--listen)'
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address. Listen on one it has (--listen)'
    case 'EACCES':
      return 'it takes more rights than this process has. Choose a port above 1023 (--listen)'
    default:
      return cause instanceof Error ? cause.message : String(cause)
  }
}

function codeOf(cause: unknown): unknown {
  return cause instanceof Error && 'code' in cause ? cause.code : undefined
}
