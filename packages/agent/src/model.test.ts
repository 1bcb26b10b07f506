// The loop, between an OVSDB, a store and a switch that are simulated: each tells late, in its own order; the switch acknowledges late,
// loses connections with a part of what was sent, restarts empty, and another hand writes to it; the agent is killed and begins anew.
// After every single thing that happens, frames are judged by the flows that stand at that moment.
//
//   world ──told late──► Reconciler ──sent, in order──► switch ──heard late: acknowledgements, events──► Reconciler, Report
//
// What may lag: an interface speaks as what it was until its agent has been told otherwise and the switch has acknowledged what
// followed. What may never be: that it speaks as anybody whom it neither is nor was since then.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Ip } from '@portward/addr'
import { macOfBytes, parseIp } from '@portward/addr'
import type { Flow, FlowEvent, FlowMod } from '@portward/openflow'
import { flowKey, flowText } from '@portward/openflow'
import { bridgeFlows, frameOf, judge, prepare } from '@portward/portsec'
import type { HostPortRecord, Op } from '@portward/store'
import { keys } from '@portward/store'
import type { Iface } from './interface.ts'
import { BRIDGE } from './inventory.ts'
import { Reconciler } from './reconciler.ts'
import { Report } from './report.ts'
import type { Setting } from './verdict.ts'
import { verdictOn } from './verdict.ts'

/** More take longer, and find what is rarer. */
const RUNS = Number(process.env['PORTWARD_MODEL_RUNS'] ?? 600)

const IDS = ['00000001', '00000002', '00000003'].map((tag) => `${tag}-0000-4000-8000-000000000000`)
const NAMES = ['tap1', 'tap2', 'tap3'] as const
const OFPORTS = [1, 2, 3]

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

type Step =
  | { readonly do: 'plug'; readonly name: number; readonly ofport: number; readonly port: number }
  | { readonly do: 'unplug'; readonly name: number }
  | { readonly do: 'declare'; readonly port: number; readonly fields: Partial<HostPortRecord> }
  | { readonly do: 'undeclare'; readonly port: number }
  | { readonly do: 'tellOvsdb' | 'tellStore' | 'deliver' | 'hear' | 'step' }
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
    ),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cut' as const), delivered: fc.nat(3) }) },
  { weight: 1, arbitrary: constants('restartSwitch', 'killAgent') },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('delete' as const, 'permit' as const),
      nth: fc.nat(40),
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
type Heard = { readonly event: FlowEvent } | { readonly ack: Sent }

class World {
  /** As things are. */
  readonly #ifaces = new Map<string, Iface>()
  readonly #ports = new Map<
    string,
    { readonly record: HostPortRecord; readonly revision: number }
  >()
  readonly #flows = new Map<string, Flow>()
  #revision = 0
  /** What the agent has not been told yet. */
  #ovsdb: (() => void)[] = []
  #store: (() => void)[] = []
  /** What of each port the agent goes by, or is yet to hear and go by. */
  readonly #versions = new Map<string, HostPortRecord[]>()
  #sent: Sent[] = []
  #heard: Heard[] = []
  /** Of each number, the ports that interfaces with it were, since nothing was on its way. */
  readonly #were = new Map<number, Set<string>>()
  /** Another hand wrote, and it is not put right yet. */
  #tampered = false
  #reconciler = this.#begin()
  #report = new Report({ host: 'h', wake: () => {} })
  #said = new Map<string, string>()
  #stepping: Promise<void> | undefined

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
      case 'hear': {
        const disturbed = this.#hear()
        await turns()
        await this.#tell()
        assert.ok(!this.#isApplied(disturbed), `${disturbed} is not as it was acknowledged`)
        break
      }
      case 'step':
        this.#step()
        break
      case 'cut':
        for (let i = 0; i < step.delivered; i++) this.#deliver()
        this.#cut()
        break
      case 'restartSwitch':
        this.#flows.clear()
        this.#cut()
        break
      case 'killAgent':
        this.#kill()
        break
      case 'delete':
      case 'permit':
        this.#tamper(step.do, step.nth)
        break
      default:
        step satisfies never
    }
    await turns()
    await this.#tell()
    this.#check()
  }

  /** Everything is told, delivered and heard, until there is nothing left to do. */
  async settle(): Promise<void> {
    for (let i = 0; i < 500; i++) {
      for (const tell of [...this.#ovsdb.splice(0), ...this.#store.splice(0)]) tell()
      this.#step()
      await turns()
      while (this.#sent.length > 0) this.#deliver()
      while (this.#heard.length > 0) this.#hear()
      await turns()
      await this.#tell()
      const idle = this.#stepping === undefined && !this.#reconciler.dirty
      if (idle && this.#sent.length === 0 && this.#heard.length === 0) break
    }
    assert.equal(this.#reconciler.dirty, false, 'it never comes to rest')
    this.#rest()
    this.#check()
  }

  /** What stands on the switch, and what should, naively; what is said, and what is so. */
  get ends() {
    const desired = [...bridgeFlows('own', 'hidden')]
    const applied = new Map<string, number>()
    const setting: Setting = {
      tags: this.#reconciler.tags,
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
    const said = [...this.#said].flatMap(([key, value]): [string, number][] => {
      if (!key.includes('/applied/')) return []
      return [[key, (JSON.parse(value) as { revision: number }).revision]]
    })
    return {
      flows: [[...this.#flows.values()], desired].map((flows) => flows.map(flowText).sort()),
      applied: [new Map(said), applied],
    }
  }

  #begin(): Reconciler {
    const reconciler = new Reconciler({ uplinks: new Set(), wake: () => {} })
    return reconciler
  }

  /** A number is one interface's at a time: whoever had it is gone. */
  #plug(name: string, ofport: number, portId: string | undefined): void {
    for (const [other, { ofport: taken }] of this.#ifaces) {
      if (other !== name && taken === ofport) this.#setIface(other, undefined)
    }
    this.#setIface(name, { name, type: '', ofport, portId, mac: undefined, error: undefined })
  }

  #setIface(name: string, iface: Iface | undefined): void {
    if (iface === undefined) this.#ifaces.delete(name)
    else this.#ifaces.set(name, iface)
    this.#remember(iface)
    this.#ovsdb.push(() => {
      const before = this.#reconciler.inventory.ifaces.get(name)
      this.#reconciler.tags.setIface(name, iface)
      this.#reconciler.inventory.setIface(name, iface)
      if (before === undefined) return
      const flows = this.#reconciler.silenced(name, before)
      if (flows.length > 0) {
        const mods = flows.map((flow) => ({ command: 'deleteStrict', flow }) as const)
        this.#sent.push({ mods, resolve: () => {}, reject: () => {} })
      }
    })
  }

  #declare(n: number, record: HostPortRecord | undefined): void {
    const id = IDS[n] ?? ''
    const entry = record && { record, revision: ++this.#revision }
    if (entry === undefined) this.#ports.delete(id)
    else this.#ports.set(id, entry)
    if (record !== undefined) this.#versions.set(id, [...(this.#versions.get(id) ?? []), record])
    this.#store.push(() => this.#reconciler.inventory.setPort(id, entry))
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
    if (this.#stepping !== undefined || !this.#reconciler.dirty) return
    const reconciler = this.#reconciler
    const table = {
      commit: (mods: readonly FlowMod[], accepted: () => void) =>
        new Promise<void>((resolve, reject) => {
          this.#sent.push({ mods, accepted, resolve, reject })
        }),
    }
    this.#stepping = (async () => {
      try {
        const outcomes = await reconciler.step(table)
        if (reconciler !== this.#reconciler) return
        for (const outcome of outcomes) this.#report.outcome(outcome)
        for (const outcome of outcomes) reconciler.tags.stands(outcome)
      } catch (error) {
        assert.match(String(error), /connection/)
      } finally {
        if (reconciler === this.#reconciler) this.#stepping = undefined
      }
    })()
  }

  #deliver(): void {
    const message = this.#sent.shift()
    if (message === undefined) return
    for (const { command, flow } of message.mods) {
      const key = flowKey(flow)
      if (command === 'add') this.#flows.set(key, flow)
      else if (this.#flows.get(key)?.cookie === flow.cookie) this.#flows.delete(key)
    }
    this.#heard.push({ ack: message })
  }

  /** Gives the interface whose flows another hand is heard to have changed. */
  #hear(): string | undefined {
    const message = this.#heard.shift()
    if (message === undefined) return undefined
    if ('event' in message) {
      const owner = this.#reconciler.observe(message.event)
      if (owner === undefined || owner === BRIDGE) return undefined
      this.#report.withdraw(owner)
      return owner
    }
    message.ack.accepted?.()
    message.ack.resolve()
    return undefined
  }

  #isApplied(name: string | undefined): boolean {
    return [...this.#said].some(([key, value]) => {
      const { iface } = JSON.parse(value) as { readonly iface?: string }
      return key.includes('/applied/') && iface === name
    })
  }

  /** What was on its way is lost, either way; a fresh look follows. */
  #cut(): void {
    for (const { reject } of this.#sent.splice(0)) reject(new Error('the connection is gone'))
    for (const message of this.#heard.splice(0)) {
      if ('ack' in message) message.ack.reject(new Error('the connection is gone'))
    }
    this.#reconciler.adopt([...this.#flows.values()], 'own')
  }

  #kill(): void {
    this.#reconciler = this.#begin()
    this.#stepping = undefined
    this.#report = new Report({ host: 'h', wake: () => {} })
    this.#said = new Map() // its lease is gone
    this.#ovsdb = []
    this.#store = []
    for (const [name, iface] of this.#ifaces) {
      this.#reconciler.tags.setIface(name, iface)
      this.#reconciler.inventory.setIface(name, iface)
    }
    for (const [id, entry] of this.#ports) this.#reconciler.inventory.setPort(id, entry)
    this.#cut()
  }

  #tamper(how: 'delete' | 'permit', nth: number): void {
    const flow = [...this.#flows.values()][nth]
    if (flow === undefined) return
    this.#tampered = true
    if (how === 'delete') {
      this.#flows.delete(flowKey(flow))
      this.#heard.push({ event: { type: 'removed', flow } })
    } else {
      const cookie = nth % 2 === 0 ? flow.cookie : 7n
      const permissive: Flow = { ...flow, cookie, priority: flow.priority + (nth % 3), actions: [] }
      const allowing = { ...permissive, actions: [{ type: 'resubmit', table: 94 } as const] }
      this.#flows.set(flowKey(allowing), allowing)
      this.#heard.push({ event: { type: 'present', flow: allowing } })
    }
  }

  /** What the report has to say gets to the store. */
  async #tell(): Promise<void> {
    const txn = (_: unknown, ops: readonly Op[]) => {
      for (const op of ops) {
        if (op.type === 'put') this.#said.set(op.key, op.value)
        else if (op.type === 'delete') this.#said.delete(op.key)
      }
      return Promise.resolve({ succeeded: true, revision: 0 } as const)
    }
    await this.#report.flush({ txn }, 'lease')
  }

  /** Nothing is on its way: nothing may lag any more. */
  #rest(): void {
    this.#were.clear()
    for (const iface of this.#ifaces.values()) this.#remember(iface)
    this.#versions.clear()
    for (const [id, { record }] of this.#ports) this.#versions.set(id, [record])
    this.#tampered = false
  }

  #check(): void {
    const quiet =
      this.#ovsdb.length + this.#store.length + this.#sent.length + this.#heard.length === 0
    if (quiet && this.#stepping === undefined && !this.#reconciler.dirty) this.#rest()
    if (this.#tampered) return
    const tables = prepare(this.#flows.values())
    for (const ofport of OFPORTS) {
      const lawful = this.#lawful(ofport)
      if (lawful === true) continue
      for (const [n, frame] of FRAMES.entries()) {
        if (lawful.has(n)) continue
        const { verdict } = judge(tables, frame, ofport)
        assert.equal(verdict, 'dropped', `port ${n} is spoken for at number ${ofport}`)
      }
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
        for (const step of story) await world.happen(step)
        await world.settle()
        const { flows, applied } = world.ends
        assert.deepEqual(flows[0], flows[1])
        assert.deepEqual(applied[0], applied[1])
      },
    ),
    { numRuns: RUNS },
  )
})
