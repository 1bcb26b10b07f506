import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { macOfBytes } from '@portward/addr'
import type { Flow, FlowMod } from '@portward/openflow'
import { SwitchError, flowKey } from '@portward/openflow'
import { tables } from '@portward/portsec'
import type { HostPortRecord } from '@portward/store'
import type { Iface } from './interface.ts'
import { noteOnExposed } from './isolation.ts'
import { Reconciler } from './reconciler.ts'

const PAIR = { flood: 101, again: 102 }

/** A switch with ports that floods reach or not, which looks at each moment whom a broadcast reaches, and how often. */
class FakeSwitch {
  readonly flows = new Map<string, Flow>()
  readonly kept = new Set<number>()
  /** Ports of which it will not have it. */
  readonly stubborn = new Set<number>()
  refusesTable: number | undefined
  asked = 0
  /** Ports that a broadcast would have reached twice. */
  readonly doubled = new Set<number>()

  async commit(
    mods: readonly FlowMod[],
    accepted: () => void,
    ready?: Promise<void>,
  ): Promise<void> {
    const bad = mods.find(({ flow }) => flow.table === this.refusesTable)
    if (bad !== undefined) throw new SwitchError('full', { flow: bad.flow })
    await ready
    for (const { command, flow } of mods) {
      if (command === 'add') this.flows.set(flowKey(flow), flow)
      else this.flows.delete(flowKey(flow))
    }
    accepted()
    this.#look()
  }

  readonly floods = {
    set: (wanted: ReadonlyMap<number, boolean>): Promise<ReadonlyMap<number, string>> => {
      this.asked++
      const refused = new Map<number, string>()
      for (const [port, floods] of wanted) {
        if (this.stubborn.has(port)) refused.set(port, 'no')
        else if (floods) this.kept.delete(port)
        else this.kept.add(port)
      }
      this.#look()
      return Promise.resolve(refused)
    },
  }

  /** The ports that are handed multicast. */
  get listed(): ReadonlySet<number> {
    const lists = [...this.flows.values()].filter(({ table }) => table === tables.members.id)
    const actions = lists.flatMap((flow) => flow.actions)
    return new Set(actions.flatMap((one) => (one.type === 'output' ? [one.port] : [])))
  }

  #look(): void {
    for (const port of this.listed) if (!this.kept.has(port)) this.doubled.add(port)
  }
}

const PORTS = ['00000001', '00000002', '00000003'].map(
  (tag) => `${tag}-0000-4000-8000-000000000000`,
)

function iface(name: string, ofport: number | undefined, more: Partial<Iface> = {}): Iface {
  return { name, type: '', ofport, portId: undefined, mac: undefined, error: undefined, ...more }
}

function port(portId: string, fields: Partial<HostPortRecord> = {}): HostPortRecord {
  const n = Number.parseInt(portId.slice(0, 8), 16)
  const mac = macOfBytes(Uint8Array.of(2, 0, 0, 0, 0, n))
  const none = { ips: [], allowedAddressPairs: [], checks: {}, vlan: 0 }
  return { portId, networkId: 'n', mac, ...none, guarded: true, up: true, ...fields }
}

function start(sw: FakeSwitch): Reconciler {
  const options = { uplinks: new Set(['uplink']), wake: () => {}, isolate: true }
  const reconciler = new Reconciler(options)
  reconciler.setPair(PAIR)
  reconciler.adopt(sw.flows.values(), 'own', sw.floods)
  return reconciler
}

async function settle(reconciler: Reconciler, sw: FakeSwitch): Promise<void> {
  for (let i = 0; reconciler.dirty; i++) {
    assert.ok(i < 20, 'it comes to an end')
    await reconciler.step(sw)
  }
}

type Step =
  | {
      readonly name: string
      readonly ofport: number | undefined
      readonly port: number | undefined
    }
  | { readonly declare: number; readonly as: Partial<HostPortRecord> | undefined }
  | 'restart'

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    name: fc.constantFrom('tap1', 'tap2', 'uplink'),
    ofport: fc.constantFrom(1, 2, 3, undefined),
    port: fc.constantFrom(0, 1, undefined),
  }),
  fc.record({
    declare: fc.constantFrom(0, 1),
    as: fc.constantFrom(
      {},
      { guarded: false },
      { up: false },
      { checks: { vlan: false as const } },
      undefined,
    ),
  }),
  fc.constant('restart' as const),
)

void test('whatever happens, in the end just guarded ports are kept from floods and handed theirs', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 15 }), async (story) => {
      const sw = new FakeSwitch()
      let reconciler = start(sw)
      const ifaces = new Map<string, Iface>()
      const ports = new Map<string, HostPortRecord>()
      for (const step of story) {
        if (step === 'restart') {
          reconciler = start(sw)
          for (const [name, one] of ifaces) reconciler.inventory.setIface(name, one)
          for (const [id, record] of ports)
            reconciler.inventory.setPort(id, { record, revision: 1 })
        } else if ('name' in step) {
          const { name, ofport } = step
          const taken = [...ifaces.values()].some(
            (one) => one.ofport === ofport && one.name !== name,
          )
          const portId = step.port === undefined ? undefined : PORTS[step.port]
          const one = iface(name, taken ? undefined : ofport, { portId })
          // A port of a new number is one that floods reach.
          if (ifaces.get(name)?.ofport !== one.ofport) sw.kept.delete(one.ofport ?? 0)
          ifaces.set(name, one)
          reconciler.inventory.setIface(name, one)
        } else {
          const id = PORTS[step.declare] ?? ''
          const record = step.as === undefined ? undefined : port(id, step.as)
          if (record === undefined) ports.delete(id)
          else ports.set(id, record)
          reconciler.inventory.setPort(id, record && { record, revision: 1 })
        }
        sw.doubled.clear()
        const heard = new Set([1, 2, 3].filter((ofport) => !sw.kept.has(ofport)))
        await settle(reconciler, sw)
        // A number that has just become another's is told of twice, by those who had it and who have it.
        // One that was open is guarded before floods are kept from it.
        if (step === 'restart') assert.deepEqual([...sw.doubled], [])
        else if ('declare' in step)
          assert.deepEqual(
            [...sw.doubled].filter((ofport) => !heard.has(ofport)),
            [],
          )
        const guarded: number[] = []
        const silent: number[] = []
        for (const { name, ofport, portId } of ifaces.values()) {
          if (ofport === undefined || name === 'uplink') continue
          const namesakes = [...ifaces.values()].filter(
            (one) => one.portId === portId && one.ofport !== undefined,
          )
          const record = ports.get(portId ?? '')
          if (record === undefined || namesakes.length > 1 || !record.up) silent.push(ofport)
          else if (record.guarded && record.checks.vlan !== false) guarded.push(ofport)
        }
        const there = [...ifaces.values()].flatMap(({ ofport }) => ofport ?? [])
        assert.deepEqual(sw.listed, new Set(guarded))
        const kept = [...sw.kept].filter((ofport) => there.includes(ofport))
        assert.deepEqual(new Set(kept), new Set([...guarded, ...silent]))
      }
    }),
    { numRuns: 500 },
  )
})

async function oneGuarded(): Promise<{ sw: FakeSwitch; reconciler: Reconciler; id: string }> {
  const sw = new FakeSwitch()
  const reconciler = start(sw)
  const id = PORTS[0] ?? ''
  reconciler.inventory.setIface('tap1', iface('tap1', 1, { portId: id }))
  reconciler.inventory.setPort(id, { record: port(id), revision: 1 })
  await settle(reconciler, sw)
  assert.deepEqual([...sw.listed], [1])
  return { sw, reconciler, id }
}

void test('from open to guarded, the guard comes first: until floods are kept away, a broadcast comes twice', async () => {
  const { sw, reconciler, id } = await oneGuarded()
  const { asked } = sw
  reconciler.inventory.setPort(id, { record: port(id, { guarded: false }), revision: 2 })
  await settle(reconciler, sw)
  assert.deepEqual([sw.listed.size, sw.kept.size, sw.doubled.size], [0, 0, 0])
  reconciler.inventory.setPort(id, { record: port(id), revision: 3 })
  await settle(reconciler, sw)
  assert.deepEqual([[...sw.listed], [...sw.kept], [...sw.doubled]], [[1], [1], [1]])
  assert.equal(sw.asked, asked + 2)
})

void test('a port that floods can’t be kept from is in no list, and is told of', async () => {
  const { sw, reconciler } = await oneGuarded()
  sw.stubborn.add(2)
  const id = PORTS[1] ?? ''
  reconciler.inventory.setIface('tap2', iface('tap2', 2, { portId: id }))
  reconciler.inventory.setPort(id, { record: port(id), revision: 1 })
  reconciler.inventory.setIface('tap3', iface('tap3', 3, { portId: PORTS[2], vlan: 'other' }))
  reconciler.inventory.setPort(PORTS[2] ?? '', { record: port(PORTS[2] ?? ''), revision: 1 })
  await settle(reconciler, sw)
  assert.deepEqual([[...sw.listed], [...sw.kept], [...sw.doubled]], [[1], [1], []])
  const vlans = 'its port in OVSDB has trunks or a vlan_mode'
  const exposed = [
    ['tap2', 'no'],
    ['tap3', vlans],
  ] as const
  assert.deepEqual(reconciler.exposed, new Map(exposed))
  assert.equal(
    noteOnExposed('br-int', undefined, new Map([['tap3', vlans]])),
    `br-int floods to tap3 what is for others: ${vlans}`,
  )
  assert.equal(noteOnExposed('br-int', undefined, new Map()), undefined)
})

void test('where the switch refuses a list, or it is hindered, floods reach all ports again, and no flow of it stays', async () => {
  for (const refusing of [true, false]) {
    const { sw, reconciler } = await oneGuarded()
    const id = PORTS[1] ?? ''
    reconciler.inventory.setIface('tap2', iface('tap2', 2, { portId: id }))
    reconciler.inventory.setPort(id, { record: port(id), revision: 1 })
    if (refusing) sw.refusesTable = tables.toward.id
    else reconciler.hinder('the pair is not there')
    if (refusing) await reconciler.step(sw)
    sw.refusesTable = undefined
    await settle(reconciler, sw)
    assert.equal(reconciler.hindrance, refusing ? 'full' : 'the pair is not there')
    assert.deepEqual([sw.listed.size, sw.kept.size], [0, 0])
    const left = [...sw.flows.values()].filter(({ table }) => table >= tables.toward.id)
    assert.deepEqual(left, [])
  }
})

void test('a MAC that a port has no longer is a loss that the switch must forget; one of a port that is gone is not', async () => {
  const { sw, reconciler, id } = await oneGuarded()
  const other = macOfBytes(Uint8Array.of(2, 0, 0, 0, 0, 9))
  reconciler.inventory.setPort(id, { record: port(id, { guarded: false }), revision: 2 })
  await settle(reconciler, sw)
  reconciler.inventory.setPort(id, { record: port(id), revision: 3 })
  await settle(reconciler, sw)
  assert.equal(reconciler.losses, 0)
  reconciler.inventory.setPort(id, { record: port(id, { mac: other }), revision: 4 })
  await settle(reconciler, sw)
  assert.equal(reconciler.losses, 1)
  reconciler.inventory.setIface('tap1', undefined)
  await settle(reconciler, sw)
  assert.equal(reconciler.losses, 1)
})
