import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Ip } from '@portward/addr'
import { macOfBytes, parseIp, parseMac, parsePrefix } from '@portward/addr'
import type { Flow, FlowMod } from '@portward/openflow'
import { SwitchError, flowKey, flowText } from '@portward/openflow'
import { bridgeFlows, silenceFlows } from '@portward/portsec'
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
  /** One that it will not have: then it refuses the bundle, and names the flow. */
  refusesFlow: (flow: Flow) => boolean = () => false
  /** Called before it looks at a bundle that is on its way. */
  meanwhile: () => void = () => {}

  commit(mods: readonly FlowMod[], accepted: () => void = () => {}): Promise<void> {
    this.meanwhile()
    if (this.refuses) return Promise.reject(new Error('refused'))
    const bad = mods.find(({ command, flow }) => command === 'add' && this.refusesFlow(flow))
    if (bad !== undefined) {
      return Promise.reject(new SwitchError('the table is full', { flow: bad.flow }))
    }
    this.bundles.push(mods)
    for (const { command, flow } of mods) {
      const key = flowKey(flow)
      if (command === 'add') this.flows.set(key, flow)
      else if (this.flows.get(key)?.cookie === flow.cookie) this.flows.delete(key)
    }
    accepted()
    return Promise.resolve()
  }
}

const PORTS = ['00000001', '00000002', '00000003'].map(
  (tag) => `${tag}-0000-4000-8000-000000000000`,
)
const MULTICAST = parseMac('01:00:5e:00:00:01')
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
    checks: {},
    vlan: 0,
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

void test('blocked by a flow of another: guarded when that flow goes', async () => {
  const [reconciler, sw] = [reconcilerOf(), new FakeSwitch()]
  const portId = PORTS[0] ?? ''
  const theirs: Flow = { table: 0, priority: 9, cookie: 1n, match: { inPort: 7 }, actions: [] }
  sw.flows.set(flowKey(theirs), theirs)
  reconciler.inventory.setIface('tap1', iface('tap1', 7, portId))
  reconciler.inventory.setPort(portId, { record: port(portId), revision: 5 })
  reconciler.adopt(sw.flows.values(), 'shared')
  await reconciler.step(sw)
  sw.flows.delete(flowKey(theirs))
  reconciler.observe({ type: 'removed', flow: theirs })
  const [outcome] = await reconciler.step(sw)
  assert.equal(outcome?.verdict?.state, 'guarded')
  assert.ok([...sw.flows.values()].some(({ match }) => match.inPort === 7))
})

void test('another’s flow that did the same as ours goes or changes: ours is written, or the port is blocked', async () => {
  for (const becomes of ['gone', 'another'] as const) {
    const [reconciler, sw] = [reconcilerOf(), new FakeSwitch()]
    const portId = PORTS[0] ?? ''
    const tagged = { inPort: 7, vlanTci: { value: 0x1000, mask: 0x1000 } }
    const theirs: Flow = { table: 0, priority: 20, cookie: 1n, match: tagged, actions: [] }
    const key = flowKey(theirs)
    sw.flows.set(key, theirs)
    reconciler.inventory.setIface('tap1', iface('tap1', 7, portId))
    reconciler.inventory.setPort(portId, { record: port(portId), revision: 5 })
    reconciler.adopt(sw.flows.values(), 'shared')
    const before = await reconciler.step(sw)
    assert.equal(before.at(0)?.verdict?.state, 'guarded')
    if (becomes === 'gone') {
      sw.flows.delete(key)
      reconciler.observe({ type: 'removed', flow: theirs })
    } else {
      const changed: Flow = { ...theirs, actions: [{ type: 'resubmit', table: 99 }] }
      sw.flows.set(key, changed)
      reconciler.observe({ type: 'present', flow: changed })
    }
    const [outcome] = await reconciler.step(sw)
    assert.equal(outcome?.verdict?.state, becomes === 'gone' ? 'guarded' : 'blocked')
    if (becomes === 'gone') assert.notEqual(sw.flows.get(key)?.cookie, 1n)
  }
})

void test('on a bridge of our own, flows of others in our tables go, as they are found and as they come', async () => {
  const [reconciler, sw] = [reconcilerOf(), new FakeSwitch()]
  const theirs = (table: number): Flow => {
    return { table, priority: 9999, cookie: 7n, match: {}, actions: [] }
  }
  const put = (flow: Flow): void => void sw.flows.set(flowKey(flow), flow)
  const left = (): readonly number[] =>
    [...sw.flows.values()].flatMap(({ table, cookie }) => (cookie === 7n ? [table] : []))
  put(theirs(24))
  put(theirs(7))
  reconciler.adopt(sw.flows.values(), 'own')
  await reconciler.step(sw)
  assert.deepEqual(left(), [7], 'a table that no flow of ours hands on to')
  put(theirs(0))
  assert.equal(reconciler.observe({ type: 'present', flow: theirs(0) }), '')
  assert.ok(reconciler.dirty)
  await reconciler.step(sw)
  assert.deepEqual([left(), reconciler.dirty], [[7], false])

  // One that gave way to a flow of ours is not there to be deleted; and one that came to our place was replaced.
  const drop = [...sw.flows.values()].find(({ table, priority }) => table === 0 && priority === 0)
  assert.ok(drop)
  const instead: Flow = { ...drop, cookie: 7n, actions: [{ type: 'resubmit', table: 99 }] }
  put(instead)
  reconciler.observe({ type: 'present', flow: instead })
  await reconciler.step(sw)
  assert.deepEqual(sw.flows.get(flowKey(drop)), drop)
  assert.equal(reconciler.observe({ type: 'present', flow: theirs(7) }), undefined)
  assert.equal(reconciler.dirty, false)
})

void test('a flow that another hand deletes while a bundle is on its way is put back', async () => {
  const portId = PORTS[0] ?? ''
  for (const when of ['adopted', 'known'] as const) {
    const [reconciler, sw] = [reconcilerOf(), new FakeSwitch()]
    reconciler.inventory.setIface('tap1', iface('tap1', 1, portId))
    reconciler.inventory.setPort(portId, { record: port(portId), revision: 1 })
    reconciler.adopt([], 'own')
    await reconciler.step(sw)
    const before = texts(sw.flows.values())
    // Something to send, in the same bundle in which that flow needs no sending.
    const [other, victim] = [...sw.flows.values()].filter(({ match }) => match.inPort === 1)
    assert.ok(victim && other)
    sw.flows.delete(flowKey(other))
    if (when === 'adopted') reconciler.adopt(sw.flows.values(), 'own')
    else reconciler.observe({ type: 'removed', flow: other })
    sw.meanwhile = () => {
      sw.meanwhile = () => {}
      sw.flows.delete(flowKey(victim))
      reconciler.observe({ type: 'removed', flow: victim })
    }
    while (reconciler.dirty) await reconciler.step(sw)
    assert.deepEqual(texts(sw.flows.values()), before)
  }
})

const uncompilable = {
  allowedAddressPairs: [{ mac: MULTICAST, prefix: parsePrefix('10.0.0.0/24') }],
}

void test('a port that can’t be compiled keeps its last good guard; not its openness, nor the guard of another port', async () => {
  const [reconciler, sw] = [reconcilerOf(), new FakeSwitch()]
  const [one = '', two = ''] = PORTS
  let revision = 0
  const declare = (portId: string, fields: Partial<HostPortRecord>): void =>
    reconciler.inventory.setPort(portId, { record: port(portId, fields), revision: ++revision })
  const ofTap = (): readonly string[] =>
    texts([...sw.flows.values()].filter(({ match }) => match.inPort === 1))
  const silence = (portId: string): readonly string[] => texts(silenceFlows(1, portId))
  declare(one, {})
  declare(two, uncompilable)
  reconciler.inventory.setIface('tap1', iface('tap1', 1, one))
  reconciler.adopt([], 'own')
  await reconciler.step(sw)
  const guard = ofTap()
  declare(one, uncompilable)
  const [kept] = await reconciler.step(sw)
  assert.deepEqual(ofTap(), guard)
  assert.equal(kept?.verdict?.state, 'guarded')
  assert.match(kept.verdict.reason ?? '', /no station's address/)
  assert.equal(kept.verdict.fulfils, undefined)

  const [victim] = [...sw.flows.values()].filter(({ match }) => match.inPort === 1)
  assert.ok(victim)
  sw.flows.delete(flowKey(victim))
  reconciler.observe({ type: 'removed', flow: victim })
  await reconciler.step(sw)
  assert.deepEqual(ofTap(), guard, 'another hand takes nothing away from it')
  sw.flows.clear()
  reconciler.adopt([], 'own')
  await reconciler.step(sw)
  assert.deepEqual(ofTap(), guard, 'nor does a restart of the switch')

  reconciler.inventory.setIface('tap1', iface('tap1', 1, two))
  await reconciler.step(sw)
  assert.deepEqual(ofTap(), silence(two))

  declare(two, { guarded: false })
  await reconciler.step(sw)
  declare(two, uncompilable)
  await reconciler.step(sw)
  assert.deepEqual(ofTap(), silence(two))
})

void test('a port whose flows the switch refuses holds up no other; it is silent, or keeps its last good guard, and is tried again', async () => {
  const [reconciler, sw] = [reconcilerOf(), new FakeSwitch()]
  const [good = '', bad = '', third = ''] = PORTS
  for (const [i, portId] of [good, bad].entries()) {
    reconciler.inventory.setIface(`tap${i}`, iface(`tap${i}`, i + 1, portId))
    reconciler.inventory.setPort(portId, { record: port(portId), revision: 1 })
  }
  const stray: Flow = { ...(silenceFlows(9, good)[0] as Flow) }
  sw.flows.set(flowKey(stray), stray)
  const ofPort = (inPort: number): readonly Flow[] =>
    [...sw.flows.values()].filter(({ match }) => match.inPort === inPort)
  sw.refusesFlow = ({ table, match }) => table === 71 && match.inPort === 2
  reconciler.adopt(sw.flows.values(), 'own')
  const outcomes = await reconciler.step(sw)
  assert.deepEqual(
    outcomes.map(({ verdict }) => [verdict?.state, verdict?.reason]),
    [
      ['guarded', undefined],
      ['silent', 'the table is full'],
    ],
  )
  assert.deepEqual(texts(ofPort(2)), texts(silenceFlows(2, bad)))
  assert.equal(ofPort(9).length, 0)
  assert.equal(reconciler.dirty, false)
  assert.deepEqual([...reconciler.refused.keys()], ['tap1'])

  sw.refusesFlow = () => false
  reconciler.retry()
  const [mended] = await reconciler.step(sw)
  assert.equal(mended?.verdict?.state, 'guarded')
  assert.equal(reconciler.refused.size, 0)
  const guard = texts(ofPort(2))

  sw.refusesFlow = ({ table, match }) => table === 71 && match.inPort !== undefined
  reconciler.inventory.setPort(third, { record: port(third, { guarded: false }), revision: 2 })
  reconciler.inventory.setIface('tap2', iface('tap2', 3, third))
  const changed: Partial<HostPortRecord> = { ips: [parseIp('10.0.0.99')] }
  reconciler.inventory.setPort(bad, { record: port(bad, changed), revision: 3 })
  await reconciler.step(sw)
  assert.deepEqual(texts(ofPort(2)), guard)
  assert.equal(ofPort(3).length, 1)

  sw.refusesFlow = ({ match }) => match.inPort === 3
  reconciler.inventory.setPort(third, { record: port(third), revision: 4 })
  const [unguarded] = await reconciler.step(sw)
  assert.equal(unguarded?.verdict?.state, 'blocked')
  assert.equal(ofPort(3).length, 0, 'what admitted it is gone')
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
      tags: this.reconciler.tags,
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
    return [...bridgeFlows(this.mode, 'hidden'), ...verdicts.flatMap(({ flows }) => flows)]
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
