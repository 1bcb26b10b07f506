import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { macOfBytes, parseIp } from '@portward/addr'
import type { Flow, FlowMod } from '@portward/openflow'
import { SwitchError, flowKey } from '@portward/openflow'
import type { HostPortRecord } from '@portward/store'
import type { Iface } from './interface.ts'
import { Reconciler } from './reconciler.ts'
import { Tags } from './tags.ts'
import type { TagStep } from './tags.ts'
import type { Setting, Verdict } from './verdict.ts'
import { verdictOn } from './verdict.ts'
import { Unsettled } from './unsettled.ts'

const PORTS = ['00000001', '00000002', '00000003'].map(
  (tag) => `${tag}-0000-4000-8000-000000000000`,
)
const NAMES = ['tap1', 'tap2', 'tap3'] as const
type Name = (typeof NAMES)[number]

function portOf(portId: string, fields: Partial<HostPortRecord> = {}): HostPortRecord {
  const n = Number.parseInt(portId.slice(0, 8), 16)
  const mac = macOfBytes(Uint8Array.of(2, 0, 0, 0, 0, n))
  const none = { allowedAddressPairs: [], checks: {}, vlan: 0 }
  const ips = [parseIp(`10.0.0.${n}`)]
  return { portId, networkId: 'n', mac, ips, ...none, guarded: true, up: true, ...fields }
}

/** What a row of OVSDB's Port table says, and its interface's iface-id. */
type Row = {
  readonly portId: string | undefined
  readonly vlan: Iface['vlan']
  readonly ownTag: number | undefined
}

/** A transaction, as the agent is told of it. */
type Told = {
  readonly rows: ReadonlyMap<Name, Row>
  readonly next: number
  readonly cur: number
  readonly foreign?: Name
}

/** The database, the switch daemon that takes from it what it says when it likes, the flows, and an agent. */
class World {
  rows = new Map<Name, Row>()
  next = 0
  cur = 0
  /** What the agent has not been told yet. */
  readonly queue: Told[] = []
  /** The row as ovs-vswitchd has taken it: in which VLAN frames leave. */
  readonly taken = new Map<Name, Row>()
  readonly flows = new Map<string, Flow>()
  readonly ports = new Map<string, HostPortRecord>()
  /** The VLAN of the port that the flows which stand were made for. */
  readonly #vlans = new Map<string, number>()
  /** Those that another hand has changed, until flows come of a judgement that knew it. */
  readonly excused = new Map<Name, { readonly told: boolean }>()
  transactions = 0
  reconciler = this.#agent()
  #unsettled = new Unsettled()
  /** A transaction whose answer is yet to come. */
  #sending: readonly TagStep[] | undefined
  #revision = 0
  /** next_cfg when ovs-vswitchd last looked. */
  #seen = 0
  meanwhile: () => void = () => {}

  constructor() {
    for (const name of NAMES) {
      this.rows.set(name, { portId: undefined, vlan: undefined, ownTag: undefined })
    }
    this.#told()
    this.take()
    this.restart()
  }

  #agent(): Reconciler {
    return new Reconciler({ uplinks: new Set(), wake: () => {} })
  }

  /** The agent ends, and comes again: it knows what there is, not what has been. */
  restart(): void {
    this.reconciler = this.#agent()
    this.#unsettled = new Unsettled()
    this.#sending = undefined
    for (const { foreign } of this.queue) if (foreign) this.excused.set(foreign, { told: true })
    this.queue.length = 0
    this.#tell({ rows: this.rows, next: this.next, cur: this.cur })
    for (const [id, record] of this.ports) this.#declare(id, record)
    this.adopt()
  }

  /** The switch is found again. */
  adopt(): void {
    this.#unsettled.clear()
    this.reconciler.adopt(this.flows.values(), 'own')
    this.reconciler.tags.begin()
  }

  declare(n: number, record: Partial<HostPortRecord> | undefined): void {
    const id = PORTS[n] ?? ''
    const declared = record && portOf(id, record)
    if (declared === undefined) this.ports.delete(id)
    else this.ports.set(id, declared)
    this.#declare(id, declared)
  }

  #declare(id: string, record: HostPortRecord | undefined): void {
    this.reconciler.inventory.setPort(id, record && { record, revision: ++this.#revision })
  }

  /** Another hand. */
  change(name: Name, fields: Partial<Row>): void {
    const before = this.#row(name)
    const after = { ...before, ...fields }
    this.rows = new Map(this.rows).set(name, after)
    const theirs = 'vlan' in fields || 'ownTag' in fields
    if (theirs) this.taken.set(name, { ...(this.taken.get(name) ?? after), ownTag: undefined })
    if (before.vlan !== after.vlan) this.excused.set(name, { told: false })
    this.#told(before.vlan === after.vlan ? undefined : name)
  }

  #row(name: Name): Row {
    return this.rows.get(name) ?? assert.fail()
  }

  #told(foreign?: Name): void {
    const { rows, next, cur } = this
    this.queue.push({ rows, next, cur, ...(foreign && { foreign }) })
  }

  /** ovs-vswitchd looks at the database, and does what it says. */
  take(): void {
    for (const [name, row] of this.rows) this.taken.set(name, row)
    this.#seen = this.next
  }

  /** It says which state that was; there may be a later one by now. */
  tell(): void {
    if (this.cur === this.#seen) return
    this.cur = this.#seen
    this.#told()
  }

  /** The agent is told of the next transaction. */
  deliver(): void {
    const told = this.queue.shift()
    if (told === undefined) return
    this.#tell(told)
    const { foreign } = told
    if (foreign && !this.queue.some((later) => later.foreign === foreign)) {
      this.excused.set(foreign, { told: true })
    }
  }

  #tell({ rows, next, cur }: Told): void {
    for (const [i, name] of NAMES.entries()) {
      const { portId, vlan, ownTag } = rows.get(name) ?? assert.fail()
      const iface: Iface = {
        name,
        type: '',
        ofport: i + 1,
        portId,
        mac: undefined,
        error: undefined,
        port: name,
        ...(vlan !== undefined && { vlan }),
        ...(ownTag !== undefined && { ownTag }),
      }
      this.reconciler.tags.setIface(name, iface)
      this.reconciler.inventory.setIface(name, iface)
    }
    this.reconciler.tags.cfg(next, cur)
  }

  /** The agent sends a transaction, which takes effect, or (`lost`) of which it never hears whether it did. */
  send(lost?: 'before' | 'after'): void {
    const { tags } = this.reconciler
    if (this.#sending !== undefined) return
    const steps = tags.take()
    if (steps === undefined) return
    if (lost === 'before') return tags.failed()
    this.transactions++
    for (const { iface, what, tag } of steps) this.#write(iface as Name, what, tag)
    this.next++
    this.#told()
    if (lost === 'after') return tags.failed()
    this.#sending = steps
  }

  /** The answer comes when the agent has been told of the transaction. */
  answer(): void {
    if (this.#sending === undefined) return
    while (this.queue.length > 0) this.deliver()
    this.#sending = undefined
    this.reconciler.tags.sent(this.next)
  }

  #write(name: Name, what: TagStep['what'], tag: number): void {
    const row = this.#row(name)
    const { vlan } = row
    const cleared = vlan === tag ? undefined : vlan
    // An operator's tag that becomes ours: what it was judged by was the operator's.
    if (what === 'set' && vlan === tag) this.excused.set(name, { told: true })
    const after: Row = {
      set: { ...row, vlan: tag, ownTag: tag },
      clear: { ...row, vlan: cleared, ownTag: undefined },
      disown: { ...row, ownTag: undefined },
    }[what]
    this.rows = new Map(this.rows).set(name, after)
  }

  async step(): Promise<void> {
    if (this.reconciler.tags.starting) return
    const known = [...this.excused].filter(([, { told }]) => told)
    const outcomes = await this.reconciler.step(this)
    for (const [name, excuse] of known) {
      if (this.excused.get(name) === excuse) this.excused.delete(name)
    }
    for (const outcome of outcomes) {
      const { name, verdict } = outcome
      if (verdict !== undefined) this.#unsettled.add(outcome)
      if (verdict?.fulfils !== undefined) this.#vlans.set(name, verdict.fulfils.record.vlan)
    }
  }

  commit(mods: readonly FlowMod[], accepted: () => void): Promise<void> {
    this.meanwhile()
    for (const { command, flow } of mods) {
      if (command === 'add') this.flows.set(flowKey(flow), flow)
      else this.flows.delete(flowKey(flow))
    }
    accepted()
    return Promise.resolve()
  }

  async settle(): Promise<void> {
    for (const outcome of await this.#unsettled.settle(() => Promise.resolve())) {
      this.reconciler.tags.stands(outcome)
    }
  }

  /** Everything comes to rest. */
  async rest(): Promise<void> {
    for (let i = 0; i < 20; i++) {
      this.answer()
      this.take()
      this.tell()
      while (this.queue.length > 0) this.deliver()
      if (this.reconciler.dirty) await this.step()
      await this.settle()
      this.send()
    }
  }

  /** No frame leaves in another VLAN than its network's. */
  look(): void {
    for (const name of NAMES) {
      if (!this.speaks(name) || this.excused.has(name)) continue
      const row = this.taken.get(name)
      const vlan = this.#vlans.get(name)
      if (vlan !== 0) assert.equal(row?.vlan, vlan, `${name} speaks in its VLAN`)
      else assert.ok(row?.ownTag === undefined || row.ownTag !== row.vlan, `${name} has left its`)
    }
  }

  /** What there is, in a few words; what should be of it, the long way round. */
  lookAtRest(): void {
    for (const name of NAMES) {
      const { portId = '', vlan, ownTag } = this.#row(name)
      const record = this.ports.get(portId)
      const namesakes = NAMES.filter((other) => this.#row(other).portId === portId)
      const tag = record?.checks.vlan === undefined ? (record?.vlan ?? 0) : 0
      const speaks =
        record?.up === true && namesakes.length === 1 && record.checks.vlan === undefined
      assert.equal(this.speaks(name), speaks, `${name} speaks`)
      assert.equal(ownTag, tag === 0 ? undefined : tag, `${name} bears our name`)
      if (tag !== 0) assert.equal(vlan, tag, `${name} has its tag`)
    }
  }

  /** Whether its frames pass. */
  speaks(name: Name): boolean {
    const inPort = NAMES.indexOf(name) + 1
    const own = [...this.flows.values()].filter(
      ({ table, match }) => table === 0 && match.inPort === inPort,
    )
    return own.length > 0 && !own.some(({ priority }) => priority === 30)
  }
}

type Happening = (world: World) => void | Promise<void>
const named = (text: string, happening: Happening): Happening =>
  Object.assign(happening, { toString: () => text })

const names = fc.constantFrom(...NAMES)
const others: fc.Arbitrary<Happening> = fc.oneof(
  fc
    .tuple(
      fc.nat(2),
      fc.constantFrom<Partial<HostPortRecord> | undefined>(
        undefined,
        {},
        { vlan: 150 },
        { vlan: 150 },
        { vlan: 151 },
        { vlan: 150, guarded: false },
        { vlan: 151, up: false },
        { vlan: 150, checks: { vlan: false } },
        { vlan: 150, allowedAddressPairs: [], ips: [] },
      ),
    )
    .map(([n, record]) =>
      named(`declare ${n} ${JSON.stringify(record)}`, (w) => w.declare(n, record)),
    ),
  fc
    .tuple(names, fc.constantFrom(undefined, ...PORTS))
    .map(([name, portId]) => named(`plug ${name} ${portId}`, (w) => w.change(name, { portId }))),
  fc
    .tuple(names, fc.constantFrom<Iface['vlan']>(undefined, 7, 150, 151, 'other'))
    .map(([name, vlan]) => named(`tag ${name} ${vlan}`, (w) => w.change(name, { vlan }))),
  names.map((name) => named(`disown ${name}`, (w) => w.change(name, { ownTag: undefined }))),
  fc.constantFrom(
    named('take', (w) => w.take()),
    named('tell', (w) => w.tell()),
    named('deliver', (w) => w.deliver()),
    named('send', (w) => w.send()),
    named('answer', (w) => w.answer()),
    named('lost before', (w) => w.send('before')),
    named('lost after', (w) => w.send('after')),
    named('settle', (w) => w.settle()),
  ),
)
/** What the agent and the switch do all the time, with some of it late. */
const round = ['deliver', 'step', 'settle', 'send', 'answer', 'take', 'tell', 'deliver'] as const
const rounds: fc.Arbitrary<Happening> = fc
  .subarray([...round, ...round, 'step'] as const, { minLength: 8 })
  .map((parts) =>
    named(parts.join(), async (world) => {
      for (const part of parts) {
        await world[part]()
        world.look()
      }
    }),
  )
const happenings: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 3, arbitrary: rounds },
  { weight: 3, arbitrary: others },
  {
    weight: 2,
    arbitrary: fc.array(others, { maxLength: 4 }).map((amid) =>
      named(`step amid ${amid.join()}`, (w) => {
        w.meanwhile = () => {
          w.meanwhile = () => {}
          for (const happening of amid) {
            void happening(w)
            w.look()
          }
        }
        return w.step()
      }),
    ),
  },
  { weight: 1, arbitrary: fc.constant(named('rest', (w) => w.rest())) },
  { weight: 1, arbitrary: fc.constant(named('restart', (w) => w.restart())) },
  { weight: 1, arbitrary: fc.constant(named('adopt', (w) => w.adopt())) },
)

void test('whatever happens, in whatever order, no port speaks in another VLAN than its network’s', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happenings, { maxLength: 30, size: 'max' }), async (story) => {
      const world = new World()
      for (const [n, name] of NAMES.entries()) {
        world.change(name, { portId: PORTS[n] })
        world.declare(n, { vlan: [150, 151, 0][n] ?? 0 })
      }
      await world.rest()
      for (const happening of story) {
        await happening(world)
        world.look()
      }
      await world.rest()
      world.look()
      world.lookAtRest()
      const [flows, sent] = [[...world.flows.keys()], world.transactions]
      world.restart()
      await world.rest()
      world.look()
      assert.deepEqual([...world.flows.keys()], flows)
      assert.ok(world.transactions - sent <= 1, 'a restart asks once')
    }),
    { numRuns: 600 },
  )
})

function ifaceOf(name: string, more: Partial<Iface> = {}): Iface {
  const [portId] = PORTS
  const none = { type: '', mac: undefined, error: undefined }
  return { name, ofport: 1, portId, port: name, ...none, ...more }
}

const silent: Verdict = { state: 'silent', reason: 'r', flows: [], fulfils: undefined }

/** All interfaces shall have VLAN 150, and are silent. */
function tagsOf(ifaces: readonly Iface[]): Tags {
  const tags = new Tags({ wanted: () => 150, mark: () => {}, wake: () => {} })
  for (const iface of ifaces) {
    const outcome = { name: iface.name, iface, verdict: silent }
    tags.setIface(iface.name, iface)
    tags.judged(outcome)
    tags.stands(outcome)
  }
  return tags
}

void test('a thousand ports at once are one transaction; what comes while it is under way waits for the next', () => {
  const ifaces = Array.from({ length: 1000 }, (_, i) => ifaceOf(`tap${i}`))
  const tags = tagsOf(ifaces)
  assert.equal(tags.take()?.length, 1000)
  const late = ifaceOf('late')
  tags.setIface('late', late)
  const outcome = { name: 'late', iface: late, verdict: silent }
  tags.judged(outcome)
  tags.stands(outcome)
  assert.equal(tags.take(), undefined)
  for (const iface of ifaces) tags.setIface(iface.name, { ...iface, vlan: 150, ownTag: 150 })
  tags.cfg(5, 4)
  tags.sent(5)
  assert.equal(tags.applied('tap0'), false)
  assert.equal(tags.take(), undefined, 'the switch has not taken the first yet')
  tags.cfg(5, 5)
  assert.ok(ifaces.every(({ name }) => tags.applied(name)))
  assert.deepEqual(
    tags.take()?.map(({ iface }) => iface),
    ['late'],
  )
})

void test('a tag is believed by the number of its own transaction, also where another hand sets the numbers back', () => {
  const iface = ifaceOf('tap1')
  const tags = tagsOf([iface])
  const write = (number: number): void => {
    assert.equal(tags.take()?.length, number === 41 ? 1 : 0)
    tags.setIface('tap1', { ...iface, vlan: 150, ownTag: 150 })
    tags.cfg(number, 40)
    tags.sent(number)
    assert.equal(tags.applied('tap1'), false)
  }
  tags.cfg(40, 40)
  write(41)
  tags.cfg(0, 40)
  tags.cfg(0, 0)
  assert.equal(tags.applied('tap1'), false)
  // It asks anew; cur_cfg is that of before for a moment.
  write(1)
  tags.cfg(1, 1)
  assert.equal(tags.applied('tap1'), true)

  const changed = { ...iface, vlan: 7, ownTag: 150 }
  tags.setIface('tap1', changed)
  assert.equal(tags.applied('tap1'), false)
  assert.deepEqual(tags.take(), [
    { iface: 'tap1', port: 'tap1', what: 'set', tag: 150, again: true },
  ])
})

void test('where it can’t be in the VLAN of its network, an interface is silent and says why', () => {
  const reasonOf = (more: Partial<Iface>, fields: Partial<HostPortRecord>): string | undefined => {
    const record = portOf(PORTS[0] ?? '', fields)
    const setting: Setting = {
      mode: 'shared',
      uplinks: new Set(),
      portOf: () => ({ record, revision: 1 }),
      namesOf: () => new Set(['tap1']),
      tags: { applied: () => true, changing: () => false },
    }
    const { state, reason, flows, fulfils, lacks } = verdictOn(ifaceOf('tap1', more), setting)
    if (state !== 'silent') return undefined
    const standby = record.standby === true && more.bond !== true
    assert.deepEqual([flows.length, fulfils?.record], [1, standby ? record : undefined])
    assert.equal(lacks, standby && !reason?.includes('another host') ? reason : undefined)
    return reason
  }
  const right = { vlan: 150, ownTag: 150 }
  for (const guarded of [true, false]) {
    const port = { vlan: 150, guarded }
    assert.equal(reasonOf(right, port), undefined)
    assert.match(reasonOf({}, port) ?? '', /has no tag, not the tag 150 of its network yet/)
    assert.match(reasonOf({ vlan: 7, ownTag: 150 }, port) ?? '', /has the tag 7, not/)
    assert.match(reasonOf({ vlan: 'other' }, port) ?? '', /has trunks or a vlan_mode/)
    assert.match(reasonOf({ ...right, bond: true }, port) ?? '', /a bond/)
    assert.match(reasonOf(right, { ...port, checks: { vlan: [10] } }) ?? '', /exempted/)
    assert.match(reasonOf(right, { ...port, vlan: 0 }) ?? '', /being taken away/)
    assert.equal(reasonOf({ vlan: 7 }, { ...port, vlan: 0 }), undefined, 'an operator’s')
    assert.equal(reasonOf({ vlan: 7, ownTag: 150 }, { ...port, vlan: 0 }), undefined, 'likewise')
    assert.equal(reasonOf({ bond: true }, { ...port, vlan: 0 }), undefined)
    const standby = { ...port, standby: true } as const
    assert.match(reasonOf(right, standby) ?? '', /speaks on another host/)
    assert.match(reasonOf({}, standby) ?? '', /has no tag, not the tag 150 of its network yet/)
    assert.match(reasonOf({ ...right, bond: true }, standby) ?? '', /a bond/)
  }
})

void test('on a shared bridge, whose port nobody declares is silent until the tag that we had set is gone', () => {
  const stateOf = (more: Partial<Iface>, changing = false): Verdict['state'] => {
    const setting: Setting = {
      mode: 'shared',
      uplinks: new Set(),
      portOf: () => undefined,
      namesOf: () => new Set(['tap1']),
      tags: { applied: () => true, changing: () => changing },
    }
    const { state, flows } = verdictOn(ifaceOf('tap1', more), setting)
    assert.equal(flows.length, state === 'silent' ? 1 : 0)
    return state
  }
  assert.equal(stateOf({ vlan: 150, ownTag: 150 }), 'silent')
  assert.equal(stateOf({}, true), 'silent', 'ovs-vswitchd may have it yet')
  assert.equal(stateOf({}), 'foreign')
  assert.equal(stateOf({ vlan: 7, ownTag: 150 }), 'foreign', 'another’s by now')
  assert.equal(stateOf({ vlan: 7 }), 'foreign')
  assert.equal(
    stateOf({ vlan: 150, ownTag: 150, bond: true }),
    'foreign',
    'we take none from a bond',
  )
})

void test('where the switch refuses the flow that silences, a port of our own bridge has none, and no guard of before', async () => {
  const world = new World()
  world.change('tap1', { portId: PORTS[0] })
  world.declare(0, { vlan: 150 })
  await world.rest()
  assert.ok(world.speaks('tap1'))
  world.declare(0, { vlan: 151 })
  const refusing = {
    commit: (mods: readonly FlowMod[], accepted: () => void): Promise<void> => {
      const bad = mods.find(({ command, flow }) => command === 'add' && flow.priority === 30)
      if (bad === undefined) return world.commit(mods, accepted)
      return Promise.reject(new SwitchError('the table is full', { flow: bad.flow }))
    },
  }
  const [outcome] = await world.reconciler.step(refusing)
  assert.equal(outcome?.verdict?.state, 'silent')
  assert.ok(!world.speaks('tap1'))
})
