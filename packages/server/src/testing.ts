// A server on a store of its own, called without a socket, and a host's agent played by the test. For tests only.

import { openSqlite, keys, records } from '@portward/store'
import type { AliveRecord, AppliedRecord, SeenRecord, Store } from '@portward/store'
import type { FastifyInstance } from 'fastify'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Caller, Identity } from './caller.ts'
import { withoutIdentity } from './identity/nobody.ts'
import { start } from './server.ts'
import type { LocalHost } from './portward.ts'
import type { Replica } from './replica.ts'
import { isObject } from './resource.ts'
import type { Settings } from './settings.ts'

type Path = readonly (string | number)[]

export type Answer = {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  /** Parsed, where it is JSON. */
  readonly body: unknown
  /** The NeutronError in it. */
  readonly error: { readonly type: string; readonly message: string } | undefined
  /** What stands under a member of the body. */
  readonly at: (...path: Path) => unknown
  /** The objects in a list there. */
  readonly all: (...path: Path) => readonly Readonly<Record<string, unknown>>[]
}

export type Call = (
  method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH' | 'HEAD' | 'OPTIONS',
  url: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answer>

export type TestServer = AsyncDisposable & {
  readonly store: Store
  readonly app: FastifyInstance
  readonly replica: Replica
  /** Whoever asks is an administrator, as on loopback. */
  readonly call: Call
  /** As that caller, of the identity that a server has by default here. */
  as(caller: Caller): Call
  /** Writes as a host's agent does, and waits until the server knows. */
  agent(host: string): TestAgent
}

export type TestAgent = {
  alive(record?: Partial<AliveRecord>): Promise<void>
  gone(): Promise<void>
  see(iface: string, record: Partial<SeenRecord>): Promise<void>
  unsee(iface: string): Promise<void>
  /** Acknowledges what the host must enforce of the port now. */
  apply(portId: string, record?: Partial<AppliedRecord>): Promise<void>
  withdraw(portId: string): Promise<void>
}

/**
 * The store, with something else coming before each transaction: as across a network, where two servers plan on what is about
 * to change. By default, everyone else runs first.
 */
export function slow(store: Store, first: () => Promise<unknown> = setImmediate): Store {
  return {
    range: (prefix) => store.range(prefix),
    sync: () => store.sync(),
    watch: (prefix, after, signal) => store.watch(prefix, after, signal),
    lease: (ttl) => store.lease(ttl),
    archived: (query) => store.archived(query),
    forget: (before) => store.forget(before),
    async txn(compares, ops) {
      await first()
      return store.txn(compares, ops)
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

/** A store whose transactions wait until the gate is opened; `asked` once the first of them waits. */
export function gated(store: Store) {
  const held = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  const first = (): Promise<void> => {
    asked.resolve()
    return held.promise
  }
  return { store: slow(store, first), asked: asked.promise, open: () => held.resolve() }
}

/** An agent in the same process that answers what it is given to answer, and else that it has no switch. */
export function localHost(answers: Partial<LocalHost> = {}): LocalHost {
  const away = (): Promise<never> => Promise.reject(new Error('there is no switch'))
  return {
    host: 'h1',
    flows: away,
    fragments: () => 'seen',
    vlanLimit: () => 1,
    trace: away,
    ...answers,
  }
}

/** A member of the project, unless said otherwise. */
export function callerIn(projectId: string, role: Caller['role'] = 'member'): Caller {
  return { userId: `${role} of ${projectId}`, userName: `${role}-${projectId}`, projectId, role }
}

export type TestOptions = {
  /** Another server on the same store when one is given. */
  readonly store?: Store
  readonly local?: LocalHost
  readonly identity?: Identity
  readonly settings?: Partial<Settings>
}

export async function openTestServer(options: TestOptions = {}): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), 'portward-server-'))
  const store = options.store ?? (await openSqlite({ file: join(directory, 'store.db') }))
  const stop = new AbortController()
  const { app, replica, ended } = await start(
    {
      store,
      log: undefined,
      version: '0.0.0',
      ...(options.local && { local: options.local }),
      ...(options.settings && { settings: options.settings }),
      identity: options.identity ?? asTold(),
    },
    stop.signal,
  )
  const write = async (...ops: Parameters<Store['txn']>[1]): Promise<void> => {
    const result = await store.txn([], ops)
    if (result.succeeded) await replica.reached(result.revision)
  }
  return {
    store,
    app,
    replica,
    call: callOf(app),
    as: (caller) => {
      const call = callOf(app)
      const who = { [CALLER]: encodeURIComponent(JSON.stringify(caller)) }
      return (method, url, body, headers) => call(method, url, body, { ...headers, ...who })
    },
    agent: (host) => ({
      alive: (record) =>
        write({
          type: 'put',
          key: keys.hostAlive(host),
          value: records.alive.encode({ ...aliveOn(host), ...record }),
        }),
      gone: () => write({ type: 'delete', key: keys.hostAlive(host) }),
      see: (iface, record) =>
        write({
          type: 'put',
          key: keys.hostSeenIface(host, iface),
          value: records.seen.encode({ ...unseen, ...record }),
        }),
      unsee: (iface) => write({ type: 'delete', key: keys.hostSeenIface(host, iface) }),
      apply: async (portId, record) => {
        const revision = replica.hostPorts.get(keys.hostPort(host, portId))?.modified ?? 0
        const applied = { revision, iface: 'tap0', ofport: 1, flows: 12, ...record }
        const key = keys.hostAppliedPort(host, portId)
        await write({ type: 'put', key, value: records.applied.encode(applied) })
      },
      withdraw: (portId) => write({ type: 'delete', key: keys.hostAppliedPort(host, portId) }),
    }),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await app.close()
      await ended
      if (options.store === undefined) await store[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Believes whatever a test says of who asks. */
function asTold(): Identity {
  const nobody = withoutIdentity()
  return {
    identify(headers) {
      const who = headers[CALLER]
      if (typeof who !== 'string') return nobody.identify(headers)
      return JSON.parse(decodeURIComponent(who)) as Caller
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

const CALLER = 'x-test-caller'

const unseen: SeenRecord = {
  portId: null,
  type: '',
  ofport: 1,
  mac: null,
  state: 'silent',
  reason: null,
}

function aliveOn(host: string): AliveRecord {
  return {
    host,
    version: '0.0.0',
    startedAt: '2026-11-24T05:00:00Z',
    bridge: 'br-int',
    mode: 'own',
    state: 'in-sync',
    notes: [],
  }
}

function callOf(app: FastifyInstance): Call {
  return async (method, url, body, headers = {}) => {
    const raw = typeof body === 'string' || Buffer.isBuffer(body)
    const payload = raw ? body : JSON.stringify(body)
    const response = await app.inject({
      method,
      url,
      headers: { ...headers },
      ...(payload !== undefined && { payload }),
    })
    const parsed = parse(response.body)
    const at = (...path: Path): unknown => dig(parsed, path)
    const all = (...path: Path) => listOf(dig(parsed, path))
    const [type, message] = [at('NeutronError', 'type'), at('NeutronError', 'message')]
    const error =
      typeof type === 'string' && typeof message === 'string' ? { type, message } : undefined
    return { status: response.statusCode, headers: response.headers, body: parsed, error, at, all }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

function dig(value: unknown, path: Path): unknown {
  for (const step of path) {
    if (!isObject(value) && !Array.isArray(value)) return undefined
    value = Object.entries(value).find(([name]) => name === String(step))?.[1]
  }
  return value
}
