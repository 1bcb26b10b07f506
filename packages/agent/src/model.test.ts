// The loop, between an OVSDB, a store, a switch and a clock that are simulated: each tells late, in its own order; the switch
// acknowledges late, refuses flows, loses connections with a part of what was sent, restarts empty, and another hand writes to it; its
// datapath judges by what it once saw; the store fails before or after the deed, or does it when all is past, and leases expire; the
// agent is killed and begins anew. After every single thing that happens, frames are judged by the flows that stand at that moment.
//
//   world ──told late──► Rounds ──sent, in order──► switch ──heard late: acknowledgements, refusals, events──► Rounds ──► Report
//
// What may lag: an interface speaks as what it was until its agent has been told otherwise and the switch has acknowledged what
// followed. What may never be: that it speaks as anybody whom it neither is nor was since then; and once it is said that a port is
// armed here for another host, that it speaks here at all.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Ip } from '@portward/addr'
import { macOfBytes, parseIp } from '@portward/addr'
import type { Flow, FlowEvent, FlowMod } from '@portward/openflow'
import { SwitchError, flowKey, flowText } from '@portward/openflow'
import { bridgeFlows, frameOf, judge, prepare, tables } from '@portward/portsec'
import type {
  AliveRecord,
  AppliedRecord,
  Compare,
  HostPortRecord,
  Op,
  TxnResult,
} from '@portward/store'
import { keys } from '@portward/store'
import type { Iface } from './interface.ts'
import { BRIDGE } from './inventory.ts'
import type { Declared } from './inventory.ts'
import { Reconciler } from './reconciler.ts'
import { Report } from './report.ts'
import { Rounds } from './rounds.ts'
import type { Setting } from './verdict.ts'
import { verdictOn } from './verdict.ts'

/** More take longer, and find what is rarer. */
const RUNS = Number(process.env['PORTWARD_MODEL_RUNS'] ?? 600)

const IDS = ['00000001', '00000002', '00000003'].map((tag) => `${tag}-0000-4000-8000-000000000000`)
const NAMES = ['tap1', 'tap2', 'tap3'] as const
const OFPORTS = [1, 2, 3]
const TURN = keys.hostTurn('h')
const ALIVE: AliveRecord = {
  host: 'h',
  version: '0',
  startedAt: '',
  bridge: 'br0',
  mode: 'own',
  state: 'in-sync',
  notes: [],
}

function declared(n: number, fields: Partial<HostPortRecord>): HostPortRecord {
  return {
    portId: IDS[n] ?? '',
    networkId: 'n',
    mac: macOfBytes(Uint8Array.of(0xfa, 0x16, 0x3e, 0, 0, n)),
    ips: [parseIp(`10.0.0.${n + 1}`)] as Ip[],
    allowedAddressPairs: [],
    guarded: true,
    up: true,
    checks: {},
    vlan: 0,
    ...fields,
  }
}

/** What each port says as itself. */
const FRAMES = IDS.map((_, n) => {
  const { mac, ips } = declared(n, {})
  return frameOf(`ip from ${ips[0]}`, { mac, ips })
})

/** How it takes transactions: where it fails, before the deed, after it, or long before it. */
type StoreIs = 'there' | 'away' | 'unclear' | 'slow'

type Step =
  | { readonly do: 'plug'; readonly name: number; readonly ofport: number; readonly port: number }
  | { readonly do: 'unplug'; readonly name: number }
  | { readonly do: 'declare'; readonly port: number; readonly fields: Partial<HostPortRecord> }
  | { readonly do: 'undeclare'; readonly port: number }
  | { readonly do: 'tellOvsdb' | 'tellStore' | 'deliver' | 'hear' | 'step' | 'settle' }
  /** All of that, once, with what was on its way. */
  | { readonly do: 'round' }
  | { readonly do: 'tick'; readonly ms: number }
  /** The switch refuses flows of this number and table, until that is over. */
  | { readonly do: 'refuse'; readonly ofport: number; readonly table: number }
  | { readonly do: 'refuseNothing' | 'expire' | 'land' }
  | { readonly do: 'storeIs'; readonly store: StoreIs }
  /** An interface speaks as its port: the datapath may judge all frames like it by what it makes of this one. */
  | { readonly do: 'frame'; readonly name: number }
  /** Another hand deletes a flow each time that it is put back. */
  | { readonly do: 'fight'; readonly nth: number; readonly times: number }
  | { readonly do: 'cut'; readonly delivered: number }
  | { readonly do: 'restartSwitch' | 'killAgent' }
  | { readonly do: 'delete' | 'permit'; readonly nth: number }

const constants = <T extends string>(...names: T[]) =>
  fc.record({ do: fc.constantFrom(...names) }, { noNullPrototype: true })
const port = fc.nat(2)
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record(
      { do: fc.constant('plug' as const), name: port, ofport: port, port },
      { noNullPrototype: true },
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('unplug' as const), name: port }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('declare' as const),
      port,
      fields: fc.constantFrom<Partial<HostPortRecord>>(
        {},
        {},
        {},
        { guarded: false },
        { up: false },
        { standby: true },
        { ips: [parseIp('10.0.0.99')] },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('undeclare' as const), port }) },
  {
    weight: 24,
    arbitrary: constants(
      'tellOvsdb',
      'tellStore',
      'deliver',
      'deliver',
      'hear',
      'hear',
      'step',
      'step',
      'settle',
    ),
  },
  { weight: 8, arbitrary: constants('round') },
  {
    weight: 3,
    arbitrary: fc.record(
      { do: fc.constant('tick' as const), ms: fc.constantFrom(1, 60, 2000, 12_000) },
      { noNullPrototype: true },
    ),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('frame' as const), name: port }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('fight' as const),
      nth: fc.nat(60),
      times: fc.integer({ min: 4, max: 7 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record(
      {
        do: fc.constant('refuse' as const),
        ofport: port,
        table: fc.constantFrom(tables.classify.id, tables.claim.id, tables.mac.id),
      },
      { noNullPrototype: true },
    ),
  },
  { weight: 2, arbitrary: constants('refuseNothing', 'expire', 'land') },
  {
    weight: 2,
    arbitrary: fc.record(
      {
        do: fc.constant('storeIs' as const),
        store: fc.constantFrom<StoreIs>('there', 'there', 'away', 'unclear', 'slow'),
      },
      { noNullPrototype: true },
    ),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cut' as const), delivered: fc.nat(3) }) },
  { weight: 1, arbitrary: constants('restartSwitch', 'killAgent') },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('delete' as const, 'permit' as const),
      nth: fc.nat(60),
    }),
  },
)

/** Sent to the switch, and not there yet. */
type Sent = {
  readonly mods: readonly FlowMod[]
  readonly accepted?: () => void
  readonly resolve: () => void
  readonly reject: (why: Error) => void
}
type Heard =
  | { readonly event: FlowEvent }
  | { readonly ack: Sent }
  | { readonly refusal: Sent; readonly flow: Flow }

/** What dies when the agent is killed. */
type Agent = {
  readonly reconciler: Reconciler
  readonly report: Report
  readonly rounds: Rounds
  stepping?: Promise<void>
  /** Goes on when the datapath has forgotten. */
  settling?: { readonly forgotten: () => void; readonly done: Promise<void> }
  /** All that it has to say was said under its lease, and what an earlier run had said beside it is gone. */
  hasSaid?: true
}

class World {
  /** As things are. */
  readonly #ifaces = new Map<string, Iface>()
  readonly #ports = new Map<string, Declared>()
  readonly #flows = new Map<string, Flow>()
  #revision = 0
  #now = 0
  /** What the agent has not been told yet. */
  #ovsdb: (() => void)[] = []
  #store: (() => void)[] = []
  #storeIs: StoreIs = 'there'
  /** What the store was told. */
  readonly #said = new Map<string, string>()
  #turn = 0
  /** Deeds that were told as failed. */
  #late: (() => void)[] = []
  /** What of each port the agent goes by, or is yet to hear and go by. */
  readonly #versions = new Map<string, HostPortRecord[]>()
  #sent: Sent[] = []
  #heard: Heard[] = []
  /** Numbers and tables of which the switch takes no flows. */
  readonly #refusing = new Set<string>()
  /** Numbers, and ports as which the datapath passes frames there until it forgets. */
  readonly #cached = new Map<number, Set<number>>()
  /** Of each number, the ports that interfaces with it were, since nothing was on its way. */
  readonly #were = new Map<number, Set<string>>()
  /** Another hand wrote, and it is not put right yet. */
  #tampered = false
  #agent = this.#begin()

  async happen(step: Step): Promise<void> {
    switch (step.do) {
      case 'plug':
        this.#plug(NAMES[step.name] ?? 'tap1', OFPORTS[step.ofport] ?? 1, IDS[step.port])
        break
      case 'unplug':
        this.#setIface(NAMES[step.name] ?? 'tap1', undefined)
        break
      case 'declare':
        this.#declare(step.port, declared(step.port, step.fields))
        break
      case 'undeclare':
        this.#declare(step.port, undefined)
        break
      case 'tellOvsdb':
        this.#ovsdb.shift()?.()
        break
      case 'tellStore':
        this.#store.shift()?.()
        break
      case 'deliver':
        this.#deliver()
        break
      case 'hear':
        await this.#hearOne()
        break
      case 'step':
        this.#step()
        break
      case 'settle':
        this.#settle()
        break
      case 'round':
        await this.#round()
        break
      case 'tick':
        this.#now += step.ms
        break
      case 'frame':
        this.#frame(NAMES[step.name] ?? 'tap1')
        break
      case 'fight':
        await this.#fight(step.nth, step.times)
        break
      case 'refuse':
        this.#refusing.add(`${OFPORTS[step.ofport]}/${step.table}`)
        break
      case 'refuseNothing':
        this.#refusing.clear()
        break
      case 'storeIs':
        this.#storeIs = step.store
        break
      case 'land':
        this.#late.shift()?.()
        break
      case 'expire':
        this.#said.clear()
        this.#turn = 0
        this.#late = [] // nothing is put under a lease that is gone
        this.#agent.report.sayAgain()
        break
      case 'cut':
        for (let i = 0; i < step.delivered; i++) this.#deliver()
        this.#cut()
        break
      case 'restartSwitch':
        this.#flows.clear()
        this.#cached.clear()
        this.#cut()
        break
      case 'killAgent':
        this.#kill()
        break
      case 'delete':
      case 'permit':
        this.#tamper(step.do, this.#flowAt(step.nth))
        break
      default:
        step satisfies never
    }
    await turns()
    await this.#tell()
    this.#check()
  }

  /** Everything is told, delivered and heard, and nothing refused, until there is nothing left to do. */
  async rest(): Promise<void> {
    this.#refusing.clear()
    this.#storeIs = 'there'
    const isIdle = (): boolean => {
      const { reconciler, rounds, stepping, settling } = this.#agent
      const waits = reconciler.dirty || reconciler.refused.size > 0
      const fought = rounds.drift.fights(this.#now).size > 0
      const working = stepping !== undefined || settling !== undefined
      return !waits && !fought && !working && this.#sent.length + this.#heard.length === 0
    }
    for (let i = 0; i < 500; i++) {
      const wasIdle = isIdle()
      await this.#round()
      if (wasIdle && isIdle()) break
      this.#now += 500
    }
    assert.ok(isIdle(), 'it never comes to rest')
    assert.ok(this.#agent.hasSaid)
    for (const land of this.#late.splice(0)) land()
    this.#nothingLags()
    this.#check()
  }

  async #round(): Promise<void> {
    for (const tell of [...this.#ovsdb.splice(0), ...this.#store.splice(0)]) tell()
    this.#step()
    await turns()
    while (this.#sent.length > 0) this.#deliver()
    while (this.#heard.length > 0) await this.#hearOne()
    await turns()
    for (const _ of ['begun before', 'begun now']) {
      this.#settle()
      this.#settle()
      await turns()
    }
    await this.#tell()
  }

  /** What stands on the switch, and what should, naively; what is said, and what is so. */
  get ends() {
    const { reconciler } = this.#agent
    const desired = [...bridgeFlows('own', 'hidden')]
    const applied = new Map<string, number>()
    const setting: Setting = {
      tags: reconciler.tags,
      mode: 'own',
      uplinks: new Set(),
      portOf: (id) => this.#ports.get(id),
      namesOf: (id) => {
        const all = [...this.#ifaces.values()]
        return new Set(all.filter(({ portId }) => portId === id).map(({ name }) => name))
      },
    }
    for (const iface of this.#ifaces.values()) {
      const { flows, fulfils } = verdictOn(iface, setting)
      desired.push(...flows)
      if (fulfils !== undefined) {
        applied.set(keys.hostAppliedPort('h', fulfils.record.portId), fulfils.revision)
      }
    }
    const said = this.#applied.map(({ key, revision }): [string, number] => [key, revision])
    return {
      flows: [[...this.#flows.values()], desired].map((flows) => flows.map(flowText).sort()),
      applied: [new Map(said), applied],
    }
  }

  get #applied() {
    return [...this.#said].flatMap(([key, value]) => {
      if (!key.includes('/applied/')) return []
      return [{ key, ...(JSON.parse(value) as AppliedRecord) }]
    })
  }

  #begin(): Agent {
    const wake = (): void => {}
    const reconciler = new Reconciler({ uplinks: new Set(), wake })
    const report = new Report({ host: 'h', wake })
    report.alive(ALIVE)
    return {
      reconciler,
      report,
      rounds: new Rounds({ reconciler, report, clock: () => this.#now }),
    }
  }

  /** A number is one interface's at a time: whoever had it is gone. */
  #plug(name: string, ofport: number, portId: string | undefined): void {
    for (const [other, { ofport: taken }] of this.#ifaces) {
      if (other !== name && taken === ofport) this.#setIface(other, undefined)
    }
    this.#setIface(name, { name, type: '', ofport, portId, mac: undefined, error: undefined })
  }

  #setIface(name: string, iface: Iface | undefined): void {
    // The datapath has a port of its own for each device.
    const before = this.#ifaces.get(name)?.ofport
    if (before !== undefined && before !== iface?.ofport) this.#cached.delete(before)
    if (iface === undefined) this.#ifaces.delete(name)
    else this.#ifaces.set(name, iface)
    this.#remember(iface)
    this.#ovsdb.push(() => {
      const { reconciler, rounds } = this.#agent
      const known = reconciler.inventory.ifaces.get(name)
      reconciler.tags.setIface(name, iface)
      reconciler.inventory.setIface(name, iface)
      if (known === undefined) return
      const flows = reconciler.silenced(name, known)
      if (flows.length > 0) {
        const mods = flows.map((flow) => ({ command: 'deleteStrict', flow }) as const)
        this.#sent.push({ mods, resolve: () => {}, reject: () => {} })
        rounds.changed()
      }
    })
  }

  #declare(n: number, record: HostPortRecord | undefined): void {
    const id = IDS[n] ?? ''
    const entry = record && { record, revision: ++this.#revision }
    if (entry === undefined) this.#ports.delete(id)
    else this.#ports.set(id, entry)
    if (record !== undefined) this.#versions.set(id, [...(this.#versions.get(id) ?? []), record])
    this.#store.push(() => this.#agent.reconciler.inventory.setPort(id, entry))
  }

  #remember({ ofport, portId }: Partial<Iface> = {}): void {
    if (ofport === undefined || portId === undefined) return
    this.#were.set(ofport, (this.#were.get(ofport) ?? new Set()).add(portId))
  }

  /**
   * The ports as which an interface with this number may speak: those that it is or was, as they are or were declared since nothing
   * was on its way; true: as any.
   */
  #lawful(ofport: number): Set<number> | true {
    const lawful = new Set<number>()
    for (const id of this.#were.get(ofport) ?? []) {
      for (const record of this.#versions.get(id) ?? []) {
        const by = lawfulBy(record)
        if (by === true) return true
        for (const n of by) lawful.add(n)
      }
    }
    return lawful
  }

  #step(): void {
    const agent = this.#agent
    if (agent.stepping !== undefined || !agent.rounds.isDue) return
    const table = {
      commit: (mods: readonly FlowMod[], accepted: () => void) =>
        new Promise<void>((resolve, reject) => {
          this.#sent.push({ mods, accepted, resolve, reject })
        }),
    }
    agent.stepping = (async () => {
      try {
        await agent.rounds.write(table)
      } catch (error) {
        assert.match(String(error), /connection/)
      } finally {
        delete agent.stepping
      }
    })()
  }

  /** The datapath forgets at once; that it has, the agent hears when this happens again. */
  #settle(): void {
    const agent = this.#agent
    if (agent.settling !== undefined) return agent.settling.forgotten()
    const { promise, resolve: forgotten } = Promise.withResolvers<void>()
    const secure = async (_: unknown, changed: boolean): Promise<void> => {
      if (changed) this.#cached.clear()
      await promise
    }
    const done = agent.rounds.settle(secure).finally(() => {
      delete agent.settling
    })
    agent.settling = { forgotten, done }
  }

  #frame(name: string): void {
    const { ofport, portId } = this.#ifaces.get(name) ?? {}
    const n = IDS.indexOf(portId ?? '')
    const frame = FRAMES[n]
    if (ofport === undefined || frame === undefined) return
    const { verdict } = judge(prepare(this.#flows.values()), frame, ofport)
    if (verdict === 'dropped') return
    this.#cached.set(ofport, (this.#cached.get(ofport) ?? new Set()).add(n))
  }

  #deliver(): void {
    const message = this.#sent.shift()
    if (message === undefined) return
    const refused = message.mods.find(
      ({ command, flow: { match, table } }) =>
        command === 'add' && this.#refusing.has(`${match.inPort}/${table}`),
    )
    if (refused !== undefined) {
      this.#heard.push({ refusal: message, flow: refused.flow })
      return
    }
    for (const { command, flow } of message.mods) {
      const key = flowKey(flow)
      if (command === 'add') this.#flows.set(key, flow)
      else if (this.#flows.get(key)?.cookie === flow.cookie) this.#flows.delete(key)
    }
    this.#heard.push({ ack: message })
  }

  /** What another hand is heard to have changed is not applied any more, as soon as the store can be told. */
  async #hearOne(): Promise<void> {
    const disturbed = this.#hear()
    await turns()
    await this.#tell()
    this.#check()
    if (disturbed === undefined || this.#storeIs !== 'there' || !this.#agent.hasSaid) return
    const stands = this.#applied.some(({ iface }) => iface === disturbed)
    assert.ok(!stands, `${disturbed} is not as it was acknowledged`)
  }

  /** Gives the interface whose flows another hand is heard to have changed. */
  #hear(): string | undefined {
    const message = this.#heard.shift()
    if (message === undefined) return undefined
    if ('event' in message) {
      const owner = this.#agent.rounds.observe(message.event)
      return owner === BRIDGE ? undefined : owner
    }
    if ('refusal' in message) {
      message.refusal.reject(new SwitchError('the table is full', { flow: message.flow }))
      return undefined
    }
    message.ack.accepted?.()
    message.ack.resolve()
    return undefined
  }

  /** What was on its way is lost, either way; a fresh look follows. */
  #cut(): void {
    const gone = new Error('the connection is gone')
    for (const { reject } of this.#sent.splice(0)) reject(gone)
    for (const message of this.#heard.splice(0)) {
      if ('ack' in message) message.ack.reject(gone)
      else if ('refusal' in message) message.refusal.reject(gone)
    }
    const { reconciler, rounds } = this.#agent
    rounds.letGo()
    reconciler.adopt([...this.#flows.values()], 'own')
    rounds.changed()
  }

  #kill(): void {
    this.#agent = this.#begin()
    this.#ovsdb = []
    this.#store = []
    const { reconciler } = this.#agent
    for (const [name, iface] of this.#ifaces) {
      reconciler.tags.setIface(name, iface)
      reconciler.inventory.setIface(name, iface)
    }
    for (const [id, entry] of this.#ports) reconciler.inventory.setPort(id, entry)
    this.#cut()
  }

  /** Any of those that stand: the first are those that all ports share. */
  #flowAt(nth: number): Flow | undefined {
    return [...this.#flows.values()][(nth * 7) % this.#flows.size]
  }

  #tamper(how: 'delete' | 'permit', flow: Flow | undefined): void {
    if (flow === undefined) return
    this.#tampered = true
    if (how === 'delete') {
      this.#flows.delete(flowKey(flow))
      this.#heard.push({ event: { type: 'removed', flow } })
    } else {
      const foreign = flow.priority % 2 === 0 ? {} : { cookie: 7n }
      const priority = flow.priority + (flow.table % 3)
      const actions = [{ type: 'resubmit', table: 94 } as const]
      const allowing: Flow = { ...flow, ...foreign, priority, actions }
      this.#flows.set(flowKey(allowing), allowing)
      this.#heard.push({ event: { type: 'present', flow: allowing } })
    }
  }

  async #fight(nth: number, times: number): Promise<void> {
    const flow = this.#flowAt(nth)
    for (let i = 0; i < times; i++) {
      this.#tamper('delete', flow && this.#flows.get(flowKey(flow)))
      await this.#round()
    }
  }

  /** What the report has to say gets to the store, if that is there. */
  async #tell(): Promise<void> {
    const agent = this.#agent
    const write = ([turn]: readonly Compare[], ops: readonly Op[]): boolean => {
      if (turn?.key !== TURN || turn.modified !== this.#turn) return false
      this.#turn = ++this.#revision
      for (const op of ops) {
        if (op.type === 'put' && op.key !== TURN) this.#said.set(op.key, op.value)
        else if (op.type === 'delete') this.#said.delete(op.key)
      }
      return true
    }
    const txn = async (compares: readonly Compare[], ops: readonly Op[]): Promise<TxnResult> => {
      if (this.#storeIs === 'slow') this.#late.push(() => write(compares, ops))
      if (this.#storeIs === 'away' || this.#storeIs === 'slow') throw new Error('the store is away')
      const succeeded = write(compares, ops)
      if (this.#storeIs === 'unclear') throw new Error('the store went away')
      return succeeded ? { succeeded, revision: this.#revision } : { succeeded, failed: compares }
    }
    const range = (prefix: string) => {
      const all = new Map(this.#said)
      if (this.#turn > 0) all.set(TURN, '')
      const entries = [...all].map(([key, value]) => ({
        key,
        value,
        created: 0,
        modified: this.#turn,
      }))
      return Promise.resolve({
        revision: 0,
        entries: entries.filter(({ key }) => key.startsWith(prefix)),
      })
    }
    try {
      await agent.report.flush({ txn, range }, 'lease')
      if (agent.hasSaid || !this.#isQuiet) return
      await agent.report.retract({ range })
      await agent.report.flush({ txn, range }, 'lease')
      agent.hasSaid = true
    } catch (error) {
      assert.match(String(error), /the store/)
    }
  }

  get #isQuiet(): boolean {
    const { reconciler, stepping, settling } = this.#agent
    const lags = this.#ovsdb.length + this.#store.length + this.#sent.length + this.#heard.length
    const idle = stepping === undefined && settling === undefined && !reconciler.dirty
    return lags === 0 && idle && reconciler.refused.size === 0
  }

  #nothingLags(): void {
    this.#were.clear()
    for (const iface of this.#ifaces.values()) this.#remember(iface)
    this.#versions.clear()
    for (const [id, { record }] of this.#ports) this.#versions.set(id, [record])
    this.#tampered = false
  }

  #check(): void {
    const { rounds, stepping } = this.#agent
    const spins = stepping === undefined && !rounds.isDue && rounds.dueAt <= this.#now
    assert.ok(!spins, 'there is nothing to do, and it does not wait')
    if (this.#isQuiet) this.#nothingLags()
    if (this.#tampered) return
    const flows = prepare(this.#flows.values())
    const passes = (n: number, ofport: number): boolean =>
      judge(flows, FRAMES[n] ?? assert.fail(), ofport).verdict !== 'dropped'
    for (const ofport of OFPORTS) {
      const lawful = this.#lawful(ofport)
      if (lawful === true) continue
      for (const n of FRAMES.keys()) {
        if (lawful.has(n)) continue
        assert.ok(!passes(n, ofport), `port ${n} is spoken for at number ${ofport}`)
      }
    }
    if (this.#agent.hasSaid) this.#checkArmed(passes)
  }

  /** What is said to be armed here, for whoever speaks elsewhere, does not speak here: not by what the datapath remembers either. */
  #checkArmed(passes: (n: number, ofport: number) => boolean): void {
    for (const { key, revision, iface, ofport } of this.#applied) {
      const n = IDS.findIndex((id) => key === keys.hostAppliedPort('h', id))
      const port = this.#ports.get(IDS[n] ?? '')
      if (port?.revision !== revision || port.record.standby !== true) continue
      // The number may be another's by now, who may say anything.
      const holder = this.#ifaces.get(iface)
      const others = this.#were.get(ofport)?.size !== 1 || holder?.portId !== IDS[n]
      if (others || holder?.ofport !== ofport) continue
      const speaks = passes(n, ofport) || this.#cached.get(ofport)?.has(n) === true
      assert.ok(!speaks, `port ${n} is armed for another host and speaks at number ${ofport}`)
    }
  }
}

function lawfulBy({ up, standby, guarded, ips, portId }: HostPortRecord): Set<number> | true {
  if (!up || standby === true) return new Set()
  if (!guarded) return true
  const n = IDS.indexOf(portId)
  return new Set(ips[0] === parseIp(`10.0.0.${n + 1}`) ? [n] : [])
}

/** Whoever waits for what has been heard goes on. */
async function turns(): Promise<void> {
  for (let i = 0; i < 12; i++) await Promise.resolve()
}

void test('whatever fails and whenever, nobody speaks as another, and all ends as it should be', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(steps, { minLength: 10, maxLength: 60, size: 'max' }),
      async (story) => {
        const world = new World()
        await world.happen({ do: 'killAgent' })
        for (const n of IDS.keys()) {
          await world.happen({ do: 'plug', name: n, ofport: n, port: n })
          await world.happen({ do: 'declare', port: n, fields: {} })
          await world.happen({ do: 'round' })
        }
        for (const step of story) await world.happen(step)
        await world.rest()
        const { flows, applied } = world.ends
        assert.deepEqual(flows[0], flows[1])
        assert.deepEqual(applied[0], applied[1])
      },
    ),
    { numRuns: RUNS },
  )
})
