import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Ip } from '@portward/addr'
import { macOfBytes, parseIp } from '@portward/addr'
import type { Flow, FlowMod } from '@portward/openflow'
import { flowKey, flowText } from '@portward/openflow'
import { bridgeFlows } from '@portward/portsec'
import type { HostPortRecord } from '@portward/store'
import type { Iface } from './interface.ts'
import { Reconciler } from './reconciler.ts'
import type { Outcome } from './reconciler.ts'
import type { Mode, Setting } from './verdict.ts'
import { verdictOn } from './verdict.ts'

/** A switch that takes bundles whole, or refuses them whole. */
class FakeSwitch {
  readonly flows = new Map<string, Flow>()
  readonly bundles: (readonly FlowMod[])[] = []
  refuses = false

  commit(mods: readonly FlowMod[], accepted: () => void = () => {}): Promise<void> {
    if (this.refuses) return Promise.reject(new Error('refused'))
    this.bundles.push(mods)
    for (const { command, flow } of mods) {
      if (command === 'add') this.flows.set(flowKey(flow), flow)
      else this.flows.delete(flowKey(flow))
    }
    accepted()
    return Promise.resolve()
  }
}

const PORTS = ['00000001', '00000002', '00000003'].map(
  (tag) => `${tag}-0000-4000-8000-000000000000`,
)
const NAMES = ['tap1', 'tap2', 'tap3', 'uplink', 'vxlan0'] as const

function iface(name: string, ofport: number | undefined, portId?: string): Iface {
  const type = name === 'vxlan0' ? 'vxlan' : ''
  return { name, type, ofport, portId, mac: undefined, error: undefined }
}

function port(portId: string, fields: Partial<HostPortRecord> = {}): HostPortRecord {
  const n = Number.parseInt(portId.slice(0, 8), 16)
  return {
    portId,
    networkId: 'n',
    mac: macOfBytes(Uint8Array.of(0xfa, 0x16, 0x3e, 0, 0, n)),
    ips: [parseIp(`10.0.0.${n}`), parseIp(`fd00::${n}`)] as Ip[],
    allowedAddressPairs: [],
    guarded: true,
    up: true,
    ...fields,
  }
}

function reconcilerOf(): Reconciler {
  return new Reconciler({ uplinks: new Set(['uplink']), wake: () => {} })
}

function texts(flows: Iterable<Flow>): readonly string[] {
  return [...flows].map(flowText).sort()
}

void test('a declared port gets its guard in one bundle, and is then fulfilled', async () => {
  const [reconciler, sw] = [reconcilerOf(), new FakeSwitch()]
  reconciler.adopt([], 'own')
  await reconciler.step(sw)
  const portId = PORTS[0] ?? ''
  reconciler.inventory.setIface('tap1', iface('tap1', 7, portId))
  reconciler.inventory.setPort(portId, { record: port(portId), revision: 5 })
  const [outcome] = await reconciler.step(sw)
  assert.equal(sw.bundles.length, 2)
  assert.equal(outcome?.verdict?.state, 'guarded')
  assert.equal(outcome.verdict.fulfils?.revision, 5)
  assert.equal(reconciler.dirty, false)
})

void test('a restart that changes nothing sends nothing', async () => {
  const sw = new FakeSwitch()
  const start = (): Reconciler => {
    const reconciler = reconcilerOf()
    for (const [i, portId] of PORTS.entries()) {
      reconciler.inventory.setIface(`tap${i}`, iface(`tap${i}`, i + 1, portId))
      reconciler.inventory.setPort(portId, { record: port(portId), revision: 1 })
    }
    reconciler.adopt(sw.flows.values(), 'own')
    return reconciler
  }
  await start().step(sw)
  const before = sw.bundles.length
  await start().step(sw)
  assert.equal(sw.bundles.length, before)
})

void test('two interfaces with one iface-id: neither speaks, both are told why; with one gone the other speaks', async () => {
  const [reconciler, sw] = [reconcilerOf(), new FakeSwitch()]
  const portId = PORTS[0] ?? ''
  reconciler.inventory.setPort(portId, { record: port(portId), revision: 1 })
  reconciler.inventory.setIface('tap1', iface('tap1', 1, portId))
  reconciler.adopt([], 'own')
  await reconciler.step(sw)
  reconciler.inventory.setIface('tap2', iface('tap2', 2, portId))
  const both = await reconciler.step(sw)
  assert.deepEqual(
    both.map(({ verdict }) => verdict?.state),
    ['silent', 'silent'],
  )
  assert.match(both[0]?.verdict?.reason ?? '', /same iface-id/)
  reconciler.inventory.setIface('tap1', undefined)
  const left = await reconciler.step(sw)
  const stateOf = (name: string) => left.find((o) => o.name === name)?.verdict?.state
  assert.deepEqual([stateOf('tap1'), stateOf('tap2')], [undefined, 'guarded'])
})

void test('the row of a device that is gone does not silence its successor', async () => {
  const [reconciler, sw] = [reconcilerOf(), new FakeSwitch()]
  const portId = PORTS[0] ?? ''
  reconciler.inventory.setPort(portId, { record: port(portId), revision: 1 })
  reconciler.inventory.setIface('tap1', iface('tap1', undefined, portId))
  reconciler.inventory.setIface('tap2', iface('tap2', 2, portId))
  reconciler.adopt([], 'own')
  const outcomes = await reconciler.step(sw)
  const stateOf = (name: string) => outcomes.find((o) => o.name === name)?.verdict?.state
  assert.deepEqual([stateOf('tap1'), stateOf('tap2')], ['silent', 'guarded'])
})

void test('a flow of another under a key of ours is left alone, and the port says that it is blocked', async () => {
  const [reconciler, sw] = [reconcilerOf(), new FakeSwitch()]
  const portId = PORTS[0] ?? ''
  const theirs: Flow = { table: 0, priority: 9, cookie: 1n, match: { inPort: 7 }, actions: [] }
  sw.flows.set(flowKey(theirs), theirs)
  reconciler.inventory.setIface('tap1', iface('tap1', 7, portId))
  reconciler.inventory.setPort(portId, { record: port(portId), revision: 5 })
  reconciler.adopt(sw.flows.values(), 'shared')
  const outcome = (await reconciler.step(sw)).find(({ name }) => name === 'tap1')
  assert.equal(outcome?.verdict?.state, 'blocked')
  assert.match(outcome.verdict.reason ?? '', /table 0, priority 9, cookie 0x1/)
  assert.equal(sw.flows.get(flowKey(theirs)), theirs)
})

// What may happen, in any order: interfaces and ports come, change and go; the switch refuses; another hand deletes or
// changes flows; the agent restarts; the loop runs.
type Happening =
  | {
      readonly type: 'iface'
      readonly name: string
      readonly ofport: number | undefined
      readonly port: number
    }
  | {
      readonly type: 'port'
      readonly port: number
      readonly fields: Partial<HostPortRecord> | undefined
    }
  | { readonly type: 'gone'; readonly name: string }
  | { readonly type: 'step' | 'refusedStep' | 'restart' }
  | { readonly type: 'deleted' | 'changed'; readonly nth: number }

const happenings: fc.Arbitrary<Happening> = fc.oneof(
  fc.record(
    {
      type: fc.constant('iface' as const),
      name: fc.constantFrom(...NAMES),
      ofport: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
      port: fc.constantFrom(0, 0, 1, 2, 3),
    },
    { noNullPrototype: true },
  ),
  fc.record(
    {
      type: fc.constant('port' as const),
      port: fc.constantFrom(0, 0, 1, 2),
      fields: fc.constantFrom<Partial<HostPortRecord> | undefined>(
        undefined,
        {},
        {},
        { guarded: false },
        { up: false },
        { ips: [] },
      ),
    },
    { noNullPrototype: true },
  ),
  fc.record(
    { type: fc.constant('gone' as const), name: fc.constantFrom(...NAMES) },
    { noNullPrototype: true },
  ),
  fc.record(
    { type: fc.constantFrom(...(['step', 'step', 'step', 'refusedStep', 'restart'] as const)) },
    { noNullPrototype: true },
  ),
  fc.record(
    { type: fc.constantFrom('deleted' as const, 'changed' as const), nth: fc.nat(40) },
    { noNullPrototype: true },
  ),
)

class World {
  readonly sw = new FakeSwitch()
  readonly ifaces = new Map<string, Iface>()
  readonly ports = new Map<string, { record: HostPortRecord; revision: number }>()
  readonly mode: Mode
  reconciler = reconcilerOf()
  #revision = 0

  constructor(mode: Mode) {
    this.mode = mode
    this.restart()
  }

  restart(): void {
    this.reconciler = reconcilerOf()
    for (const [name, known] of this.ifaces) this.reconciler.inventory.setIface(name, known)
    for (const [id, declared] of this.ports) this.reconciler.inventory.setPort(id, declared)
    this.reconciler.adopt(this.sw.flows.values(), this.mode)
  }

  setIface(name: string, known: Iface | undefined): void {
    if (known === undefined) this.ifaces.delete(name)
    else this.ifaces.set(name, known)
    this.reconciler.inventory.setIface(name, known)
  }

  async happen(what: Happening): Promise<void> {
    switch (what.type) {
      case 'iface': {
        // A switch gives a number to one interface at a time.
        const taken = [...this.ifaces.values()].some(
          ({ name, ofport }) =>
            name !== what.name && ofport !== undefined && ofport === what.ofport,
        )
        const portId = PORTS[what.port]
        this.setIface(what.name, iface(what.name, taken ? undefined : what.ofport, portId))
        return
      }
      case 'gone':
        this.setIface(what.name, undefined)
        return
      case 'port': {
        const portId = PORTS[what.port] ?? ''
        const declared = what.fields && {
          record: port(portId, what.fields),
          revision: ++this.#revision,
        }
        if (declared === undefined) this.ports.delete(portId)
        else this.ports.set(portId, declared)
        this.reconciler.inventory.setPort(portId, declared)
        return
      }
      case 'restart':
        this.restart()
        return
      case 'step':
      case 'refusedStep':
        this.sw.refuses = what.type === 'refusedStep'
        await this.reconciler.step(this.sw).catch(() => {})
        this.sw.refuses = false
        return
      case 'deleted':
      case 'changed': {
        const flow = [...this.sw.flows.values()][what.nth]
        if (flow === undefined) return
        const key = flowKey(flow)
        if (what.type === 'deleted') {
          this.sw.flows.delete(key)
          this.reconciler.observe({ type: 'removed', flow })
        } else {
          const other: Flow = { ...flow, actions: [{ type: 'resubmit', table: 99 }] }
          this.sw.flows.set(key, other)
          this.reconciler.observe({ type: 'present', flow: other })
        }
        return
      }
      default:
        what satisfies never
    }
  }

  async settle(): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = []
    while (this.reconciler.dirty) outcomes.push(...(await this.reconciler.step(this.sw)))
    return outcomes
  }

  /** Naively, from nothing but what there is now. */
  desired(): readonly Flow[] {
    const setting: Setting = {
      mode: this.mode,
      uplinks: new Set(['uplink']),
      portOf: (id) => this.ports.get(id),
      namesOf: (id) =>
        new Set(
          [...this.ifaces.values()]
            .filter(({ portId, ofport }) => portId === id && ofport !== undefined)
            .map(({ name }) => name),
        ),
    }
    const verdicts = [...this.ifaces.values()].map((known) => verdictOn(known, setting))
    return [...bridgeFlows(this.mode), ...verdicts.flatMap(({ flows }) => flows)]
  }
}

for (const mode of ['own', 'shared'] as const) {
  void test(`whatever happens, in whatever order, the switch ends with just the flows it should have: ${mode}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happenings, { maxLength: 30, size: 'max' }), async (story) => {
        const world = new World(mode)
        for (const what of story) await world.happen(what)
        await world.settle()
        assert.deepEqual(texts(world.sw.flows.values()), texts(world.desired()))
        const sent = world.sw.bundles.length
        world.restart()
        await world.settle()
        assert.equal(world.sw.bundles.length, sent, 'a restart then sends nothing')
      }),
      { numRuns: 1000 },
    )
  })
}
