// Servers that bind ports, between a store that fails and hosts that lag: what a server asks of the store waits on its way, is done
// unsaid, or is lost; watches lag and break, each for itself; servers crash, and what they asked may come in after that; agents
// die, come back and tell late; interfaces come and go. The store is real, the clock is simulated.
// After every single thing that happens, it is looked at who may speak.
//
//   requests ──► servers, each with a replica and a binder ◄──lines──► store ◄──lines──► agents ──► switches
//
// What may never be: that a port speaks at two places. Two exceptions are ADR 15's: a host whose agent was dead when the port left it,
// until that agent is back and has heard; and an interface so new that its agent has told nobody of it.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { StoreError, keys, openSqlite, parseHostKey } from '@portward/store'
import type { PortRecord, Store } from '@portward/store'
import * as fc from 'fast-check'
import { bindPorts } from './binder.ts'
import { activate, bound, rebound, unbound } from './bindings.ts'
import { anyone } from './caller.ts'
import { ApiError } from './errors.ts'
import { Host } from './model/host.ts'
import { Line } from './model/line.ts'
import type { Fate } from './model/line.ts'
import { createNetworks } from './networks.ts'
import { port } from './port.ts'
import type { PortValues } from './port.ts'
import { createPorts, deletePort, updatePort } from './ports.ts'
import { Replica, hostOf } from './replica.ts'
import { storedAt } from './resource.ts'
import { defaults } from './settings.ts'
import { transact } from './transact.ts'
import type { Context, Plan } from './transact.ts'

/** More take longer, and find what is rarer. */
const RUNS = Number(process.env['PORTWARD_MODEL_RUNS'] ?? 150)

const HOSTS = ['h1', 'h2', 'h3'] as const
const IFACES = ['tap0', 'tap1'] as const
const SERVERS = 2
/** At a time. */
const PORTS = 2

type Clock = { tick(ms: number): void }

type Request =
  | { readonly ask: 'delete' }
  | { readonly ask: 'bind' | 'unbind' | 'activate'; readonly host: string }
  | { readonly ask: 'put'; readonly values: PortValues }

/** How things stand at the start, with one port. */
type Setup = {
  /** Where it is told to be, or nowhere. */
  readonly home: string
  readonly servers: number
  /** Per host: what became of its agent; whether it has the port's interface. */
  readonly agents: readonly ('lives' | 'never was' | 'died' | 'has begun anew')[]
  readonly plugged: readonly boolean[]
}

const host = of(...HOSTS)
const nth = fc.nat(5)
const fate = of<Fate>('told', 'told', 'told', 'done', 'unknown', 'lost')

const setups = record<Setup>({
  home: of('h1', 'h1', ''),
  servers: of(1, 2),
  agents: fc.tuple(
    ...HOSTS.map(() => of('lives', 'lives', 'lives', 'never was', 'died', 'has begun anew')),
  ),
  plugged: fc.tuple(...HOSTS.map(() => fc.boolean())),
})

const values: fc.Arbitrary<PortValues> = fc.oneof(
  { weight: 4, arbitrary: record({ 'binding:host_id': of(...HOSTS, '') }) },
  {
    weight: 2,
    arbitrary: record({
      'binding:profile': of<Readonly<Record<string, unknown>>>(
        ...HOSTS.map((to) => ({ migrating_to: to })),
        {},
      ),
    }),
  },
  { weight: 1, arbitrary: record({ admin_state_up: fc.boolean() }) },
  { weight: 1, arbitrary: record({ name: of('x', 'y') }) },
)

const requests: fc.Arbitrary<Request> = fc.oneof(
  { weight: 6, arbitrary: record({ ask: of('bind', 'unbind', 'activate'), host }) },
  { weight: 5, arbitrary: record({ ask: of('put'), values }) },
  { weight: 1, arbitrary: record({ ask: of('delete') }) },
)

/** Each number is of those that the thing can happen to at that moment. */
const steps = fc.oneof(
  step(1, { do: of('create'), server: nth, home: of(...HOSTS, '') }),
  step(12, { do: of('request'), server: nth, port: nth, request: requests }),
  step(14, { do: of('carry'), line: nth, nth: of(0, 0, 0, 1, 2), fate }),
  step(14, { do: of('hear'), line: nth }),
  step(8, { do: of('drain'), line: nth, first: of('told', 'told', 'lost', 'unknown') }),
  step(2, { do: of('break'), line: nth, how: of('away', 'compacted') }),
  step(1, { do: of('crash'), server: nth }),
  step(2, { do: of('open'), server: fc.nat(SERVERS - 1) }),
  step(1, { do: of('land') }),
  step(5, {
    do: of('plug'),
    host: fc.nat(HOSTS.length - 1),
    iface: of(...IFACES),
    port: of(0, 0, 0, 1),
    numbered: of(true, true, true, false),
  }),
  step(3, { do: of('unplug'), iface: nth }),
  step(16, { do: of('apply', 'tell', 'round', 'round'), agent: nth }),
  step(5, { do: of('rounds') }),
  step(1, { do: of('cut'), agent: nth }),
  step(4, { do: of('start'), host: nth }),
  step(2, { do: of('kill'), agent: nth, landed: fc.boolean() }),
  step(2, { do: of('disturb'), agent: nth, port: nth }),
  // A record of a host's is as an earlier version wrote it.
  step(1, { do: of('age'), nth }),
  step(4, { do: of('pass'), ms: of(1000, 1000, 3000, 10_000) }),
)

type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never

/** What was found, or takes long to be found. */
const found: readonly [Setup, Step[]][] = [
  // The row of a device that is gone kept its port, though another host had the interface.
  [
    { home: '', servers: 1, agents: all('lives'), plugged: [true, false, false] },
    [
      { do: 'plug', host: 0, iface: 'tap0', port: 0, numbered: false },
      { do: 'plug', host: 1, iface: 'tap0', port: 0, numbered: true },
    ],
  ],
  // A host let an interface speak that came after a server had decided that the port is silent there.
  [
    { home: 'h1', servers: 1, agents: all('lives'), plugged: [false, true, false] },
    [
      { do: 'request', server: 0, port: 0, request: moveTo('h2') },
      { do: 'plug', host: 0, iface: 'tap0', port: 0, numbered: true },
      { do: 'round', agent: 0 },
      { do: 'carry', line: 0, nth: 0, fate: 'told' },
    ],
  ],
  // An agent came back after a server had decided that it is dead.
  [
    { home: 'h1', servers: 1, agents: ['died', 'lives', 'lives'], plugged: [true, true, false] },
    [
      { do: 'request', server: 0, port: 0, request: moveTo('h2') },
      { do: 'start', host: 0 },
      { do: 'tell', agent: 0 },
      { do: 'drain', line: 1, first: 'told' },
      { do: 'carry', line: 0, nth: 0, fate: 'told' },
    ],
  ],
  // Another hand is at the flows of an interface that speaks: nothing of it is applied, and it is no less there.
  [
    { home: 'h1', servers: 1, agents: all('lives'), plugged: [true, true, false] },
    [
      { do: 'disturb', agent: 0, port: 0 },
      { do: 'drain', line: 1, first: 'told' },
      { do: 'drain', line: 0, first: 'told' },
      { do: 'request', server: 0, port: 0, request: moveTo('h2') },
      { do: 'drain', line: 0, first: 'told' },
    ],
  ],
  // That an agent is in sync is all that is told of a host which the port has left.
  [
    { home: 'h1', servers: 1, agents: ['has begun anew', 'lives', 'lives'], plugged: all(false) },
    [
      { do: 'request', server: 0, port: 0, request: moveTo('h2') },
      { do: 'drain', line: 0, first: 'told' },
    ],
  ],
  // What a binder writes is lost, and nothing else happens to the port.
  [
    { home: '', servers: 1, agents: all('lives'), plugged: [false, false, false] },
    [
      { do: 'plug', host: 1, iface: 'tap0', port: 0, numbered: true },
      { do: 'rounds' },
      { do: 'drain', line: 0, first: 'lost' },
    ],
  ],
]

/** One life of a server. */
class Server {
  readonly line: Line
  readonly replica = new Replica()
  readonly #context: Context
  readonly #stop = new AbortController()
  #isReady = false
  /** It could not read the store when it began, and is over. */
  isOver = false
  /** Requests without an answer. */
  pending = 0
  failure: unknown

  constructor(store: Store) {
    this.line = new Line(store)
    this.#context = contextOf(this.line, this.replica)
    void this.#run()
  }

  ask(plan: (context: Context) => Plan<unknown>): void {
    if (!this.#isReady) return
    this.pending++
    transact(this.#context, () => plan(this.#context))
      .catch((error: unknown) => this.#failed(error))
      .finally(() => this.pending--)
  }

  end(): ReturnType<Line['end']> {
    this.#stop.abort()
    return this.line.end()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    try {
      const following = this.replica.follow(this.line, signal)
      await Promise.race([this.replica.loaded, following])
      this.#isReady = true
      await Promise.all([following, bindPorts(this.#context, signal)])
    } catch (error) {
      this.#failed(error)
      this.isOver = true
    }
  }

  #failed(error: unknown): void {
    const isForeseen = error instanceof ApiError || error instanceof StoreError
    if (!isForeseen && !this.#stop.signal.aborted) this.failure ??= error
  }
}

function contextOf(store: Store, replica: Replica): Context {
  const now = () => new Date()
  return {
    store,
    replica,
    now,
    settings: defaults,
    log: undefined,
    caller: anyone,
    requestId: null,
  }
}

class World {
  readonly #store: Store
  readonly #clock: Clock
  /** What is in the store. */
  readonly #truth = new Replica()
  readonly #end = new AbortController()
  #servers: readonly (Server | undefined)[] = Array.from({ length: SERVERS }, () => undefined)
  readonly #hosts: readonly Host[]
  #networkId = ''
  /** In the order in which they were made. */
  #ports: readonly string[] = []
  /** Where the store lets each port speak. */
  readonly #home = new Map<string, string>()
  /** Of a host and a port: it may still speak there, as ADR 15 says. */
  readonly #excused = new Set<string>()
  /** What servers asked that are no more. */
  readonly #adrift: (() => Promise<unknown>)[] = []

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
    this.#hosts = HOSTS.map((name) => new Host(name, store))
  }

  async begin({ home, servers, agents, plugged }: Setup): Promise<void> {
    const context = contextOf(this.#store, this.#truth)
    void this.#truth.follow(this.#store, this.#end.signal)
    await this.#truth.loaded
    const networks = await transact(context, () => createNetworks(context, [{}]))
    this.#networkId = networks.result[0] ?? ''
    const values = { network_id: this.#networkId, 'binding:host_id': home }
    await transact(context, () => createPorts(context, [values]))
    await this.#look()
    for (let n = 0; n < servers; n++) this.#open(n)
    for (const [n, host] of this.#hosts.entries()) {
      if (plugged[n] === true) host.plug('tap0', this.#ports[0] ?? '', true)
      if (agents[n] !== 'never was') host.start()
    }
    await this.#everyRound()
    for (const [n, host] of this.#hosts.entries()) {
      if (agents[n] === 'died' || agents[n] === 'has begun anew') host.kill()
    }
    this.#clock.tick(9000)
    await this.#everyRound()
    this.#clock.tick(1000)
    for (const [n, host] of this.#hosts.entries()) {
      if (agents[n] !== 'has begun anew') continue
      host.start()
      void host.agent?.tell()
      await this.#drain(host.agent?.line)
    }
    for (const { line } of this.#standing) await this.#drain(line)
  }

  async happen(step: Step): Promise<void> {
    switch (step.do) {
      case 'create':
        if (this.#truth.ports.size >= PORTS) break
        pick(this.#standing, step.server)?.ask((context) =>
          createPorts(context, [{ network_id: this.#networkId, 'binding:host_id': step.home }]),
        )
        break
      case 'request': {
        const id = this.#portAt(step.port)
        pick(this.#standing, step.server)?.ask((context) => planOf(context, id, step.request))
        break
      }
      case 'carry':
        await pick(
          this.#lines.filter(({ waiting }) => waiting > 0),
          step.line,
        )?.carry(step.nth, step.fate)
        break
      case 'hear':
        pick(
          this.#lines.filter(({ hears }) => hears),
          step.line,
        )?.hear()
        break
      case 'drain':
        await this.#drain(pick(this.#lines, step.line), step.first)
        break
      case 'break':
        pick(this.#lines, step.line)?.break(step.how)
        break
      case 'crash': {
        const server = pick(this.#standing, step.server)
        this.#adrift.push(...(server?.end() ?? []))
        this.#servers = this.#servers.map((one) => (one === server ? undefined : one))
        break
      }
      case 'open':
        this.#open(step.server)
        break
      case 'land':
        await this.#land()
        break
      case 'plug':
        this.#hosts[step.host]?.plug(step.iface, this.#portAt(step.port), step.numbered)
        break
      case 'unplug': {
        const ifaces = this.#hosts.flatMap((host) =>
          [...host.ifaces.keys()].map((name) => ({ host, name })),
        )
        const { host, name } = pick(ifaces, step.iface) ?? {}
        host?.unplug(name ?? '')
        break
      }
      case 'apply':
        this.#apply(pick(this.#living, step.agent))
        break
      case 'tell':
        void pick(this.#living, step.agent)?.agent?.tell()
        break
      case 'round':
        await this.#round(pick(this.#living, step.agent))
        break
      case 'rounds':
        for (const host of this.#hosts) await this.#round(host)
        break
      case 'cut':
        pick(this.#living, step.agent)?.agent?.cut()
        break
      case 'start':
        pick(
          this.#hosts.filter(({ agent }) => agent === undefined),
          step.host,
        )?.start()
        break
      case 'kill': {
        const asked = pick(this.#living, step.agent)?.kill() ?? []
        if (step.landed) for (const run of asked) await ignored(run())
        break
      }
      case 'disturb':
        pick(this.#living, step.agent)?.agent?.disturb(this.#portAt(step.port))
        break
      case 'age':
        await this.#age(pick(this.#truth.hostPorts.ids, step.nth))
        break
      case 'pass':
        this.#clock.tick(step.ms)
        break
      default:
        step satisfies never
    }
    await this.#look()
  }

  /** No failure comes any more, and everything is heard, done and told; who is dead stays so, but for the last server. */
  async settle(): Promise<void> {
    while (this.#adrift.length > 0) await this.#land()
    let quiet = 0
    for (let round = 0; quiet < 3; round++) {
      assert.ok(round < 100, 'it never comes to rest')
      const { revision } = this.#truth
      if (this.#standing.every(({ isOver }) => isOver)) this.#open(0)
      await this.#everyRound()
      this.#clock.tick(4000)
      await this.#look()
      quiet = revision === this.#truth.revision ? quiet + 1 : 0
    }
    for (const { pending } of this.#standing) assert.equal(pending, 0, 'a request has no answer')
  }

  /** Whether there was anybody to start. */
  startAll(): boolean {
    const before = this.#lines.length
    for (const n of this.#servers.keys()) this.#open(n)
    for (const host of this.#hosts) host.start()
    return this.#lines.length > before
  }

  /**
   * Each port is where it belongs, and speaks there and nowhere else, if it has an interface there; by those who live. A host where
   * two are the same port never lets it go (ADR 15).
   */
  checkEnds(): void {
    for (const { record } of this.#records) {
      const { id, hostId, boundHost, leaving, adminStateUp } = record
      const countOn = ({ ifaces }: Host, ofRows: boolean): number =>
        [...ifaces.values()].filter((one) => one.portId === id && (one.numbered || ofRows)).length
      const having = (ofRows: boolean): readonly string[] =>
        this.#living.filter((one) => countOn(one, ofRows) > 0).map(({ name }) => name)
      const there = having(false).length > 0 ? having(false) : having(true)
      const homes = hostId !== '' ? [hostId] : there.length > 0 ? there : [boundHost]
      assert.ok(homes.includes(boundHost), `${id} is on ${boundHost}, not ${homes.join()}`)
      for (const host of this.#living) {
        const count = countOn(host, false)
        const isHome = host.name === boundHost && leaving === undefined
        const shall = isHome && adminStateUp && count === 1
        assert.equal(host.speaker(id) !== undefined, shall, `${id} on ${host.name}`)
      }
      const last = this.#living.find(({ name }) => name === leaving)
      const isHeld = last !== undefined && countOn(last, false) > 1
      assert.ok(leaving === undefined || isHeld, `${id} still leaves ${leaving}`)
    }
  }

  /** Leaves an empty store. */
  async end(): Promise<void> {
    for (const server of this.#standing) server.end()
    for (const host of this.#hosts) host.kill()
    this.#clock.tick(20_000)
    await turns()
    await this.#store.txn([], [{ type: 'deletePrefix', prefix: '' }])
    this.#end.abort()
    await turns()
  }

  /** Its members in another order are the same record, and another text. */
  async #age(key: string | undefined): Promise<void> {
    if (key === undefined) return
    const { entries } = await this.#store.range(key)
    for (const { key, value, modified } of entries) {
      const members = Object.entries(JSON.parse(value) as object)
      const aged = JSON.stringify(Object.fromEntries(members.toReversed()))
      await this.#store.txn([{ key, modified }], [{ type: 'put', key, value: aged }])
    }
  }

  get #standing(): readonly Server[] {
    return this.#servers.filter((server) => server !== undefined)
  }

  get #records(): readonly { readonly record: PortRecord }[] {
    return this.#truth.ports.ids.flatMap((id) => this.#truth.ports.get(id) ?? [])
  }

  get #living(): readonly Host[] {
    return this.#hosts.filter(({ agent }) => agent !== undefined)
  }

  get #lines(): readonly Line[] {
    const agents = this.#hosts.flatMap(({ agent }) => agent ?? [])
    return [...this.#standing, ...agents].map(({ line }) => line)
  }

  /** The newest first. */
  #portAt(n: number): string {
    return pick(this.#ports.toReversed().slice(0, PORTS), n) ?? ''
  }

  #open(n: number): void {
    const { isOver = true } = this.#servers[n] ?? {}
    if (isOver) this.#servers = this.#servers.with(n, new Server(this.#store))
  }

  /** What a server asked that is no more comes to the store. */
  async #land(): Promise<void> {
    await ignored(this.#adrift.shift()?.())
    await this.#look()
  }

  /** Everything is well between this client and the store, or is after one failure more. */
  async #drain(line: Line | undefined, first: Fate = 'told'): Promise<void> {
    if (line === undefined) return
    line.open()
    for (let i = 0; i < 50; i++) {
      await turns()
      if (line.waiting === 0) break
      await line.carry(0, i === 0 ? first : 'told')
      await this.#look()
    }
    line.close()
  }

  async #everyRound(): Promise<void> {
    for (const { line } of this.#standing) await this.#drain(line)
    for (const host of this.#hosts) await this.#round(host)
  }

  /** The agent hears, does and tells all there is. */
  async #round(host: Host | undefined): Promise<void> {
    if (host?.agent === undefined) return
    for (let i = 0; i < 2; i++) {
      await this.#drain(host.agent.line)
      this.#apply(host)
      void host.agent.tell()
    }
    await this.#drain(host.agent.line)
    void host.agent.tell()
    await this.#drain(host.agent.line)
  }

  #apply(host: Host | undefined): void {
    if (host === undefined) return
    const before = this.#ports.filter((id) => host.speaker(id) !== undefined)
    host.apply()
    for (const id of this.#ports) {
      const speaker = host.speaker(id)
      const key = `${host.name} ${id}`
      if (!host.lets(id)) this.#excused.delete(key)
      if (speaker === undefined || before.includes(id) || this.#home.get(id) === host.name) continue
      // It is not heard here yet that the port is to be silent.
      if (speaker.isNew) this.#excused.add(key)
    }
  }

  /** Takes in what is in the store now, and checks all that must never be otherwise. */
  async #look(): Promise<void> {
    await turns()
    for (const { failure } of this.#standing) if (failure !== undefined) throw failure
    const { ids } = this.#truth.ports
    this.#ports = [...this.#ports, ...ids.filter((id) => !this.#ports.includes(id))]
    this.#checkRecords()
    for (const id of this.#ports) this.#checkPort(id)
  }

  /** What hosts must enforce is what the ports say, neither more nor less. */
  #checkRecords(): void {
    const wanted = this.#records.flatMap(({ record }) =>
      hostsOf(record).map((host) => {
        const speaks = host === record.boundHost && record.leaving === undefined
        return `${keys.hostPort(host, record.id)} ${speaks ? 'speaks' : 'standby'}`
      }),
    )
    const { hostPorts } = this.#truth
    const there = hostPorts.ids.map((key) => {
      const isSilent = hostPorts.get(key)?.record.standby === true
      return `${key} ${isSilent ? 'standby' : 'speaks'}`
    })
    assert.deepEqual(there, wanted.sort())
  }

  #checkPort(id: string): void {
    const { hostPorts, alive } = this.#truth
    const home = hostPorts.ids.find((key) => {
      const record = hostPorts.get(key)?.record
      return parseHostKey(key)?.name === id && record?.standby !== true
    })
    const at = home === undefined ? '' : hostOf(home)
    if (at !== this.#home.get(id)) {
      for (const host of this.#hosts) {
        const key = `${host.name} ${id}`
        const isDead = alive.get(keys.hostAlive(host.name)) === undefined
        if (host.name === at) this.#excused.delete(key)
        else if (isDead || host.speaker(id)?.isNew === true) this.#excused.add(key)
      }
    }
    this.#home.set(id, at)
    const speaking = this.#hosts
      .filter((host) => host.speaker(id) !== undefined && !this.#excused.has(`${host.name} ${id}`))
      .map(({ name }) => name)
    const may = new Set([...speaking, ...(at === '' ? [] : [at])])
    assert.ok(may.size <= 1, `${id} may speak on ${[...may].join(' and ')}`)
  }
}

/** Where a host has to know of the port. */
function hostsOf({ boundHost, standby = [], leaving = '', bindingProfile }: PortRecord): string[] {
  const { migrating_to: to } = bindingProfile
  const hosts = [
    boundHost,
    leaving,
    typeof to === 'string' ? to : '',
    ...standby.map(({ host }) => host),
  ]
  return [...new Set(hosts)].filter((host) => host !== '')
}

function planOf(context: Context, id: string, request: Request): Plan<unknown> {
  switch (request.ask) {
    case 'delete':
      return deletePort(context, storedAt(port, context, id))
    case 'put':
      return updatePort(context, storedAt(port, context, id), request.values)
    case 'bind': {
      const binding = { host: request.host, vnicType: 'normal', profile: {} }
      return rebound(context, id, (record) => bound(record, binding))
    }
    case 'unbind':
      return rebound(context, id, (record) => unbound(record, request.host))
    case 'activate':
      return rebound(context, id, (record) => activate(record, request.host))
    default:
      return request satisfies never
  }
}

function moveTo(to: string): Request {
  return { ask: 'put', values: { 'binding:host_id': to } }
}

/** Of each host. */
function all<T>(value: T): readonly T[] {
  return HOSTS.map(() => value)
}

function pick<T>(of: readonly T[], n: number): T | undefined {
  return of[n % of.length]
}

/** One of them; what is said twice comes twice as often. */
function of<const T>(...all: readonly T[]): fc.Arbitrary<T> {
  return fc.constantFrom(...all)
}

function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true })
}

function step<T>(weight: number, model: { [K in keyof T]: fc.Arbitrary<T[K]> }) {
  return { weight, arbitrary: record(model) }
}

async function ignored(done: Promise<unknown> | undefined): Promise<void> {
  await done?.catch(() => undefined)
}

/** Whoever waits for what has been told goes on. */
async function turns(): Promise<void> {
  for (let i = 0; i < 3; i++) await turn()
}

/** Timers run when somebody ticks. */
function simulatedClock({ mock }: TestContext): Clock & Disposable {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.parse('2026-11-24T05:00:00Z') })
  // Those of node:test are not put off by `refresh`, which keeps leases alive.
  const simulated = globalThis.setTimeout
  const set = (run: () => void, ms?: number): NodeJS.Timeout => {
    let latest = simulated(run, ms)
    const refresh = (): NodeJS.Timeout => {
      clearTimeout(latest)
      latest = simulated(run, ms)
      return timer
    }
    const timer = Object.assign(latest, { refresh })
    return timer
  }
  globalThis.setTimeout = Object.assign(set, { __promisify__: simulated.__promisify__ })
  syncBuiltinESMExports()
  return {
    tick: (ms) => mock.timers.tick(ms),
    [Symbol.dispose]() {
      mock.timers.reset()
      syncBuiltinESMExports()
    },
  }
}

void test('whatever fails and whenever, a port speaks at one place at most, and in the end where it belongs', async (t) => {
  using clock = simulatedClock(t)
  const directory = await mkdtemp(join(tmpdir(), 'portward-binder-'))
  const store = await openSqlite({ file: join(directory, 'store.db') })
  await fc.assert(
    fc.asyncProperty(
      setups,
      fc.array(steps, { maxLength: 60, size: 'max' }),
      async (setup, story) => {
        const world = new World(store, clock)
        try {
          await world.begin(setup)
          for (const step of story) await world.happen(step)
          await world.settle()
          world.checkEnds()
          if (world.startAll()) await world.settle()
          world.checkEnds()
        } finally {
          await world.end()
        }
      },
    ),
    { numRuns: RUNS, examples: [...found] },
  )
  await store[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})
